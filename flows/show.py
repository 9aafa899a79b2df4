"""How facts look on a terminal.

Comes in: facts already computed. Goes out: text, JSON, CSV. Refuses: nothing.
"""

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Protocol

import click
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from screening.errors import ScreeningError
from screening.lower_bound import is_lower_bound, is_off_either_way, may_be_too_high

NOTICE = (
    "Research software, not a medical device. An image reader confirms every finding "
    "before anyone is contacted."
)


class ShowProgress(Protocol):
    """Takes a stage's name and how far it has come."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show it."""


def _plain(value: object) -> object:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return None
    raise TypeError(type(value).__name__)


def as_json(facts: object) -> str:
    """Return indented JSON; dates in ISO form."""
    return json.dumps(facts, indent=2, ensure_ascii=False, default=_plain)


def say(text: str = "") -> None:
    """Print one line to standard output."""
    click.echo(text)


def note(text: str) -> None:
    """Print one line to standard error."""
    click.echo(text, err=True)


def number(value: object, digits: int = 0) -> str:
    """Format a number, or a dash where there is none."""
    return "–" if not isinstance(value, int | float) else f"{value:,.{digits}f}"


def write_private(file: Path, body: bytes) -> None:
    """Write a file that its owner alone may read.

    Raises
    ------
    ScreeningError
        The folder is missing or may not be written to.
    """
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(descriptor, 0o600)  # also where an open file stood before
            stream.write(body)
    except OSError as error:
        raise ScreeningError(f"cannot write {file}: {error.strerror}") from error


def write_table(found: pa.Table, form: str, out: Path | None) -> None:
    """Write a table as csv, json or parquet to a private file, or to standard output without.

    Raises
    ------
    ScreeningError
        The file cannot be written.
    """
    if form == "parquet":
        sink = pa.BufferOutputStream()
        pq.write_table(found, sink)
        body = sink.getvalue().to_pybytes()
    elif form == "json":
        body = (as_json(found.to_pylist()) + "\n").encode()
    else:
        body = as_csv(found.to_pylist(), found.column_names).encode()
    if out is None:
        click.echo(body, nl=False)
    else:
        write_private(out, body)


def program_version() -> str:
    """Return the version of the program."""
    try:
        return version("screening")
    except PackageNotFoundError:
        return "a checkout, not installed"


def people(n: int) -> str:
    """Say how many people."""
    return "1 person" if n == 1 else f"{n:,} people"


def yes_no(value: object) -> str:
    """Say yes or no, or a question mark where it is not known."""
    return "?" if value is None else "yes" if value else "no"


def percent(value: object) -> str:
    """Format a fraction as a percentage, or a dash."""
    return "–" if not isinstance(value, int | float) else f"{100 * value:.1f} %"


def lines(numbers: Sequence[int], most: int = 5) -> str:
    """Name lines of a file, the first of many."""
    told = ", ".join(map(str, numbers[:most]))
    return told if len(numbers) <= most else f"{told} and {len(numbers) - most} more"


def in_brackets(text: object) -> str:
    """Put a remark in brackets."""
    return f"({text})"


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; the width follows the terminal, 120 where there is none."""
    # Wide enough for every cell: a key or a tier that wraps is read as another.
    console = Console(width=400, highlight=False, markup=False)  # a name's [x] is no style
    console.print(title, style="bold")  # a title of the table's own would wrap at its width
    drawn = Table(show_edge=False)
    for column in columns:
        drawn.add_column(column, no_wrap=True)
    for row in rows:
        drawn.add_row(*("–" if v is None else str(v) for v in row))
    console.print(drawn)


def as_csv(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> str:
    """Return rows as CSV; lists are joined by a semicolon."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        cells = (row[c] for c in columns)
        writer.writerow(";".join(map(str, c)) if isinstance(c, list) else c for c in cells)
    return out.getvalue()


@contextmanager
def progress() -> Iterator[ShowProgress]:
    """Show bars on standard error while the block runs."""
    bars = Progress(
        TextColumn("{task.description:<16}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )
    tasks: dict[str, object] = {}

    def show(stage: str, done: int, total: int) -> None:
        if stage not in tasks:
            tasks[stage] = bars.add_task(stage, total=total)
        bars.update(tasks[stage], completed=done, total=total)  # type: ignore[arg-type]

    with bars:
        yield show


def print_status(facts: dict[str, dict[str, object]]) -> None:
    """Print the reconciliation so that each sum can be checked by eye."""
    for name, whole in (("files", "seen"), ("series", "found"), ("people", "with_scan")):
        parts = facts[name]
        terms = " + ".join(f"{v} {k}" for k, v in parts.items() if k != whole)
        say(f"{name:7} {parts[whole]} {whole} = {terms}")
    if facts["reasons"]:
        of_series, of_people = facts["reasons_series"], facts["reasons_people"]
        table(
            "why series have no score, and why people are not on the list",
            ("reason", "series", "people"),
            [(name, of_series.get(name), of_people.get(name)) for name in facts["reasons"]],
        )
    _print_changes(facts["list"], facts["last_run"])
    missed = facts["missed_for_contrast"]
    if missed["n_studies"]:
        say(
            f"unseen for contrast agent alone: {_studies(missed['n_studies'])} of "
            f"{people(int(str(missed['n_people'])))}, "
            f"{missed['n_people_without_score']} without any score, "
            f"{missed['n_people_never_scored']} never formally scored either"
        )
    last = facts["last_run"]
    if last:
        seconds = f"{number(last['seconds'], 1)} s" if last["finished"] else "not finished"
        say(f"last run {last['run_id']} as of {last['as_of']}: {last['scored']} scored, {seconds}")


def _print_changes(changes: Mapping[str, object], last: Mapping[str, object]) -> None:
    """Print how many came onto the list and left it, and why."""
    if changes["past_of"]:
        say(
            f"list as of {last['as_of']}: a look into the past; who is new and who left stays as "
            f"of {changes['past_of']}"
        )
    if not changes["new"] and not changes["left"]:
        return
    line = f"list as of {last['as_of']}: {changes['new']} new, {changes['left']} left it"
    left_for = changes["left_for"]
    if isinstance(left_for, Mapping) and left_for:
        why = ", ".join(f"{reason} {n}" for reason, n in left_for.items())
        line += f" ({why}); who: screening flagged --list left"
    say(line)


def _studies(n: object) -> str:
    return "1 study" if n == 1 else f"{n} studies"


def print_unscored(rows: Sequence[Mapping[str, object]]) -> None:
    """Print the series without a score, each with its reason in words."""
    table(
        f"{len(rows)} series without a score; that is not a score of zero",
        ("series", "scan", "kind", "state", "reason", "in words"),
        [
            (
                row["series_key"],
                row["index_date"],
                row["modality"],
                row["state"],
                ", ".join(row["reasons"]),  # type: ignore[arg-type]
                f"{row['explanation']} {row['detail'] and in_brackets(row['detail'])}".rstrip(),
            )
            for row in rows
        ],
    )


def identity_columns(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """Return the columns that say who someone is, where rows have them."""
    return [name for name in ("issuer", "patient_id") if rows and name in rows[0]]


def print_unsure(rows: Sequence[Mapping[str, object]]) -> None:
    """Print the people of whom too little is known, each with what is missing; who, where given."""
    who = identity_columns(rows)
    table(
        f"{people(len(rows))} of whom it cannot be said whether they belong on the list",
        (*who, "person", "Agatston", "grade", "doubtful", "age", "sex", "scan", "in words"),
        [
            (
                *(row[name] for name in who),
                row["person_key"],
                at_least(row["agatston"], row["quality_flags"], "≥ ") + number(row["agatston"], 1),
                row["grade"],
                number(row["doubtful_agatston"], 1),
                number(row["age_years"]),
                row["sex"] or None,
                row["index_date"],
                row["explanation"],
            )
            for row in rows
        ],
    )


def print_files(rows: Sequence[Mapping[str, object]]) -> None:
    """Print the files that are no image, each with its reason in words."""
    table(
        f"{len(rows)} files that are no image; a path may hold a patient's name",
        ("reason", "in words", "path"),
        [(row["reason"], row["explanation"], row["path"]) for row in rows],
    )


PRINTED = {"unscored": print_unscored, "unsure": print_unsure, "files": print_files}


_HIGHEST = ("[1000,inf)", ">=400")


def texts(flags: object) -> list[str]:
    """Return the flags of a score, none where there is no list of them."""
    return [str(flag) for flag in flags] if isinstance(flags, Iterable) else []


def at_least(agatston: object, flags: object, words: str = "at least ") -> str:
    """Return words to set before a lower bound, nothing before another score."""
    if not isinstance(agatston, int | float):
        return ""
    return words if is_lower_bound(agatston, texts(flags)) else ""


def or_higher(category: object, agatston: object, flags: object) -> str:
    """Return words to set behind the class of a lower bound; nothing behind the highest class."""
    return "" if category in _HIGHEST else at_least(agatston, flags, " or a higher one")


def doubt(agatston: object, flags: object) -> str:
    """Return words to set behind a score that may be off, nothing behind another."""
    if not isinstance(agatston, int | float):
        return ""
    if is_off_either_way(agatston, texts(flags)):
        return " (doubtful: may be too high or too low)"
    return " (doubtful: may be too high)" if may_be_too_high(agatston, texts(flags)) else ""


def no_upper_end(agatston: object, flags: object) -> str:
    """Return words for an interval without an upper end; empty where it has no lower one either."""
    return "" if doubt(agatston, flags) else "and more"


def standing(percentile: object, agatston: object, flags: object, words: str) -> str:
    """Return a percentile in words; of a lower bound only what stays true."""
    text = str(percentile or "")
    if not at_least(agatston, flags):
        return text
    if text.startswith("above"):
        return text
    return words + text if text.isdecimal() else ""


_LIST_COLUMNS = (
    *("person", "tier", "Agatston", "percentile", "risk 10 y", "age", "sex", "statin"),
    "grade",
)


def _standing(row: Mapping[str, object]) -> str:
    return standing(row["percentile_text"], row["agatston"], row["quality_flags"], "≥ ")


def print_flagged(rows: Sequence[Mapping[str, object]], as_of: date) -> None:
    """Print the list that the care team works; issuer and number first where they are given."""
    who = identity_columns(rows)
    table(
        f"flagged as of {as_of}: {people(len(rows))} never formally scored",
        (*who, *_LIST_COLUMNS, "scan"),
        [
            (
                *(row[name] for name in who),
                row["person_key"],
                row["tier"],
                at_least(row["agatston"], row["quality_flags"], "≥ ") + number(row["agatston"], 1),
                _standing(row) or None,
                percent(row["flag_risk"]),
                number(row["age_years"]),
                row["sex"] or None,
                yes_no(row["is_on_statin"]),
                row["grade"],
                row["index_date"],
            )
            for row in rows
        ],
    )
    redone = [str(row["person_key"]) for row in rows if row.get("is_to_be_redone")]
    if redone:
        say(f"To be scored again, as more of the scan came since: {', '.join(redone)}.")
    say(NOTICE)
