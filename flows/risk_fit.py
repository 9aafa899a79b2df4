"""`screening risk fit`: a risk model of a site's own, from its outcomes.

Comes in: a CSV of people with outcomes. Goes out: `model.json`, `card.md`, `report.html` and
`report.json` in a folder.
Refuses: what `clinical` and `risk` refuse, in one line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flows import show
from flows.outcome_rows import cut_rows, every_scan
from screening import clinical, risk
from screening.config import RiskSettings
from screening.errors import ScreeningError
from screening.fitted import FitReport
from screening.report.fit_page import UNUSED, ratio, render_card, render_html, render_json, told


@dataclass(frozen=True, slots=True)
class Asked:
    """What a user asked for."""

    outcomes: Path
    out: Path
    years: float
    name: str
    endpoint: str
    groups: Sequence[str]


def fit_to_file(asked: Asked, settings: RiskSettings) -> FitReport:
    """Read, fit, judge, write.

    Raises
    ------
    ScreeningError
        The table cannot be used, or says too little.
    """
    people = clinical.open_people(asked.outcomes)
    text, typed, census = every_scan(people, asked.outcomes.name)
    model, report = risk.fit_site(
        text, typed, settings, asked.years, asked.name, asked.endpoint, asked.groups,
        today=datetime.now(UTC).date() + timedelta(days=1),  # somewhere it is tomorrow already
        rows_left_out=cut_rows(census),
    )  # fmt: skip
    try:
        asked.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ScreeningError(f"cannot make the folder {asked.out}: {error.strerror}") from error
    for name, body in (
        ("model.json", model.model_dump_json(indent=1) + "\n"),
        ("card.md", render_card(report)),
        ("report.json", render_json(report) + "\n"),
        ("report.html", render_html(report)),
    ):
        show.write_private(asked.out / name, body.encode())
    return report


def print_fitted(report: FitReport, out: Path) -> None:
    """Print how the fit went."""
    show.say(f"{report.step}: {report.why_step}")
    show.table(
        f"{report.n_held_out} people scanned from {report.held_out} on, held out",
        ("model", "years", "observed", "expected", "observed / expected", "AUC", "slope"),
        [
            (name, f"{j.years:g}", told(j.observed, 3),
             "" if j.expected is None else f"{j.expected:.3f}", ratio(j, report.years),
             told(j.auc), told(j.slope))
            for name, j in report.models.items()
        ],
    )  # fmt: skip
    for why, n in report.left_out.items():
        show.say(f"left out, {why}: {n}")
    for what, n in report.values_unused.items():
        show.say(f"{UNUSED}, {what}: {n}")
    show.say(f"{out / 'report.html'}\n{out / 'card.md'}")
    show.say(f'to use it: [risk] model = "{out / "model.json"}" in screening.toml')
    if report.years != risk.MODEL.years:
        show.say(
            f"its risk is of {report.years:g} years: for risk apply; a sweep, whose flags look at "
            f"risks of {risk.MODEL.years}, refuses it"
        )
    show.say(show.NOTICE)
