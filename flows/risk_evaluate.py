"""`screening risk evaluate`: how good a lake's list was, by what became of people.

Comes in: a swept lake, a CSV of outcomes, where there is one a CSV of reference scores.
Goes out: `report.html`, `report.json`, `workload.csv` and `people.csv` in a folder; the main
figures to print.
Refuses: a lake without a finished sweep or without people, outcomes of nobody swept, and what
`clinical` and `risk` refuse, in one line.

Everybody's flag is made anew as of the day of their scan (`Lake.query_at`): what came after is an
outcome, never a reason to be off the list.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pyarrow as pa

from flows import show
from flows.outcome_rows import Rows, rows_of
from flows.reference import join
from flows.status import last_as_of, require_a_finished_sweep
from screening import risk
from screening.config import RiskSettings
from screening.errors import ScreeningError
from screening.lake import Lake
from screening.listed import ListReport, Reached
from screening.report.list_page import render_html, render_json
from screening.report.list_words import (
    GROUP_WORDS,
    MORE_REVIEWS,
    TOO_FEW,
    one_in,
    percent,
    short_of_time,
    truly,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a user asked for."""

    outcomes: Path
    out: Path
    years: float
    per_week: int
    endpoint: str
    groups: Sequence[str]
    reference: Path | None


def evaluate_to_folder(lake: Lake, asked: Asked, settings: RiskSettings) -> ListReport:
    """Join, judge, write.

    Raises
    ------
    ScreeningError
        See the module's text.
    """
    require_a_finished_sweep(lake)
    as_of = last_as_of(lake)
    today = lake.query("core_person_flag", as_of)
    if not today.num_rows:
        raise ScreeningError(f"the lake {lake.path} holds nobody with a CT; there is no list")
    _require_region(today, settings)
    rows = rows_of(lake, asked.outcomes, as_of)
    outcomes = risk.outcomes_of(
        rows.text,
        rows.typed,
        datetime.now(UTC).date() + timedelta(days=1),  # somewhere it is tomorrow already
        of_any_age=True,
    )
    landmarks = risk.landmarks_of(outcomes, rows.text, today, as_of)
    judged = risk.judge_list(
        _swept(lake, asked, settings, today, landmarks, rows),
        outcomes,
        rows.text,
        rows.left_out,
        risk.ListAsked(
            asked.years,
            asked.per_week,
            asked.endpoint,
            asked.groups,
            str(as_of),
            sha256(asked.outcomes.read_bytes()).hexdigest(),
            show.program_version(),
        ),
    )
    _write(asked.out, judged)
    return judged.report


def _require_region(today: pa.Table, settings: RiskSettings) -> None:
    if "esc_2021" in today["policy"].unique().to_pylist() and not settings.score2_region:
        raise ScreeningError(
            "the lake's policy is esc_2021: give --config with its [risk] score2_region"
        )


def _swept(
    lake: Lake, asked: Asked, settings: RiskSettings, today: pa.Table, landmarks: pa.Table,
    rows: Rows,
) -> risk.Swept:  # fmt: skip
    """Everyone's flag as of their scan, and what else is known of them."""
    as_of = last_as_of(lake)
    inputs = lake.query_at("core_risk_input", landmarks, as_of, {})
    estimates = {"risk": risk.estimate(inputs, settings)}
    reference, left_out = _reference(lake, asked.reference)
    return risk.Swept(
        landmarks=landmarks,
        flags=lake.query_at("core_person_flag", landmarks, as_of, estimates),
        in_order=lake.query_at("out_flagged", landmarks, as_of, estimates)[
            "person_key"
        ].to_pylist(),
        today=today,
        person=lake.read("person"),
        reference=reference,
        reference_left_out=left_out,
        refused=rows.refused,
        named=rows.named,
    )


def _reference(lake: Lake, file: Path | None) -> tuple[pa.Table, dict[str, int]]:
    """Return the true scores by series, and how many rows name no scored scan."""
    joined = join(lake, file, last_as_of(lake)) if file else None
    pairs = joined.pairs if joined else ()
    scores = {
        "series_key": pa.array([pair.series_key for pair in pairs], pa.string()),
        "agatston": pa.array([pair.reference for pair in pairs], pa.float64()),
    }
    left_out = joined.ledger.lines if joined else {}
    return pa.table(scores), {reason.value: len(lines) for reason, lines in left_out.items()}


def _write(out: Path, judged: risk.JudgedList) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ScreeningError(f"cannot make the folder {out}: {error.strerror}") from error
    show.write_private(out / "report.json", (render_json(judged.report) + "\n").encode())
    show.write_private(out / "report.html", render_html(judged.report).encode())
    show.write_table(judged.people, "csv", out / "people.csv")
    show.write_table(judged.workload, "csv", out / "workload.csv")


def _print_orders(title: str, reached: Sequence[Reached]) -> None:
    show.table(
        title,
        ("order", "reviewed", "left waiting", "events reached", "of all events"),
        [
            (r.order, show.number(r.n_reviewed), show.number(r.n_left),
             show.number(r.events_reached, 1), percent(r.share))
            for r in reached
        ],
    )  # fmt: skip


def print_evaluated(report: ListReport, out: Path) -> None:
    """Print how good the list was."""
    simulated = " (simulated outcomes)" if report.is_simulated else ""
    sums = report.sums
    show.say(
        f"{sums.n_swept} people swept = {sums.n_evaluated} evaluated + "
        f"{sum(sums.kept_off.values())} kept off the list by the policy + "
        f"{sum(sums.without_outcome.values())} without an outcome"
    )
    show.table(
        f"{report.endpoint}, within {report.years:g} years{simulated}",
        ("group", "people", "events", "of all events", "of its people", "to review for one"),
        [
            (GROUP_WORDS[f.group], f.n, f.n_events, percent(f.share), percent(f.predictive),
             one_in(f.to_review))
            for f in report.found
        ],
    )  # fmt: skip
    if report.sensitivity.value is None or report.predictive.value is None:
        show.say(f"the list: {TOO_FEW} of people on it or in all, so there are counts alone")
    else:
        show.say(
            f"the list: {percent(report.sensitivity)} of all events, {percent(report.predictive)} "
            f"of its people, {one_in(report.to_review)} to review for one event"
        )
    if report.reference_rows:
        show.say(
            f"by {report.reference_rows} reference scores: "
            f"{truly(report.truth_sensitivity_100, 100)}"
        )
    work = report.workload
    _print_orders(
        f"the best {work.per_week} a week, {work.n_weeks} weeks of scans; {work.enough_per_week} a "
        f"week leave nobody of the list waiting{simulated}",
        work.asked,
    )
    show.say(MORE_REVIEWS)
    _print_orders(f"with as many reviews in each week as the list has{simulated}", work.equal)
    show.say(f"{sums.n_rows} rows of outcomes, {sums.n_with_outcome} taken")
    for why, n in sums.rows_left_out.items():
        show.say(f"  left out, {why}: {n}")
    for why, n in sums.without_outcome.items():
        show.say(f"  without an outcome, {why}: {n}")
    if report.too_short:
        show.say(short_of_time(report.too_short, report.years))
    show.say("\n".join(str(out / n) for n in ("report.html", "workload.csv", "people.csv")))
    show.say(show.NOTICE)
