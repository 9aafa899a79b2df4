"""Questions to a server of studies, and the proof that an answer is all of it.

Comes in: a server, days to ask for.
Goes out: the studies of those days, and those that have no day.
Refuses: a server that gives only a part of one day's studies.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Protocol

from screening.archive.study_marks import StudyFacts
from screening.errors import InfrastructureError

_EARLIEST, _LATEST = date(1900, 1, 1), date(2199, 12, 31)
_PROVED_FROM = 2  # answers; no server cuts off after the first


@dataclass(frozen=True, slots=True)
class Dates:
    """Days from `first` to `last`, both in; None is open, and the open beginning holds undated."""

    first: date | None
    last: date | None

    def __contains__(self, day: date | None) -> bool:
        if day is None:
            return self.first is None
        return (self.first or _EARLIEST) <= day <= (self.last or _LATEST)

    def halves(self) -> tuple["Dates", "Dates"] | None:
        """Split the days; None of a single one."""
        low, high = self.first or _EARLIEST, self.last or _LATEST
        if low >= high:
            return None
        middle = low + (high - low) // 2
        return Dates(self.first, middle), Dates(middle + timedelta(days=1), self.last)


@dataclass(frozen=True, slots=True)
class Answer:
    """Studies of some days; `is_whole` is false where some were held back, None: cannot be told."""

    studies: Sequence[StudyFacts] = field(repr=False)
    is_whole: bool | None

    @property
    def uids(self) -> frozenset[str]:
        """Which studies these are."""
        return frozenset(study.uid for study in self.studies)


class QuestionError(InfrastructureError):
    """The server is there and answers, but failed at this question."""


class Server(Protocol):
    """What is asked of a server; a question it fails at is a `QuestionError`."""

    def studies(self, dates: Dates) -> Answer:
        """Return the studies of these days."""

    def study(self, uid: str) -> StudyFacts | None:
        """Return what it tells of one study now; None where there is none."""

    def every_day(self) -> tuple[Mapping[str, date | None], bool | None]:
        """Return UID and day of every study, asked for without a date, and `Answer.is_whole`."""

    def instances(self, study: str) -> tuple[Sequence[tuple[str, str]], bool | None]:
        """Return series and SOP Instance UID of a study's instances, and `Answer.is_whole`.

        One that two patients have comes twice.
        """


@dataclass(slots=True)
class Limits:
    """What was found out about a server: days it fails at, numbers at which it cuts off."""

    failed: list[date | None] = field(default_factory=list)
    cuts: set[int] = field(default_factory=set)


def studies_of(
    server: Server, dates: Dates, limits: Limits, answer: Answer | None = None
) -> Iterator[StudyFacts]:
    """Yield the studies of some days, each answer proved by those to its halves.

    Servers cut off without a word (Orthanc at `LimitFindResults`, over all pages). An answer is all
    where its halves, each with fewer, tell nothing more; a cut answer's halves tell more, or one
    of them holds as many and is proved in turn. A day at which the server fails is noted: one
    bad study must not hide all others.
    """
    answer = answer or answer_to(server, dates)
    halves = dates.halves()
    if answer is None:
        for half in halves or ():
            yield from studies_of(server, half, limits)
        if halves is None:
            limits.failed.append(dates.last if dates.first else None)
        return
    n = len(answer.studies)
    if halves is None and answer.is_whole is False:
        raise InfrastructureError(
            f"archive: the server gives {n} studies of one day and holds the others back; raise "
            "its limit on answers"
        )
    if halves is None and n in limits.cuts:
        limits.failed.append(dates.last if dates.first else None)
    if halves is None or (n < _PROVED_FROM and answer.is_whole):
        yield from answer.studies
        return
    parts = [answer_to(server, half) for half in halves]
    more = frozenset[str]().union(*(part.uids for part in parts if part)) - answer.uids
    if more:
        limits.cuts.add(n)
    is_split = all(part is not None and len(part.studies) < n for part in parts)
    if answer.is_whole is not False and is_split and not more:
        yield from answer.studies
        return
    for half, part in zip(halves, parts, strict=True):
        yield from studies_of(server, half, limits, part)


def answer_to(server: Server, dates: Dates) -> Answer | None:
    """Return the server's answer; None where it fails at the question."""
    try:
        return server.studies(dates)
    except QuestionError:
        return None


def undated_studies(
    server: Server, found: Mapping[str, StudyFacts], limits: Limits
) -> Iterator[StudyFacts]:
    """Yield the studies without a date: no range of days matches what is not there (Orthanc).

    They are among the answers to a question without a date. Days cannot be halved there; the proof
    is that whatever the days of tonight told is among them too. Where it is not, the answer was cut
    off: what it has is taken, and that there may be more is noted.

    Parameters
    ----------
    found : studies that tonight's days told, by UID
    """
    try:
        days, is_whole = server.every_day()
        if is_whole is False or not found.keys() <= days.keys():
            limits.failed.append(None)
        undated = [uid for uid, day in days.items() if day is None and uid not in found]
        for uid in sorted(undated):
            facts = server.study(uid)
            if facts is not None:
                yield facts
    except QuestionError:
        limits.failed.append(None)
