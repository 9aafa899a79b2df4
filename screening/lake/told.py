"""What the headers of an archive, as it is tonight, tell of who its people are.

Comes in: instances, those of earlier crawls that are still there included.
Goes out: of each person the birth date, by its key, and the sex; whom two people share one number.
Refuses: to guess. Where the headers of one number tell two birth dates or opposite sexes, nobody
knows whose they are.

Nothing is kept from night to night: a contradiction lasts as long as the headers that make it.
Images that the archive took back tell nothing, nor does the note that says so.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

TOLD_BY = ("person_key", "birth_key", "sex", "instance_digest", "rejection")
_SEXES = pa.array(["F", "M"])  # that exclude each other


@dataclass(frozen=True, slots=True)
class PeopleTold:
    """What tonight's headers tell.

    birth_key_of : of each person whose headers tell one birth date
    sex_of : of each person whose headers tell one of F and M
    conflicted : people whose headers contradict each other
    """

    birth_key_of: Mapping[str, str]
    sex_of: Mapping[str, str]
    conflicted: frozenset[str]


def people_told(parts: Iterable[pa.Table], rejected: Collection[str] = ()) -> PeopleTold:
    """Gather what instances tell of people.

    Parameters
    ----------
    parts : some of all INSTANCES at a time, with the columns `TOLD_BY`
    rejected : digests of the instances that rejection notes name
    """
    births: dict[str, set[str]] = {}
    sexes: dict[str, set[str]] = {}
    taken_back = pa.array(rejected, pa.string())
    for every in parts:
        part = _believed(every, taken_back) if rejected else every
        _gather(births, part, "birth_key", pc.not_equal(part["birth_key"], ""))
        _gather(sexes, part, "sex", pc.is_in(part["sex"], value_set=_SEXES))
    several = (who for told in (births, sexes) for who, values in told.items() if len(values) > 1)
    return PeopleTold(
        birth_key_of=_the_one(births), sex_of=_the_one(sexes), conflicted=frozenset(several)
    )


def _the_one(told: Mapping[str, set[str]]) -> dict[str, str]:
    return {who: next(iter(values)) for who, values in told.items() if len(values) == 1}


def _believed(part: pa.Table, taken_back: pa.Array) -> pa.Table:
    is_note = pc.not_equal(pc.fill_null(part["rejection"], ""), "")
    is_taken_back = pc.is_in(part["instance_digest"], value_set=taken_back)
    return part.filter(pc.invert(pc.or_(is_note, is_taken_back)))


def _gather(told: dict[str, set[str]], part: pa.Table, name: str, says: pa.ChunkedArray) -> None:
    pairs = part.filter(says).group_by(["person_key", name]).aggregate([])
    for who, value in zip(pairs["person_key"].to_pylist(), pairs[name].to_pylist(), strict=True):
        told.setdefault(who, set()).add(value)
