"""Which studies wait as images of theirs seem to be damaged that nobody has read before.

Comes in: files that are no image tonight, and what is known of all images.
Goes out: the keys of the studies that wait.
Refuses: nothing.

A file that begins as DICOM and is damaged belongs to its folder; one that is empty or anything
else does where it is called like an image there, numbers aside: a README holds nothing back. A gap
in the stack is for measuring to judge, which knows where the heart lies. More damaged files than
planes in gaps are an end of the stack that nobody sees: then the folder's studies wait, where it
holds few. In a fuller one nobody can tell whose they are.
"""

from collections import Counter, defaultdict

import pyarrow as pa
import pyarrow.compute as pc

from screening.archive.by_folder import FEW_STUDIES, folder_of, folders_of, left_out
from screening.archive.listing import Missed, Reader

_DIGITS = "[0-9]+"


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
    n_damaged = Counter(folder_of(path) for path in [*missed.damaged, *alike])
    few = {f for f in n_damaged if 0 < len(studies.get(f, ())) <= FEW_STUDIES}
    n_seen = _planes_left_out(read, few)
    return frozenset(s for f in few if n_damaged[f] > n_seen[f] for s in studies[f])


def _planes_left_out(read: Reader, folders: set[str]) -> Counter[str]:
    """Count the planes that are missing within the stacks of each folder."""
    found: Counter[str] = Counter()
    columns = ("path", "series_key", "position_lps_mm", "orientation")
    for part in read(columns) if folders else ():
        mine = _in_folders(part, folders)
        rows: dict[tuple[str, str], list[int]] = defaultdict(list)
        pairs = zip(mine["folder"].to_pylist(), mine["series_key"].to_pylist(), strict=True)
        for row, pair in enumerate(pairs):
            rows[pair].append(row)
        places, cosines = (mine[name].to_pylist() for name in columns[2:])
        for (folder, _), own in rows.items():
            found[folder] += left_out([places[r] for r in own], [cosines[r] for r in own])
    return found


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
