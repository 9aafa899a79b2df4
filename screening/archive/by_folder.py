"""Which studies wait in an archive of files, as something of them may be what was not delivered.

Comes in: what could not be had tonight, and what is known of all that could.
Goes out: the keys of the studies that wait.
Refuses: nothing.

A file that an earlier crawl read belongs to its study. One that nobody has read belongs to its
folder (of an object, what its key begins with). What is in a folder that is shut belongs to the
folder above with all that lies below; so it does where nothing at all of a folder was read, unless
the folder above is the archive's root. Where such a place holds few studies, all of them wait; in a
fuller one those that show a gap, so that a flat archive does not stand still for one bad file.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from screening.archive.listing import Missed, Reader

# Studies of one place that all wait: a folder of one person or one delivery. In a fuller one
# somebody's missing file says little of the others. Our own number.
FEW_STUDIES = 5
# A step between planes this much longer than the usual one leaves a plane out.
_GAP = 1.5
_MIN_PLANES = 3
_DECIMALS = 3  # of direction cosines that are one orientation


def waiting_studies(read: Reader, missed: Missed) -> frozenset[str]:
    """Return the keys of the studies that wait.

    Parameters
    ----------
    read : gives tonight's instances, those that stay as an earlier crawl knew them included
    missed : what was not delivered
    """
    if not (missed.files or missed.shut):
        return frozenset()
    owners = _Owners(missed)
    for part in read(("path", "study_key")):
        owners.look(part)
    places = owners.places()
    waiting = set(owners.known)
    fuller = _Places()
    for place in places.direct:
        _hold(place, owners.direct[place], waiting, fuller.direct)
    for place in places.below:
        _hold(place, owners.below[place], waiting, fuller.below)
    if fuller:
        waiting |= _with_gaps(read, fuller)
    return frozenset(waiting)


def _hold(place: str, studies: set[str], waiting: set[str], fuller: set[str]) -> None:
    if len(studies) > FEW_STUDIES:
        fuller.add(place)
    else:
        waiting |= studies


@dataclass(slots=True)
class _Places:
    """Folders: `direct` for what lies in them, `below` for what lies anywhere below, too."""

    direct: set[str] = field(default_factory=set)
    below: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.direct or self.below)

    def hold(self, folder: str) -> bool:
        """Whether what lies in a folder lies in one of these places."""
        return folder in self.direct or any(above in self.below for above in _with_above(folder))


class _Owners:
    """Whose the files are that were not delivered."""

    def __init__(self, missed: Missed) -> None:
        self._missed = missed
        self._paths = pa.array(sorted(missed.files), pa.string())
        self._folders = {folder_of(path) for path in missed.files}
        asked = self._folders | {folder_of(f) for f in self._folders | missed.shut}
        # Studies of the folders that may be asked about, of each a few.
        self.direct: dict[str, set[str]] = {folder: set() for folder in asked}
        self.below: dict[str, set[str]] = {folder: set() for folder in asked}
        self.known: set[str] = set()
        self._known_paths: set[str] = set()
        self._known_shut: set[str] = set()

    def look(self, part: pa.Table) -> None:
        """Take some instances: path and study_key."""
        mine = part.filter(pc.is_in(part["path"], value_set=self._paths))
        self.known.update(mine["study_key"].to_pylist())
        self._known_paths.update(mine["path"].to_pylist())
        for folder, study in _folders_and_studies(part):
            if folder in self.direct:
                _add(self.direct[folder], study)
            for above in _with_above(folder):
                if above in self.below:
                    _add(self.below[above], study)
                if above in self._missed.shut:
                    self._known_shut.add(above)
                    self.known.add(study)

    def places(self) -> _Places:
        """Return where that lies which nobody has read."""
        found = _Places(below={folder_of(f) for f in self._missed.shut - self._known_shut})
        for folder in {folder_of(path) for path in self._missed.files - self._known_paths}:
            if self.direct[folder]:
                found.direct.add(folder)
            elif not self.below[folder] and folder_of(folder):  # beside the root's lies anybody's
                found.below.add(folder_of(folder))
        return found


def _add(studies: set[str], study: str) -> None:
    """Add a study where it still tells few from more: an archive's root holds a million."""
    if len(studies) <= FEW_STUDIES:
        studies.add(study)


def _folders_and_studies(part: pa.Table) -> Iterable[tuple[str, str]]:
    table = pa.table({"folder": folders_of(part["path"]), "study": part["study_key"]})
    pairs = table.group_by(["folder", "study"]).aggregate([])
    return zip(pairs["folder"].to_pylist(), pairs["study"].to_pylist(), strict=True)


def _with_gaps(read: Reader, places: _Places) -> set[str]:
    """Return the studies of which a series lies in these places and shows a gap."""
    names = ("path", "study_key", "series_key", "image_number", "position_lps_mm", "orientation")
    found: set[str] = set()
    for part in read(names):
        folders = folders_of(part["path"])
        held = pa.array([f for f in pc.unique(folders).to_pylist() if places.hold(f)], pa.string())
        series = pc.unique(part["series_key"].filter(pc.is_in(folders, value_set=held)))
        mine = part.filter(pc.is_in(part["series_key"], value_set=series))
        found |= _studies_with_gaps(mine)
    return found


def _studies_with_gaps(instances: pa.Table) -> set[str]:
    by_series: dict[str, list[int]] = defaultdict(list)
    for row, key in enumerate(instances["series_key"].to_pylist()):
        by_series[key].append(row)
    numbers = instances["image_number"].to_pylist()
    positions = instances["position_lps_mm"].to_pylist()
    orientations = instances["orientation"].to_pylist()
    studies = instances["study_key"].to_pylist()
    return {
        studies[rows[0]]
        for rows in by_series.values()
        if leaves_out_numbers([numbers[row] for row in rows])
        or leaves_out_planes([positions[r] for r in rows], [orientations[r] for r in rows])
    }


def leaves_out_numbers(numbers: Iterable[int | None]) -> bool:
    """Whether image numbers begin after 1 or leave some out; those of every second image do not."""
    present = np.unique([n for n in numbers if n is not None])
    if len(present) == 0:
        return False
    steps = np.diff(present)
    return bool(present[0] > 1 or (len(steps) and steps.max() > _GAP * _usual(steps)))


def leaves_out_planes(
    positions_mm: Sequence[Sequence[float] | None], orientations: Sequence[Sequence[float] | None]
) -> bool:
    """Whether planes of one orientation have a step between them that is longer than the usual.

    Parameters
    ----------
    positions_mm : of each image three coordinates, mm
    orientations : of each image six direction cosines
    """
    return left_out(positions_mm, orientations) > 0


def left_out(
    positions_mm: Sequence[Sequence[float] | None], orientations: Sequence[Sequence[float] | None]
) -> int:
    """Count the planes that such steps leave out; parameters as of `leaves_out_planes`."""
    stacks = stacks_of(positions_mm, orientations).values()
    return sum(n for at in stacks for _, _, n in gaps_in([offset for _, offset in at]))


def stacks_of(
    positions_mm: Sequence[Sequence[float] | None], orientations: Sequence[Sequence[float] | None]
) -> dict[tuple[float, ...], list[tuple[int, float]]]:
    """Return, by orientation, the images that have a place: which, and where along the normal."""
    stacks: dict[tuple[float, ...], list[tuple[int, float]]] = defaultdict(list)
    for row, (position, cosines) in enumerate(zip(positions_mm, orientations, strict=True)):
        if position and cosines and len(position) == 3 and len(cosines) == 6:
            normal = np.cross(cosines[:3], cosines[3:])
            kind = tuple(np.round(cosines, _DECIMALS).tolist())
            stacks[kind].append((row, round(float(np.dot(normal, position)), 2)))
    return stacks


def gaps_in(offsets_mm: Sequence[float]) -> list[tuple[float, float, int]]:
    """Return where planes are missing: the plane before, the plane after, and how many."""
    planes = np.unique(np.asarray(offsets_mm))
    if len(planes) < _MIN_PLANES:
        return []
    steps = np.diff(planes)
    usual = _usual(steps)
    missing = np.rint(steps / usual) - 1
    return [
        (float(planes[k]), float(planes[k + 1]), int(missing[k]))
        for k in np.flatnonzero(steps > _GAP * usual)
    ]


def _usual(steps: NDArray[np.float64]) -> float:
    """Return the lower median."""
    return float(np.sort(steps)[(len(steps) - 1) // 2])


def folders_of(paths: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the folder that each path lies in."""
    return pc.replace_substring_regex(paths, pattern="/?[^/]*$", replacement="", max_replacements=1)


def folder_of(path: str) -> str:
    """Return the folder that a path lies in."""
    return path.rpartition("/")[0]


def _with_above(folder: str) -> Iterator[str]:
    """Yield a folder and those above it, at last the root, which is the empty name."""
    while folder:
        yield folder
        folder = folder_of(folder)
    yield ""
