"""Listing an archive that is asked by study and date (DICOMweb, DIMSE).

Comes in: a server that answers two questions, and what the last crawl knew.
Goes out: a `Listing`: one row an instance, its path `study/series/instance`.
Refuses: a server that gives only a part of one day's studies.

Every night the newest dates are asked for, from `overlap_days` before the newest study known;
older dates in turn, so that each has been asked for once in `older_every_nights` nights. The whole
archive is asked for when nothing is known. With the oldest dates comes a question without any, for
studies that have none. A study that was asked for and not listed is asked for by its UID: its date
was corrected, or it is gone; one that was not asked for stays as it is known. Of a study that did
not change nothing further is asked.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from screening.archive.listing import STATS_SCHEMA, Listing, Missed, Reader, to_stats
from screening.archive.questions import (
    Dates,
    Limits,
    QuestionError,
    Server,
    answer_to,
    studies_of,
    undated_studies,
)
from screening.archive.study_marks import (
    StudyFacts,
    is_look_again,
    is_path,
    name_of_copy,
    study_date,
)
from screening.config import ArchiveSettings
from screening.errors import InfrastructureError
from screening.reasons import Reason
from screening.tables import FILES

_AT_ONCE = 50_000  # rows held as Python objects
_MISSING = "?"  # stands for the series of an instance that was counted but not listed


@dataclass(slots=True)
class _Known:
    """One study as the last crawl left it: which rows, and what their marks are."""

    mark: int
    rows: "array[int]" = field(default_factory=lambda: array("q"))
    is_to_ask: bool = False
    is_mixed: bool = False

    @property
    def day(self) -> date | None:
        return study_date(self.mark)

    def take(self, row: int, mark: int) -> None:
        """Add a row."""
        self.rows.append(row)
        self.is_to_ask |= is_look_again(mark)
        self.is_mixed |= mark != self.mark

    def is_as(self, facts: StudyFacts) -> bool:
        """Whether nothing changed; a server that tells no numbers may hide a change."""
        is_same = not self.is_mixed and self.mark == facts.mark
        return is_same and facts.n_instances == len(self.rows)


def list_by_study(
    server: Server, known: pa.Table, today: date, settings: ArchiveSettings
) -> Listing:
    """List the archive.

    Parameters
    ----------
    server : answers the questions
    known : columns path, size_bytes, mtime_ns of the last crawl, usable or not
    today : the night's date

    Returns
    -------
    Listing; an instance that the server counts but does not list is a row of `ignored`
        (`unreachable`), one a study where the server fails at listing it, or says that it does not
        list all; and so is a day it fails at, whose studies stay as they are known

    Raises
    ------
    InfrastructureError
        when the server gives only a part of one day's studies
    """
    before = _by_study(known)
    asked = dates_to_ask(before.values(), today, settings)
    limits = Limits()
    found = {s.uid: s for dates in asked for s in studies_of(server, dates, limits)}
    if any(None in dates for dates in asked):
        found |= {s.uid: s for s in undated_studies(server, dict(found), limits)}
    is_kept = np.zeros(known.num_rows, np.bool_)
    for uid in sorted(before.keys() - found.keys()):
        day = before[uid].day
        is_asked = any(day in dates for dates in asked) and day not in limits.failed
        is_kept[before[uid].rows] = not is_asked or not _moved(server, uid, found)
    gathered = _Gathered()
    missing = [f"{_MISSING}/{_MISSING}/{day}" for day in dict.fromkeys(limits.failed)]
    changed: dict[str, int] = {}
    for uid in sorted(found, key=lambda uid: f"{uid}/"):
        facts, was = found[uid], before.get(uid)
        if was is not None and was.is_as(facts):
            is_kept[was.rows] = True
            continue
        rows, is_whole = _instances(server, facts, known, was)
        changed[uid] = gathered.take(rows)
        n_missing = max((facts.n_instances or 0) - len(rows), int(not is_whole))
        missing += [f"{uid}/{_MISSING}/{n}" for n in range(1, n_missing + 1)]
    young = _still_growing(server, found, changed, today, settings)
    young |= {u for u in changed if u not in before and _is_just_begun(found[u], settings)}
    return _listing(known.filter(pa.array(is_kept)), gathered.table(), young, missing)


def _moved(server: Server, uid: str, found: dict[str, StudyFacts]) -> bool:
    """Ask for a study that its day no longer tells, and add it where its date was corrected.

    Returns
    -------
    Whether it is under that day no more; where the server fails at it, nobody can say
    """
    try:
        facts = server.study(uid)
    except QuestionError:
        return False
    if facts is not None:
        found[uid] = facts
    return True


@dataclass(slots=True)
class _Gathered:
    """Instances of changed studies; as columns they need a quarter of the memory."""

    lots: list[pa.Table] = field(default_factory=list)
    rows: list[tuple[str, int, int]] = field(default_factory=list)

    def take(self, rows: list[tuple[str, int, int]]) -> int:
        """Add a study's instances; return how many."""
        self.rows += rows
        if len(self.rows) >= _AT_ONCE:
            self.lots.append(to_stats(self.rows))
            self.rows = []
        return len(rows)

    def table(self) -> pa.Table:
        """Return all, in the order they came in."""
        return pa.concat_tables([*self.lots, to_stats(self.rows)])


def _still_growing(
    server: Server,
    found: Mapping[str, StudyFacts],
    changed: Mapping[str, int],
    today: date,
    settings: ArchiveSettings,
) -> frozenset[str]:
    """Return the changed studies that became more while they were listed.

    The newest days are asked for once more: where the server tells something else of a study than
    a moment before, or listed more instances than it had counted, it is being sent.
    """
    more = {uid for uid, n in changed.items() if n > (found[uid].n_instances or n)}
    if changed:
        recent = Dates(today - timedelta(days=settings.overlap_days), None)
        again = answer_to(server, recent)
        studies = again.studies if again else ()
        more |= {s.uid for s in studies if s.uid in changed and s.mark != found[s.uid].mark}
    return frozenset(more)


def _is_just_begun(facts: StudyFacts, settings: ArchiveSettings) -> bool:
    """Whether a study began within the settling time: dates and times are local, without zone."""
    settling = timedelta(minutes=settings.settle_minutes)
    return facts.begun is not None and abs(_now() - facts.begun) < settling


def _now() -> datetime:
    return datetime.now(UTC).astimezone().replace(tzinfo=None)


def has_changed(server: Server, path: str, mark: int) -> bool:
    """Whether the server tells something else of an instance's study than when it was listed.

    One that does not answer is no change: whoever reads the study will see.
    """
    try:
        facts = server.study(study_of(path))
    except InfrastructureError:
        return False
    return facts is not None and facts.mark != mark


def dates_to_ask(
    known: Iterable[_Known], today: date, settings: ArchiveSettings
) -> tuple[Dates, ...]:
    """Return the stretches of days to ask for tonight; they do not overlap."""
    studies = list(known)
    days = [day for study in studies if (day := study.day) is not None and day <= today]
    newest = max(days) if days else settings.first_date
    start = max(newest - timedelta(days=settings.overlap_days), settings.first_date)
    older = [Dates(None, settings.first_date - timedelta(days=1)), *_slices(settings, start)]
    if studies:
        turn = today.toordinal() % settings.older_every_nights
        again = {study.day for study in studies if study.is_to_ask}
        older = [
            dates
            for number, dates in enumerate(older)
            if number % settings.older_every_nights == turn or any(day in dates for day in again)
        ]
    return (*older, Dates(start, None))


def _slices(settings: ArchiveSettings, end: date) -> Iterator[Dates]:
    """Yield the slices from the first date to the day before `end`; their edges never move."""
    step = timedelta(days=settings.slice_days)
    first = settings.first_date
    while first < end:
        yield Dates(first, min(first + step, end) - timedelta(days=1))
        first += step


def _instances(
    server: Server, facts: StudyFacts, known: pa.Table, was: _Known | None
) -> tuple[list[tuple[str, int, int]], bool]:
    """List a study's instances, and say whether these are all, as far as can be told.

    Where the server fails at it, those known are asked for again. A cut answer is all where the
    server counts no more.
    """
    try:
        listed, is_whole = server.instances(facts.uid)
    except QuestionError:
        rows = (known.slice(row, 1).to_pylist()[0] for row in (was.rows if was else ()))
        return sorted((str(r["path"]), int(r["size_bytes"]), facts.mark) for r in rows), False
    found = Counter(listed)
    instances = [
        (f"{facts.uid}/{series}/{name_of_copy(sop, number)}", 0, facts.mark)
        for (series, sop), n in sorted(found.items())
        for number in range(n)
    ]
    return instances, is_whole is not False or len(instances) == facts.n_instances


def _by_study(known: pa.Table) -> Mapping[str, _Known]:
    studies: dict[str, _Known] = {}
    row = 0
    for batch in known.select(["path", "mtime_ns"]).to_batches(max_chunksize=_AT_ONCE):
        for path, mark in zip(*(c.to_pylist() for c in batch.columns), strict=True):
            if is_path(path):
                studies.setdefault(study_of(path), _Known(mark)).take(row, mark)
            row += 1
    return studies


def study_of(path: str) -> str:
    """Return the study's UID from an instance's path."""
    return path.partition("/")[0]


def waiting_studies(read: Reader, missed: Missed) -> frozenset[str]:
    """Return the keys of the studies of which something was listed but not delivered.

    Parameters
    ----------
    read : gives tonight's instances; a path begins with the study's UID
    missed : what was not delivered
    """
    uids = {study_of(path) for path in missed.files}
    found: set[str] = set()
    for part in read(("path", "study_key")) if uids else ():
        is_one = pc.is_in(_studies_of(part["path"]), value_set=pa.array(sorted(uids), pa.string()))
        found.update(part.filter(is_one)["study_key"].to_pylist())
    return frozenset(found)


def _listing(kept: pa.Table, new: pa.Table, young: frozenset[str], missing: list[str]) -> Listing:
    n = len(missing)
    absent = [sorted(missing), [0] * n, [0] * n, [Reason.UNREACHABLE.value] * n]
    is_young = pc.is_in(_studies_of(new["path"]), value_set=pa.array(sorted(young), pa.string()))
    return Listing(
        stats=pa.concat_tables([kept.cast(STATS_SCHEMA), new]),
        ignored=pa.table(absent, schema=FILES.schema),
        young=frozenset(new["path"].filter(is_young).to_pylist()),
    )


def _studies_of(paths: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.replace_substring_regex(paths, pattern="/.*", replacement="")
