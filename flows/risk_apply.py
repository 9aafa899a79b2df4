"""`screening risk apply`: every published equation and the model for a table of people.

Comes in: a CSV of people. Goes out: the same CSV with an estimate a column and the reasons why
others are empty; what was counted on the way.
Refuses: what `clinical.open_people` refuses; a table that has a column of the answer already; an
answer in the place of the question.
"""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from flows import show
from screening import clinical, risk
from screening.config import RiskSettings
from screening.errors import ScreeningError
from screening.tables import PEOPLE_RISK

ADDED = tuple(name for name in PEOPLE_RISK.schema.names if name != "row")
_STAGE = "estimates"
_ADDS = "model_adds_"


def apply_to_file(
    source: Path,
    out: Path,
    settings: RiskSettings,
    bars: show.ShowProgress,
    *,
    with_contributions: bool = False,
) -> dict[str, object]:
    """Estimate every person of a CSV, piece by piece, into another CSV.

    Parameters
    ----------
    with_contributions : a column more for each input, of what it adds to the model's sum

    Returns
    -------
    rows read and left out, people estimated by column, causes of empty estimates with their
    counts, columns not found and passed on

    Raises
    ------
    ScreeningError
        A file cannot be read or written, or is not what it should be.
    """
    people, use = clinical.open_people(source), risk.use_of(settings)
    parts = use.parts if with_contributions else ()
    _check(people, out, parts)
    census = clinical.take_census(people)
    given, causes, stands_in, drawn = (Counter[str]() for _ in range(4))
    done = 0
    with _new_file(out) as sink, csv.CSVWriter(sink, _schema(people, parts)) as writer:
        for text, typed in clinical.read_people(people, census):
            found = risk.apply_equations(typed, use, risk.extras_of(text, use))
            writer.write_table(_answer(people, text, found, parts))
            given.update(found.given)
            causes.update(found.causes)
            stands_in.update(found.stands_in)
            drawn.update(found.imputed)
            done += text.num_rows
            bars(_STAGE, done, census.n_rows)
    return {
        "people": str(source),
        "out": str(out),
        "rows": census.n_rows,
        "rows_left_out": len(census.lines_left_out),
        "lines_left_out": [line for line in census.lines_left_out if line],
        "estimated": {e.column: given[e.column] for e in (*risk.EQUATIONS, risk.MODEL)},
        "model": use.says,
        "model_years": int(years) if (years := use.model.years) == int(years) else years,
        "model_endpoint": use.model.endpoint,
        "drawn_by_model": {k: n for k, n in drawn.items() if n},
        "causes": dict(causes.most_common()),
        "equation_for_white_people": {k: n for k, n in stands_in.items() if n},
        "columns_absent": list(people.absent),
        "columns_passed_on": list(people.passed_on),
    }


def _check(people: clinical.PeopleFile, out: Path, parts: Sequence[str]) -> None:
    added = (*ADDED, *(f"{_ADDS}{name}" for name in parts))
    clash = [name for name in people.columns if name in added]
    if clash:
        raise ScreeningError(
            f"{people.path.name} already has the column {clash[0]}, which is to be added; "
            "give the table without it"
        )
    if out.exists() and out.samefile(people.path):
        raise ScreeningError(f"{out} is the table that is read; give another name to --out")


def _schema(people: clinical.PeopleFile, parts: Sequence[str]) -> pa.Schema:
    """Columns of the answer: those of the file, of the equations, of contributions."""
    given = [pa.field(name, pa.string()) for name in people.columns]
    adds = [pa.field(f"{_ADDS}{name}", pa.float64()) for name in parts]
    return pa.schema([*given, *(PEOPLE_RISK.schema.field(name) for name in ADDED), *adds])


def _answer(
    people: clinical.PeopleFile, text: pa.Table, found: risk.Estimates, parts: Sequence[str]
) -> pa.Table:
    """Put the estimates beside the text as it came; what is empty stays unquoted."""
    columns = [*(text.column(n) for n in people.columns), *(found.table.column(n) for n in ADDED)]
    columns += [found.parts[name] for name in parts]
    empty = pa.scalar(None, pa.string())
    shown = [
        pc.if_else(pc.equal(column, ""), empty, column) if column.type == pa.string() else column
        for column in columns
    ]
    return pa.Table.from_arrays(shown, schema=_schema(people, parts))


@contextmanager
def _new_file(out: Path) -> Iterator[IO[bytes]]:
    """Give a file that its owner alone may read, and that appears when it is whole."""
    part = out.with_name(f".{out.name}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as sink:
            yield sink
        part.replace(out)
    except OSError as error:
        raise ScreeningError(f"cannot write {out}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def print_applied(facts: Mapping[str, object]) -> None:
    """Print how many have each estimate, and why others have none."""
    estimated, causes, drawn = facts["estimated"], facts["causes"], facts["drawn_by_model"]
    assert isinstance(estimated, Mapping)
    assert isinstance(causes, Mapping)
    assert isinstance(drawn, Mapping)
    show.table(
        f"{facts['rows']} rows of {facts['people']}",
        ("estimate", "years", "predicts", "people"),
        [
            *((e.column, e.years, e.endpoint, estimated[e.column]) for e in risk.EQUATIONS),
            (
                risk.MODEL.column,
                facts["model_years"],
                facts["model_endpoint"],
                estimated[risk.MODEL.column],
            ),
        ],
    )
    show.say(f"model_risk: {facts['model']}")
    if drawn:
        show.table("what model_risk had to draw", ("input", "people"), list(drawn.items()))
    if causes:
        show.table("why estimates are empty", ("cause", "people"), list(causes.items()))
    show.say(f"{facts['out']}; its column reasons says for each row which estimates are empty")
    show.say(show.NOTICE)


def notes(facts: Mapping[str, object]) -> list[str]:
    """Say what a user may not have meant."""
    said = []
    lines = facts["lines_left_out"]
    assert isinstance(lines, Sequence)
    if facts["rows_left_out"]:
        where = f" (line {', '.join(map(str, lines[:5]))}{', …' if len(lines) > 5 else ''})"
        said.append(
            f"left out: rows with too many or too few cells: {facts['rows_left_out']}"
            f"{where if lines else ''}"
        )
    for key, says in (
        ("columns_absent", "no such column, unknown for everybody"),
        ("columns_passed_on", "no input, passed on as it is"),
    ):
        names = facts[key]
        assert isinstance(names, Sequence)
        if names:
            said.append(f"{says}: {', '.join(names)}")
    stands_in = facts["equation_for_white_people"]
    assert isinstance(stands_in, Mapping)
    for column, n in stands_in.items():
        said.append(f"{column}: of {n} by the equation for white people, as the guideline does")
    return said


def print_equations() -> None:
    """Print what each equation predicts, for whom, within which ranges, from which paper."""
    for equation in (*risk.EQUATIONS, risk.MODEL):
        show.say(f"{equation.column}: {equation.title}, {equation.years} years")
        ranges = ", ".join(f"{r.input} {r.says}" for r in equation.ranges)
        for name, text in (
            ("predicts", equation.endpoint),
            ("needs", ", ".join(equation.needs)),
            ("within", ranges),
            ("race", equation.race_note),
            ("source", equation.source),
        ):
            show.say(f"  {name:8} {text}")


def equation_facts() -> list[dict[str, object]]:
    """Return the same for a program."""
    return [
        {
            "column": e.column,
            "title": e.title,
            "endpoint": e.endpoint,
            "years": e.years,
            "needs": list(e.needs),
            "ranges": {r.input: r.says for r in e.ranges},
            "race": e.race_note,
            "source": e.source,
        }
        for e in (*risk.EQUATIONS, risk.MODEL)
    ]
