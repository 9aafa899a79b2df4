"""Images of several people under one SeriesInstanceUID.

Comes in: the columns of all instances and the rows of one UID.
Goes out: the rows of each person, and a series marked as nobody's for certain.
Refuses: nothing.

Copies are looked for among one person's images only: the same image under two patient numbers is
a contradiction, not a copy.
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
    people = columns.texts["person_key"]
    codes = people.codes[rows]
    if (codes == codes[0]).all():
        return [Owner(rows, "")]
    found = {people.values[code]: rows[codes == code] for code in np.unique(codes)}
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
