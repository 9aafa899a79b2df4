"""The change mark of an instance in an archive that is asked by study.

Comes in: what the server tells of a study.
Goes out: one whole number an instance carries, which changes when the study does.
Refuses: nothing.

A server tells neither size nor time of an instance, and under one SOP Instance UID an object does
not change (PS3.3, C.12.1.1.1). What changes is the study: instances come and go, a patient number
is corrected. So every instance carries its study's mark: the study's date in the upper bits (by
which a study that was not asked for is told from one that is gone), and below a digest of
what the server told of the study.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from datetime import time as clock
from hashlib import sha256

# What a correction in the archive changes: who, when, which request, how many.
STUDY_FACTS = {
    "StudyDate": "00080020",
    "AccessionNumber": "00080050",
    "StudyDescription": "00081030",
    "PatientName": "00100010",
    "PatientID": "00100020",
    "IssuerOfPatientID": "00100021",
    "PatientBirthDate": "00100030",
    "PatientSex": "00100040",
    "NumberOfStudyRelatedSeries": "00201206",
    "NumberOfStudyRelatedInstances": "00201208",
}
STUDY_TIME = ("StudyTime", "00080030")
_DIGEST_BITS = 36
_UID = re.compile(r"[0-9.]+")
_DIGEST = (1 << _DIGEST_BITS) - 1


@dataclass(frozen=True, slots=True)
class StudyFacts:
    """One study as a server lists it; its repr shows nothing.

    n_instances : None where the server does not tell
    mark : see `make_mark`
    begun : study date and time, local; None where the server does not tell both
    """

    uid: str
    n_instances: int | None
    mark: int
    begun: datetime | None = None

    def __repr__(self) -> str:
        """Show no UID."""
        return f"StudyFacts({self.n_instances} instances)"


def make_mark(studied_on: date | None, facts: Iterable[str]) -> int:
    """Return the mark of a study: positive, below 2^62."""
    text = "\x1f".join(facts).encode()
    digest = int.from_bytes(sha256(text).digest()[:8], "big") & _DIGEST
    return (_day_number(studied_on) << _DIGEST_BITS) | digest


def begun_at(studied_on: date | None, time: str) -> datetime | None:
    """Return when a study began, of its day and a TM (PS3.5, 6.2): HH, HHMM or HHMMSS."""
    digits = time.replace(":", "").partition(".")[0].strip()
    if studied_on is None or not (digits.isdecimal() and len(digits) in (2, 4, 6)):
        return None
    hour, minute, second = (int(digits[k : k + 2] or 0) for k in (0, 2, 4))
    if hour > 23 or minute > 59 or second > 60:
        return None
    return datetime.combine(studied_on, clock(hour, minute, min(second, 59)))


def told(uid: str, counted: str, on: date | None, time: str, facts: Iterable[str]) -> StudyFacts:
    """Return what a server told: of one study its UID, number of instances, day, time and facts."""
    n = int(counted) if counted.isdecimal() else None
    return StudyFacts(uid, n, make_mark(on, facts), begun_at(on, time))


def one_a_study(found: Iterable[StudyFacts]) -> list[StudyFacts]:
    """Return one row a UID; a study that two patients have is one, with the images of both."""
    by_uid: dict[str, list[StudyFacts]] = defaultdict(list)
    for facts in found:
        by_uid[facts.uid].append(facts)
    return [_joined(several) if len(several) > 1 else several[0] for several in by_uid.values()]


def _joined(several: list[StudyFacts]) -> StudyFacts:
    marks = sorted(facts.mark for facts in several)
    counts = [facts.n_instances for facts in several if facts.n_instances is not None]
    n = sum(counts) if len(counts) == len(several) else None
    mark = make_mark(study_date(marks[0]), map(str, marks))
    begun = max((f.begun for f in several if f.begun), default=None)
    return StudyFacts(several[0].uid, n, mark, begun)


def name_of_copy(sop: str, number: int) -> str:
    """Name an image that several patients have: the first by its UID, the next by what is none."""
    return f"{sop}..{number}" if number else sop


def look_again(mark: int) -> int:
    """Return the mark of an instance that was listed but not delivered: no listing has it."""
    return -((mark >> _DIGEST_BITS) << _DIGEST_BITS) - 1


def is_look_again(mark: int) -> bool:
    """Whether the instance was not delivered when it was last asked for."""
    return mark < 0


def study_date(mark: int) -> date | None:
    """Return the study's date, None of an undated one."""
    number = (-(mark + 1) if mark < 0 else mark) >> _DIGEST_BITS
    return date(number // 10_000, number // 100 % 100, number % 100) if number else None


def is_path(path: str) -> bool:
    """Whether a path is one of `study/series/instance`, not one of a folder crawled before."""
    parts = path.split("/")
    return len(parts) == 3 and all(_UID.fullmatch(part) for part in parts)


def _day_number(day: date | None) -> int:
    return day.year * 10_000 + day.month * 100 + day.day if day else 0
