"""The commands below `screening risk`.

Comes in: arguments. Goes out: text or JSON, and an exit code. Refuses: what `risk_apply` refuses.
"""

from pathlib import Path

import click

from flows import show
from flows.cli_options import JSON


@click.group()
def risk() -> None:
    """Estimate risk by published equations.

    \b
    Example:
      screening risk apply --clinical people.csv --out risks.csv
      screening risk equations
    """


@risk.command()
@click.option(
    "--clinical", "source", required=True, type=click.Path(path_type=Path), help="CSV of people."
)
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="CSV to write, closed to others."
)
@JSON
def apply(source: Path, out: Path, as_json: bool) -> None:
    """Add every published estimate to a table of people, one row a person.

    \b
    Reads, where they are there (flags 0 or 1, empty = unknown):
      person_id, age_years, sex (F, M), race (white, black, hispanic, chinese, other),
      total_cholesterol_mg_dl, hdl_cholesterol_mg_dl, systolic_bp_mmhg, bp_treated,
      lipid_treated, diabetes, smoker, family_history_mi, egfr (CKD-EPI 2021), bmi, agatston
    Adds, as fractions, with their different endpoints (screening risk equations tells them):
      mesa_chd_10y, mesa_chd_10y_cac, prevent_{cvd,ascvd,hf}_{10y,30y}, pce_ascvd_10y,
      frs_cvd_10y, score2_{low,moderate,high,very_high} (SCORE2-OP from 70)
    and reasons: which estimates are empty, and why.

    Nothing is imputed and no unit is guessed. Where person_id stands on several rows, equal rows
    count once and contradicting ones not at all. For people without known cardiovascular disease.

    \b
    Example:
      screening risk apply --clinical people.csv --out risks.csv
    """
    from flows.risk_apply import apply_to_file, notes, print_applied

    with show.progress() as bars:
        facts = apply_to_file(source, out, bars)
    for note in notes(facts):
        show.note(note)
    if as_json:
        show.say(show.as_json(facts))
    else:
        print_applied(facts)


@risk.command()
@JSON
def equations(as_json: bool) -> None:
    """Print what each equation predicts, for whom, within which ranges, from which paper.

    \b
    Example:
      screening risk equations
    """
    from flows.risk_apply import equation_facts, print_equations

    if as_json:
        show.say(show.as_json(equation_facts()))
    else:
        print_equations()
