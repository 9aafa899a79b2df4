"""Images of several people under one SeriesInstanceUID.

Comes in: the columns of all instances and the rows of one UID.
Goes out: the rows of each person, and a series marked as nobody's for certain.
Refuses: nothing.

Copies are looked for among one person's images only: the same image under two patient numbers is
a contradiction, not a copy.

One number with two names and no birth date in one series is two people: a number that stands for
nobody, or was mistyped. Between series names differ for good reasons (marriage, spelling) and are
not asked.
"""

from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from screening.catalogue.columns import InstanceColumns
from screening.catalogue.keys import key_of_uid, part_key, tag_of
from screening.records import Series

_MARK_CHARACTERS = 8


@dataclass(frozen=True, slots=True)
class Owner:
    """One person's images of a UID; the mark of who has most of them is empty."""

    rows: NDArray[np.int64]
    mark: str


def owners(columns: InstanceColumns, rows: NDArray[np.int64]) -> list[Owner]:
    """Return the images of each person, who has most of them first; nearly always one."""
    people, names = columns.texts["person_key"], columns.texts["name_digest"]
    codes = people.codes[rows]
    several_names = len(names.distinct(rows)) > 1
    if (codes == codes[0]).all() and not several_names:
        return [Owner(rows, "")]
    # Who is named nowhere is one beside the named.
    named = names.codes[rows] if several_names else np.zeros_like(codes)
    found = {
        f"{people.values[person]}|{names.values[name]}" if several_names else people.values[person]:
        rows[(codes == person) & (named == name)]
        for person, name in sorted(set(zip(codes.tolist(), named.tolist(), strict=True)))
    }  # fmt: skip
    order = sorted(found, key=lambda person: (-len(found[person]), person))
    marks = ["", *(_short(person) for person in order[1:])]
    return [Owner(found[person], mark) for person, mark in zip(order, marks, strict=True)]


def unclear(series: Series, mark: str) -> Series:
    """Return a person's stack of such a UID: no earlier score is of it, as its owner was clear."""
    tag = tag_of(series.series_key)
    own = _short(f"{mark}|{tag}") if mark else tag
    return replace(
        series,
        series_key=part_key(key_of_uid(series.series_key), own),
        content_digest=sha256(f"several owners {series.content_digest}".encode()).hexdigest(),
        has_several_owners=True,
    )


def _short(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:_MARK_CHARACTERS]
