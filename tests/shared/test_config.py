"""Settings of the archive: what is refused, and how it is said."""

from datetime import date

import pytest
from pydantic import ValidationError

from screening.config import ArchiveSettings, read_settings
from screening.errors import ScreeningError


def test_the_table_of_the_archive(tmp_path):
    file = tmp_path / "screening.toml"
    file.write_text("workers = 3\n[archive]\nconnections = 4\nfirst_date = 2010-05-01\n")
    settings = read_settings(file)
    assert (settings.workers, settings.archive.connections) == (3, 4)
    assert settings.archive.first_date == date(2010, 5, 1)
    assert settings.archive.page == ArchiveSettings().page


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("password = 'x'", "unknown setting archive.password; known: connections,"),
        ("connections = 0", "archive.connections"),
        ("calling_aet = 'SEVENTEEN_LETTERS'", "archive.calling_aet"),
        ("first_date = 'soon'", "archive.first_date"),
    ],
)
def test_what_is_refused(tmp_path, line, says):
    file = tmp_path / "screening.toml"
    file.write_text(f"[archive]\n{line}\n")
    with pytest.raises(ScreeningError, match=says):
        read_settings(file)


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("connections", (1, 64), (0, 65)),
        ("requests_per_second", (0, 1), (-1,)),
        ("megabytes_per_second", (0, 1), (-1,)),
        ("timeout_seconds", (0.1,), (0,)),
        ("reading_seconds", (0.1,), (0,)),
        ("patience_seconds", (0,), (-1,)),
        ("slice_days", (1,), (0,)),
        ("overlap_days", (0,), (-1,)),
        ("older_every_nights", (1,), (0,)),
        ("page", (1,), (0,)),
        ("calling_aet", ("A", "SIXTEEN_LETTERS_"), ("", "SEVENTEEN_LETTERS")),
    ],
)
def test_both_sides_of_each_edge(name, inside, outside):
    for value in inside:
        assert getattr(ArchiveSettings(**{name: value}), name) == value
    for value in outside:
        with pytest.raises(ValidationError):
            ArchiveSettings(**{name: value})


def test_reading_ends_before_the_sweep_ends_it():
    settings = ArchiveSettings(reading_seconds=1, timeout_seconds=2, patience_seconds=4)
    assert settings.longest_read_seconds == 7


def test_the_table_of_risk_is_checked_like_the_others(tmp_path):
    file = tmp_path / "screening.toml"
    file.write_text("[risk]\nrace = true\nrace_weights = {white = 3, black = 1}\n")
    assert read_settings(file).risk.race_weights == {"white": 3, "black": 1}
    for text, says in (
        ("[risk]\nracee = true\n", "unknown setting risk.racee; known: model, race, "),
        ("[risk]\nrace_weights = {white = 0}\n", "must not all be 0"),
        ("[risk]\nrace_weights = {asian = 1}\n", "unknown race asian"),
        ("[risk]\nrace_weights = {white = -1}\n", "greater than or equal to 0"),
    ):
        file.write_text(text)
        with pytest.raises(ScreeningError, match=says):
            read_settings(file)
