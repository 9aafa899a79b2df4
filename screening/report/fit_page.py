"""The report of a fitted risk model: one HTML page, its numbers as JSON, its card.

Comes in: a `FitReport`. Goes out: self-contained HTML (plots inside, nothing fetched), JSON and a
card as Markdown; no key, no identity.
Refuses: nothing.
"""

import base64
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from html import escape

from screening.fitted import LEAST_EVENTS, FitReport, Judged, Told
from screening.report import fit_plots as plots
from screening.report.style import head

NOTICE = (
    "Research software, not a medical device. A model fitted to one site speaks of people like "
    "those it was fitted to; who is contacted, people decide."
)
# Of values of the people who count.
UNUSED = "taken for missing"
TITLE = "A risk model fitted to a site's outcomes"


def render_json(report: FitReport) -> str:
    """Return every number of the report."""
    return json.dumps(asdict(report), indent=1)


def render_html(report: FitReport) -> str:
    """Return the page."""
    parts = [
        "<!doctype html><html lang=en>", head(TITLE), "<body><main>",
        f"<h1>{TITLE}</h1>", f"<p class=notice>{escape(NOTICE)}</p>",
        f"<p class=lead>{escape(_lead(report))}</p>",
        *_who(report), *_models(report), *_plots(report), *_beside(report), *_fairness(report),
        *_numbers(report),
        "</main></body></html>",
    ]  # fmt: skip
    return "\n".join(parts) + "\n"


def render_card(report: FitReport) -> str:
    """Return the model's card."""
    chosen = _chosen(report)
    left = "".join(f"- left out, {why}: {n}\n" for why, n in report.left_out.items())
    left += "".join(f"- {UNUSED}, {what}: {n}\n" for what, n in report.values_unused.items())
    return f"""# {report.name}

{_lead(report)}

- predicts: {report.endpoint}, {report.years:g} years
- step: {report.step}; {report.why_step}
- fitted to {report.n_fitted} people, {report.n_events_fitted} events, {report.sites} sites; \
judged on {report.n_held_out} people scanned from {report.held_out} on, \
{report.n_events_held_out} events
{left}- held out: observed / expected {told(chosen.ratio)}, AUC {told(chosen.auc)}, \
slope {told(chosen.slope)}
- what is missing is drawn as in the model that ships; for people from 45 to 84
- seed of the intervals: {report.seed}

{NOTICE}
"""


def told(figure: Told, digits: int = 2) -> str:
    """Write a figure with its interval."""
    if figure.value is None:
        return f"fewer than {LEAST_EVENTS} events"
    text = f"{figure.value:.{digits}f}"
    if figure.low is None or figure.high is None:
        return text
    return f"{text} ({figure.low:.{digits}f} to {figure.high:.{digits}f})"


def expected(judged: Judged) -> str:
    """Write the mean estimate; nothing where it is of other years than were observed."""
    return "" if judged.expected is None else f"{100 * judged.expected:.1f} %"


def ratio(judged: Judged, horizon: float) -> str:
    """Write observed / expected; nothing where the estimates are of other years."""
    return told(judged.ratio) if judged.years == horizon else ""


def _brier(judged: Judged, horizon: float) -> str:
    if judged.years != horizon:
        return ""
    return "–" if judged.brier is None else f"{judged.brier:.4f}"


def _other_years(report: FitReport) -> str:
    """Say why cells are empty, where any are."""
    years = (*(j.years for j in report.models.values()), *(b.years for b in report.beside))
    if all(y == report.years for y in years):
        return ""
    return (
        f" Empty: the estimates are of other years than the {report.years:g} observed here, so "
        "that only their ranking and spread can be judged."
    )


def _percent(figure: Told) -> str:
    if figure.value is None:
        return told(figure)
    text = f"{100 * figure.value:.1f} %"
    if figure.low is None or figure.high is None:
        return text
    return f"{text} ({100 * figure.low:.1f} to {100 * figure.high:.1f})"


def _chosen(report: FitReport) -> Judged:
    return report.models["refitted" if report.step == "refit" else "recalibrated"]


def _lead(report: FitReport) -> str:
    chosen = _chosen(report)
    if chosen.ratio.value is None:
        return (
            f"Fewer than {LEAST_EVENTS} events among the people held out: how good the "
            f"{report.step} is, cannot be said."
        )
    return (
        f"On people scanned later, the {report.step} expects {expected(chosen)} where "
        f"{100 * (chosen.observed.value or 0):.1f} % were observed: {told(chosen.ratio)} times as "
        "many as expected."
    )


def _who(report: FitReport) -> list[str]:
    rows = [
        ("predicts", f"{report.endpoint}, within {report.years:g} years"),
        ("rows of the table", f"{report.n_rows:,}"),
        *((f"left out: {why}", f"{n:,}") for why, n in report.left_out.items()),
        *((f"{UNUSED}: {what}", f"{n:,}") for what, n in report.values_unused.items()),
        ("fitted to", f"{report.n_fitted:,} people, {report.n_events_fitted:,} events"),
        (
            f"held out: scanned from {report.held_out} on",
            f"{report.n_held_out:,} people, {report.n_events_held_out:,} events",
        ),
        ("died of something else within that time", f"{report.n_competing:,}"),
        ("sites", f"{report.sites:,}"),
        ("step", f"{report.step}: {report.why_step}"),
    ]
    body = "".join(
        f"<tr><th scope=row>{escape(name)}</th><td>{escape(value)}</td></tr>"
        for name, value in rows
    )
    return ["<h2>Who and how</h2>", f"<table class=facts>{body}</table>"]


def _models(report: FitReport) -> list[str]:
    rows = [
        (name, f"{j.years:g}", _percent(j.observed), expected(j), ratio(j, report.years),
         told(j.auc), _brier(j, report.years),
         told(j.intercept) if j.years == report.years else "", told(j.slope))
        for name, j in report.models.items()
    ]  # fmt: skip
    return [
        "<h2>On the people held out</h2>",
        _table(
            ("model", "years", "observed", "expected", "observed / expected", "AUC", "Brier",
             "intercept", "slope"), rows,
        ),
        "<p>Observed: Aalen-Johansen, deaths of other causes compete. Intervals: 95 %, people "
        "drawn again. Perfect: observed / expected 1, intercept 0, slope 1; a slope below 1 "
        "means that estimates spread too far." + _other_years(report) + "</p>",
    ]  # fmt: skip


def _plots(report: FitReport) -> list[str]:
    figures = (
        (plots.calibration(report), "Calibration by tenths",
         "Each point is a tenth of the people held out; on the line as many had the event as "
         f"expected. Tenths of fewer than {LEAST_EVENTS} events are hollow, without interval."),
        (plots.decision_curve(report), "Decision curve",
         "Net benefit: true positives, less false positives weighed by the odds of the threshold. "
         "A model is of use where its line is above both flagging all and flagging nobody (0)."),
    )  # fmt: skip
    return [
        "<h2>Calibration and use</h2><div class=pair>",
        *(_figure(body, title, says) for body, title, says in figures),
        "</div>",
    ]


def _figure(svg: bytes, title: str, says: str) -> str:
    data = base64.b64encode(svg).decode()
    return (
        f'<figure><img alt="{escape(title)}" src="data:image/svg+xml;base64,{data}">'
        f"<figcaption>{escape(title)}. {escape(says)}</figcaption></figure>"
    )


def _beside(report: FitReport) -> list[str]:
    rows = [
        (b.column, f"{b.years:g}", b.endpoint, f"{b.theirs.n:,}", f"{b.theirs.n_events:,}",
         told(b.theirs.auc), told(b.ours.auc), ratio(b.theirs, report.years), told(b.ours.ratio))
        for b in report.beside
    ]  # fmt: skip
    return [
        "<h2>Beside published equations, on the same people</h2>",
        _table(
            ("equation", "years", "predicts", "people", "events", "its AUC", "the model's",
             "its observed / expected", "the model's"), rows,
        ),
        "<p>Endpoints differ: an equation for another endpoint is not wrong where its ratio is not "
        "1. Each row has the people who have all inputs of that equation and its ages."
        + _other_years(report) + "</p>",
    ]  # fmt: skip


def _fairness(report: FitReport) -> list[str]:
    rows = [
        (f.variable, f.level, f"{f.judged.n:,}", f"{f.judged.n_events:,}",
         _percent(f.judged.observed), expected(f.judged), told(f.judged.ratio),
         told(f.judged.auc), _verdict(f.judged))
        for f in report.fairness
    ]  # fmt: skip
    return [
        "<h2>In each group</h2>",
        _table(
            ("group", "", "people", "events", "observed", "expected", "observed / expected", "AUC",
             ""), rows,
        ),
        "<p>Above 1 the model expects too little of a group: its people are missed. With many "
        "groups one in twenty intervals misses 1 by chance.</p>",
    ]  # fmt: skip


def _verdict(judged: Judged) -> str:
    low, high = judged.ratio.low, judged.ratio.high
    if low is None or high is None or low <= 1 <= high:
        return ""
    return "expects too little" if low > 1 else "expects too much"


def _numbers(report: FitReport) -> list[str]:
    rows: Iterable[Sequence[str]] = [(n, f"{v:.5g}") for n, v in report.coefficients.items()]
    moved = ""
    if report.recalibration:
        intercept, slope = report.recalibration
        moved = (
            f"<p>Recalibrated: log odds = {intercept:.4f} + {slope:.4f} × log odds of MESA "
            "averaged.</p>"
        )
    return ["<h2>The model's numbers</h2>", _table(("input", "coefficient"), rows), moved]


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cell: Callable[[str], str] = lambda text: f"<td>{escape(text)}</td>"  # noqa: E731
    top = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join(
        f"<tr><th scope=row>{escape(row[0])}</th>{''.join(map(cell, row[1:]))}</tr>" for row in rows
    )
    return f"<div class='scroll wraps'><table><tr>{top}</tr>{body}</table></div>"
