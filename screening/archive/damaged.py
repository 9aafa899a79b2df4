"""Which studies wait as images of theirs seem to be damaged that nobody has read before.

Comes in: files that are no image tonight, and what is known of all images.
Goes out: the keys of the studies that wait.
Refuses: nothing.

A file that begins as DICOM and is damaged belongs to its folder; one that is empty or anything
else does where it is called like an image there, numbers aside: a README holds nothing back. A gap
in the stack is for measuring to judge, which knows where the heart lies. A damaged file that by its
name lies in no gap may be of an end that nobody sees: then the folder's studies wait, where it
holds few. In a fuller one nobody can tell whose they are.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from screening.archive.by_folder import (
    FEW_STUDIES,
    folder_of,
    folders_of,
    gaps_in,
    stacks_of,
)
from screening.archive.listing import Missed, Reader

_DIGITS = "[0-9]+"
_NUMBER = re.compile(f"({_DIGITS})")

# A file's name as it is counted: "im9" before "im10".
Name = tuple[str | int, ...]
# The images of one orientation of a series: the name and the place along the normal of each, mm.
Stack = Sequence[tuple[Name, float]]


def damaged_studies(read: Reader, missed: Missed) -> frozenset[str]:
    """Return the keys of the studies that wait.

    Parameters
    ----------
    read : gives tonight's instances
    missed : with what is damaged, or no DICOM
    """
    folders = {folder_of(path) for path in missed.damaged | missed.strange}
    if not folders:
        return frozenset()
    studies: dict[str, set[str]] = defaultdict(set)
    names: set[tuple[str, str]] = set()
    for part in read(("path", "study_key")):
        mine = _in_folders(part, folders)
        for folder, study in _pairs(mine, "study_key"):
            studies[folder].add(study)
        mine = mine.append_column("name", _names(mine["path"]))
        names.update(_pairs(mine, "name"))
    strange = pa.chunked_array([sorted(missed.strange)], pa.string())
    called = zip(strange.to_pylist(), _names(strange).to_pylist(), strict=True)
    alike = [path for path, name in called if (folder_of(path), name) in names]
    damaged: dict[str, list[str]] = defaultdict(list)
    for path in {*missed.damaged, *alike}:
        damaged[folder_of(path)].append(path)
    few = {f for f in damaged if 0 < len(studies.get(f, ())) <= FEW_STUDIES}
    stacks = _stacks(read, few)
    ends = (f for f in few if _may_be_an_end(damaged[f], stacks[f]))
    return frozenset(s for f in ends for s in studies[f])


def _may_be_an_end(damaged: Iterable[str], stacks: Sequence[Stack]) -> bool:
    """Whether a damaged file lies in no gap of a stack, as far as names tell its place."""
    wanted = sorted(_name(path) for path in damaged)
    if len(stacks) == 1 and not _is_named_in_order(stacks[0]):
        return len(wanted) > sum(n for _, _, n in gaps_in([at for _, at in stacks[0]]))
    gaps = [gap for stack in stacks for gap in _named_gaps(stack)]
    for name in wanted:
        at = next((k for k, (low, high, n) in enumerate(gaps) if n and low < name < high), None)
        if at is None:
            return True
        low, high, n = gaps[at]
        gaps[at] = (low, high, n - 1)
    return False


def _named_gaps(stack: Stack) -> list[tuple[Name, Name, int]]:
    """Return the gaps between planes whose names follow one another, and how many are missing."""
    name_at = {place: name for name, place in sorted(stack, reverse=True)}  # the first of copies
    order = {name: k for k, name in enumerate(sorted(name_at.values()))}
    found = []
    for before, after, n in gaps_in(list(name_at)):
        low, high = sorted((name_at[before], name_at[after]))
        if order[high] - order[low] == 1:
            found.append((low, high, n))
    return found


def _is_named_in_order(stack: Stack) -> bool:
    """Whether places rise, or fall, as the names count."""
    places = [place for _, place in sorted(stack)]
    return places in (sorted(places), sorted(places, reverse=True))


def _stacks(read: Reader, folders: set[str]) -> dict[str, list[Stack]]:
    """Return the stacks that lie in each folder."""
    rows: dict[tuple[str, str], list[tuple[str, object, object]]] = defaultdict(list)
    columns = ("path", "series_key", "position_lps_mm", "orientation")
    for part in read(columns) if folders else ():
        mine = _in_folders(part, folders)
        values = (mine[name].to_pylist() for name in ("folder", *columns))
        for folder, path, series, *place in zip(*values, strict=True):
            rows[folder, series].append((path, *place))
    found: dict[str, list[Stack]] = defaultdict(list)
    for (folder, _), own in rows.items():
        paths, positions_mm, cosines = zip(*own, strict=True)
        for stack in stacks_of(positions_mm, cosines).values():
            found[folder].append([(_name(paths[row]), place) for row, place in stack])
    return found


def _name(path: str) -> Name:
    parts = _NUMBER.split(path)
    return tuple(int(part) if k % 2 else part for k, part in enumerate(parts))


def _in_folders(part: pa.Table, folders: set[str]) -> pa.Table:
    """Return the instances that lie in these folders, with the column `folder`."""
    part = part.append_column("folder", folders_of(part["path"]))
    return part.filter(pc.is_in(part["folder"], value_set=pa.array(sorted(folders), pa.string())))


def _pairs(table: pa.Table, name: str) -> set[tuple[str, str]]:
    pairs = table.group_by(["folder", name]).aggregate([])
    return set(zip(pairs["folder"].to_pylist(), pairs[name].to_pylist(), strict=True))


def _names(paths: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return what files are called, numbers aside."""
    return pc.replace_substring_regex(paths, pattern=_DIGITS, replacement="#")
