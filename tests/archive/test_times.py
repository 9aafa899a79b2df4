"""When in the day an image was acquired, as header elements write it."""

import pytest

from screening.archive.tags import AT, TAGS, acquired_s


@pytest.mark.parametrize(
    ("time", "datetime", "expected"),
    [
        ("101112", "", 36672.0),
        ("101112.250000", "20250305000000", 36672.25),
        ("10:11:12.5", "", 36672.5),
        ("", "20250305101112.5", 36672.5),
        (None, "20250305101112.5+0900", 36672.5),
        ("1011", "", None),  # to the minute
        ("", "20250305", None),
        ("251112", "", None),
        ("later", "", None),
        (None, None, None),
    ],
)
def test_time_of_acquisition(time: str | None, datetime: str | None, expected: float) -> None:
    header: list[object] = [None] * len(TAGS)
    header[AT["acquisition_time"]], header[AT["acquisition_datetime"]] = time, datetime
    assert acquired_s(header) == expected
