"""The commands below `screening risk`.

Comes in: arguments. Goes out: text or JSON, and an exit code. Refuses: what `risk_apply` refuses.
"""

import os
from pathlib import Path

import click

from flows import show
from flows.cli_options import CONFIG, JSON, LAKE, open_lake
from screening.config import read_settings, secret_from


@click.group()
def risk() -> None:
    """Estimate risk by published equations.

    \b
    Example:
      screening risk apply --clinical people.csv --out risks.csv
      screening risk equations
      screening risk fit --outcomes outcomes.csv --out model
      screening risk evaluate --lake /data/lake --outcomes outcomes.csv --out evaluation
    """


@risk.command()
@click.option(
    "--clinical", "source", required=True, type=click.Path(path_type=Path), help="CSV of people."
)
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="CSV to write, closed to others."
)
@click.option(
    "--contributions",
    is_flag=True,
    help="Add a column for each input: what it adds to the log hazard (model_adds_…).",
)
@CONFIG
@JSON
def apply(source: Path, out: Path, contributions: bool, config: Path | None, as_json: bool) -> None:
    """Add every published estimate to a table of people, one row a person.

    \b
    Reads, where they are there (flags 0 or 1, empty = unknown):
      person_id, age_years, sex (F, M), race (white, black, hispanic, chinese, other),
      total_cholesterol_mg_dl, hdl_cholesterol_mg_dl, systolic_bp_mmhg, bp_treated,
      lipid_treated, diabetes, smoker, family_history_mi, egfr (CKD-EPI 2021), bmi, agatston
    Adds, as fractions, with their different endpoints (screening risk equations tells them):
      mesa_chd_10y, mesa_chd_10y_cac, prevent_{cvd,ascvd,hf}_{10y,30y}, pce_ascvd_10y,
      frs_cvd_10y, score2_{low,moderate,high,very_high} (SCORE2-OP from 70)
      model_risk, model_risk_low, model_risk_high (MESA with calcium, averaged over what is
      missing, with a 95 % interval; 45 to 84), model_imputed (what it had to draw)
    and reasons: which estimates are empty, and why.

    The published equations impute nothing, and no unit is guessed. Where person_id stands on
    several rows, equal rows count once and contradicting ones not at all. For people without known
    cardiovascular disease.

    \b
    Example:
      screening risk apply --clinical people.csv --out risks.csv
    """
    from flows.risk_apply import apply_to_file, notes, print_applied

    with show.progress() as bars:
        facts = apply_to_file(
            source, out, read_settings(config).risk, bars, with_contributions=contributions
        )
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


_OUTCOMES = click.option(
    "--outcomes", required=True, type=click.Path(path_type=Path), help="CSV of people and outcomes."
)
_OUT = click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="Folder to write."
)
_ENDPOINT = click.option(
    "--endpoint",
    default="the event of the outcome table",
    show_default=True,
    help="What `event` means, for reports.",
)
_GROUP = click.option(
    "--group", "groups", multiple=True, help="A column to judge fairness by; repeatable."
)


@risk.command()
@_OUTCOMES
@_OUT
@click.option(
    "--years", default=10.0, show_default=True, type=click.FloatRange(0.5, 30), help="Horizon."
)
@click.option("--name", default="local model", show_default=True, help="What to call it.")
@_ENDPOINT
@_GROUP
@CONFIG
@JSON
def fit(
    outcomes: Path,
    out: Path,
    years: float,
    name: str,
    endpoint: str,
    groups: tuple[str, ...],
    config: Path | None,
    as_json: bool,
) -> None:
    """Fit the risk model to a site's outcomes, and report how good it is there.

    \b
    Reads the columns of risk apply, and
      scan_date (YYYY-MM-DD), prevalent (1 had the disease by the scan, 0 not), followup_years
      (from the scan), outcome (none, event, death: of something else), site where there are several
    Writes model.json (name it in [risk] model), card.md, report.html, report.json.

    Recalibration first; other coefficients only from 100 events on, and only where
    cross-validation says that they help. The latest quarter of scans judges. Flags look at risks of
    10 years: a sweep takes no model of another horizon, risk apply does; and published equations
    of 10 years are then judged by their ranking alone.

    \b
    Example:
      screening risk fit --outcomes outcomes.csv --out model --years 10 --group ward
    """
    from flows.risk_fit import Asked, fit_to_file, print_fitted
    from screening.report.fit_page import render_json

    asked = Asked(outcomes, out, years, name, endpoint, groups)
    report = fit_to_file(asked, read_settings(config).risk)
    if as_json:
        show.say(render_json(report))
    else:
        print_fitted(report, out)


@risk.command()
@LAKE
@_OUTCOMES
@_OUT
@click.option(
    "--years",
    "--horizon-years",
    "years",
    default=10.0,
    show_default=True,
    type=click.FloatRange(0.5, 30),
    help="Horizon.",
)
@click.option(
    "--capacity-per-week",
    "per_week",
    default=50,
    show_default=True,
    type=click.IntRange(1),
    help="People that can be reviewed in a week.",
)
@_ENDPOINT
@_GROUP
@click.option(
    "--reference",
    type=click.Path(path_type=Path),
    help="CSV of true scores, as validate takes it.",
)
@CONFIG
@JSON
def evaluate(
    lake_path: Path,
    outcomes: Path,
    out: Path,
    years: float,
    per_week: int,
    endpoint: str,
    groups: tuple[str, ...],
    reference: Path | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Say how good a lake's list was, by what became of everyone swept.

    \b
    Reads the outcomes that risk fit reads (inputs are not needed): person_id (a key p_… or
      the patient's number, then issuer where there are several), scan_date (YYYY-MM-DD),
      prevalent, followup_years, outcome (none, event, death), and columns to group by
    Writes report.html, report.json, workload.csv (capacity curve), people.csv (by key).

    Flags are made anew as of each scan: what came after is an outcome, not a reason.

    \b
    Example:
      screening risk evaluate --lake /data/lake --outcomes outcomes.csv --out evaluation
    """
    from flows.risk_evaluate import Asked, evaluate_to_folder, print_evaluated
    from screening.report.list_page import render_json

    asked = Asked(outcomes, out, years, per_week, endpoint, groups, reference)
    report = evaluate_to_folder(open_lake(lake_path), asked, read_settings(config).risk)
    if as_json:
        show.say(render_json(report))
    else:
        print_evaluated(report, out)


@risk.command()
@click.option("--out", required=True, type=click.Path(path_type=Path), help="A new folder.")
@click.option(
    "--people", default=20000, show_default=True, type=click.IntRange(1), help="How many."
)
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="Which.")
def simulate(out: Path, people: int, seed: int) -> None:
    """Make a lake of simulated people with simulated outcomes, to try risk evaluate on.

    No scan is made. Risks are MESA's by true calcium and risk factors; scores are measured with
    error, records have gaps. Planted: ward B has twice the events, the scanner of site south reads
    a fifth of the calcium.

    \b
    Example:
      screening risk simulate --out simulated
    """
    from flows.risk_simulate import print_simulated, simulate_to_folder
    from screening.risk import simulate_site

    simulate_to_folder(out, simulate_site(people, seed), secret_from(os.environ))
    print_simulated(out)
