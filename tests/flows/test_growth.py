"""Which series only grew since the last sweep."""

import pyarrow as pa
import pytest

from flows.growth import grown_from
from screening.catalogue import touched
from screening.tables import SERIES


def table(content: str, *grown: str, **more: object) -> pa.Table:
    row = {"series_key": "s", "person_key": "p", "content_digest": content, "n_files": 5,
           "n_slices": 5, "grown_from": list(grown)}  # fmt: skip
    return pa.Table.from_pylist([row | more], schema=SERIES.schema)


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (table("a"), table("b", n_files=6, n_slices=6), ("a",)),
        (table("a"), table("b"), ("a",)),  # written anew
        (table("b", "a"), table("c", n_files=6, n_slices=6), ("a", "b")),
        (table("b", "a"), table("b"), ("a",)),  # still waiting
        (table("b", grown_from=None), table("b"), ()),  # of an older lake
        (table("a"), table("b", n_files=4, n_slices=4), None),
        (table("a"), table("b", n_files=6, n_slices=4), None),  # copies came, slices went
        (table("b", "a"), table("c", n_files=4, n_slices=4), None),
        (table("a"), table("b", person_key="q"), None),
        (table("a"), table("b", series_key="t"), None),
    ],
)
def test_a_series_only_grew_where_nothing_went(
    before: pa.Table, now: pa.Table, expected: tuple[str, ...] | None
) -> None:
    assert grown_from(before, now, frozenset()).get("s") == expected
    assert grown_from(before, now, frozenset({"s"})).get("s") is None


def test_a_rejected_image_touches_its_series() -> None:
    part = pa.table({"series_key": ["a", "a", "b"], "instance_digest": ["1", "2", "3"]})
    assert touched([part], {"2": "113001", "9": "113001"}) == {"a"}
    assert touched([part], {}) == frozenset()
