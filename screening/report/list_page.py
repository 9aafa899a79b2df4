"""The report of an evaluated list: one HTML page, its numbers as JSON.

Comes in: a `ListReport`. Goes out: self-contained HTML (plots inside, nothing fetched) and JSON; no
key, no identity.
Refuses: nothing.
"""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from html import escape

from screening.fitted import LEAST_EVENTS, LEAST_PEOPLE
from screening.listed import CANNOT_SAY, Group, ListReport, Reached
from screening.reasons import REASONS
from screening.report import list_plots as plots
from screening.report.fit_page import told
from screening.report.list_words import (
    GROUP_WORDS,
    MORE_REVIEWS,
    one_in,
    percent,
    points,
    short_of_time,
    truly,
)
from screening.report.style import head

NOTICE = (
    "Research software, not a medical device. An image reader confirms every finding before anyone "
    "is contacted."
)
TITLE = "How good is the list?"
SIMULATED = (
    "The outcomes of this report are simulated: drawn from published risks of simulated people. "
    "They say how the report reads, and nothing about any hospital."
)
_SENTENCES = {str(reason): text.sentence for reason, text in REASONS.items()}


def render_json(report: ListReport) -> str:
    """Return every number of the report."""
    return json.dumps(asdict(report), indent=1)


def render_html(report: ListReport) -> str:
    """Return the page."""
    simulated = [f"<p class=notice>{escape(SIMULATED)}</p>"] if report.is_simulated else []
    title = _heading(TITLE, report)
    parts = [
        "<!doctype html><html lang=en>", head(title), "<body><main>",
        f"<h1>{escape(title)}</h1>", f"<p class=notice>{escape(NOTICE)}</p>", *simulated,
        f"<p class=lead>{escape(_lead(report))}</p>",
        *_short(report),
        *_found(report), *_yield(report), *_truth(report), *_workload(report), *_groups(report),
        *_sums(report), *_methods(report),
        "</main></body></html>",
    ]  # fmt: skip
    return "\n".join(parts) + "\n"


def _short(report: ListReport) -> list[str]:
    text = short_of_time(report.too_short, report.years)
    return [f"<p class=notice>{escape(text)}</p>"] if text else []


def _heading(text: str, report: ListReport) -> str:
    return f"{text} (simulated outcomes)" if report.is_simulated else text


def _h2(text: str, report: ListReport) -> str:
    return f"<h2>{escape(_heading(text, report))}</h2>"


def _lead(report: ListReport) -> str:
    sums = report.sums
    if report.sensitivity.value is None or report.to_review.value is None:
        return (
            f"{report.n_events} events within {report.years:g} years among {sums.n_evaluated:,} "
            f"people evaluated. With fewer than {LEAST_EVENTS} in all, or on the list, nobody can "
            "say how many the list finds; there are counts."
        )
    return (
        f"The list holds {100 * report.sensitivity.value:.0f} of 100 people who have the event "
        f"within {report.years:g} years; of its people {one_in(report.to_review)} are reviewed for "
        "one of them."
    )


def _found(report: ListReport) -> list[str]:
    rows = [
        (GROUP_WORDS[f.group], f"{f.n:,}", f"{f.n_events:,}", f"{f.expected_events:.1f}",
         percent(f.share), percent(f.predictive), one_in(f.to_review),
         percent(f.share_so_far) if _is_tier(f.group) else "",
         one_in(f.to_review_so_far) if _is_tier(f.group) else "")
        for f in report.found
    ]  # fmt: skip
    everyone = (
        "<b>the whole list</b>", "", "", "", percent(report.sensitivity),
        percent(report.predictive), one_in(report.to_review), "", "",
    )  # fmt: skip
    body = _table(
        ("group at the scan", "people", "events seen", "expected", "sensitivity: share of all "
         "events", "predictive value: have the event", "to review for one",
         "sensitivity with all tiers above", "to review for one, with all above"), rows, everyone,
    )  # fmt: skip
    return [
        _h2("What the list finds", report),
        f"<p>{escape(report.endpoint)}, within {report.years:g} years of the scan; "
        f"{report.sums.n_evaluated:,} people evaluated.</p>",
        body,
        "<p>Expected: events had nobody been lost to follow-up (Aalen-Johansen; deaths of other "
        "causes are outcomes without event). People of whom nothing could be said count as not "
        "found.</p>",
    ]


def _is_tier(group: str) -> bool:
    return group not in ("below_threshold", CANNOT_SAY)


def _yield(report: ListReport) -> list[str]:
    n = report.sums.n_swept
    rows = [
        (GROUP_WORDS[y.tier], f"{y.n_in_tier:,}", f"{y.n_formally_scored:,}",
         f"{y.n_known_disease:,}", f"{y.n_kept_off_otherwise:,}", f"{y.n_cannot_say:,}",
         f"{y.n_flagged:,}", percent(y.share), f"{y.n_on_statin:,}")
        for y in report.yields
    ]  # fmt: skip
    return [
        _h2("Yield", report),
        f"<p>Of {n:,} people swept {report.n_flagged:,} were on the list on the day of their scan "
        f"({100 * report.n_flagged / n:.1f} %): nobody had scored them, and no disease was on "
        "record.</p>",
        _table(
            ("tier by score, percentile and risk", "people", "formally scored", "known disease",
             "kept off otherwise", "cannot say", "on the list: not known before",
             "of everyone swept", "of these on a statin"), rows,
        ),
        "<p>Of these, as of the last sweep: " + escape(_counts(report.sums.since)) + ".</p>",
    ]  # fmt: skip


def _truth(report: ListReport) -> list[str]:
    if not report.reference_rows:
        return []
    rows = [
        (GROUP_WORDS[t.group], f"{t.n:,}", f"{t.n_100:,}", percent(t.predictive_100),
         one_in(t.to_review_100), f"{t.n_300:,}", percent(t.predictive_300),
         one_in(t.to_review_300))
        for t in report.truth
    ]  # fmt: skip
    return [
        _h2("Against a reference score", report),
        _table(
            ("group at the scan", "people with a reference", "truly ≥ 100", "share",
             "to review for one", "truly ≥ 300", "share", "to review for one"), rows,
        ),
        f"<p>By these rows, {escape(truly(report.truth_sensitivity_100, 100))}; "
        f"{escape(truly(report.truth_sensitivity_300, 300))}. Scored without a reference: "
        f"{report.n_without_reference:,}. Intervals: Wilson.</p>",
        f"<p>{report.reference_rows:,} rows of the reference; without part in this: "
        f"{escape(_reasons(report.reference_left_out))}.</p>",
    ]  # fmt: skip


def _workload(report: ListReport) -> list[str]:
    work = report.workload
    header = (
        "order of working", "reviewed", "waiting at the end", "had the event or died first",
        "events reached in time", "of all events", "reviews for one event",
    )  # fmt: skip
    return [
        _h2(f"The best {work.per_week} a week", report),
        f"<p>{work.n_weeks:,} weeks of scans. {work.enough_per_week:,} reviews a week leave nobody "
        "of the list waiting at their end.</p>",
        _table(header, _orders(work.asked)),
        f"<p>{escape(MORE_REVIEWS)}</p>",
        _h2("With as many reviews as the list has", report),
        _table(header, _orders(work.equal)),
        "<p>In each week every order has as many reviews as the list had in it. Worklist: people "
        "on the list, as it is ordered. Score alone and 10-year risk: "
        "everybody with a score whom the policy does not keep off, the highest first. At random: "
        f"the list, or everybody, mean of {work.random_orders} orders. An event is reached where "
        "its person is reviewed before it, at the end of a week.</p>",
        *_curves(report),
        _figure(plots.weeks(report), "Week by week",
                f"People newly flagged, and waiting where {work.per_week} a week are reviewed."),
    ]  # fmt: skip


def _orders(reached: Iterable[Reached]) -> list[tuple[str, ...]]:
    return [
        (r.order, f"{r.n_reviewed:,.0f}", f"{r.n_left:,.0f}", f"{r.n_gone:,.0f}",
         f"{r.events_reached:,.1f}", percent(r.share),
         "–" if r.per_event is None else f"{r.per_event:.1f}")
        for r in reached
    ]  # fmt: skip


def _curves(report: ListReport) -> list[str]:
    """Return the plots of shares of events; below ten events there are no shares."""
    if report.n_events < LEAST_EVENTS:
        return []
    says = (
        f"Of {report.workload.n_ranked:,} people with an outcome, a score and nothing that keeps "
        "them off; time plays no part here."
    )
    return [
        "<div class=pair>",
        _figure(plots.capacity(report), "Reached by reviews a week",
                "Each order of working, until the last week of scans."),
        _figure(plots.gain(report), "Gain", says),
        "</div>",
    ]  # fmt: skip


def _groups(report: ListReport) -> list[str]:
    ratio = ("observed / expected",) if report.has_ratio else ()
    rows = [
        (f"{g.variable}: {g.level}", f"{g.n:,}", f"{g.n_cannot_say:,}", f"{g.n_events:,}",
         percent(g.flag_rate), percent(g.sensitivity), points(g.difference),
         percent(g.predictive), *((told(g.ratio),) if ratio else ()), _verdict(g))
        for g in report.groups
    ]  # fmt: skip
    expected = (
        f"Expected by the 10-year risk that the policy looks at ({_counts(report.risk_sources)}); "
        "above 1 it expects too little."
        if ratio
        else "No observed / expected: the policy's risk is of 10 years."
    )
    return [
        _h2("In each group", report),
        _table(
            ("group", "people", "cannot say", "events", "on the list", "sensitivity",
             "points from the others", "predictive value", *ratio, ""), rows,
        ),
        f"<p>{escape(expected)} With many groups one in twenty intervals misses by chance.</p>",
        _figure(plots.sensitivity(report), "Sensitivity by group",
                "Red where its interval from the others leaves out 0."),
    ]  # fmt: skip


def _verdict(group: Group) -> str:
    said = []
    if group.n_cannot_say == group.n:
        said.append("of none of them could anything be said; their events count as not found")
    low, high = group.difference.low, group.difference.high
    if low is not None and high is not None and not low <= 0 <= high:
        said.append("more of its events are found" if low > 0 else "more of its events are missed")
    low, high = group.ratio.low, group.ratio.high
    if low is not None and high is not None and not low <= 1 <= high:
        said.append("expects too little" if low > 1 else "expects too much")
    return "; ".join(said)


def _sums(report: ListReport) -> list[str]:
    sums = report.sums
    rows: list[tuple[str, str, str]] = [("everyone swept", f"{sums.n_swept:,}", "")]
    rows.append(("evaluated", f"{sums.n_evaluated:,}", ""))
    rows += [
        (f"evaluated, of these cannot say: {_plain(reason)}", f"{n:,}", "")
        for reason, n in sums.cannot_say.items()
    ]
    rows += [
        (f"kept off the list: {_plain(reason)}", f"{n:,}",
         f"{sums.kept_off_events.get(reason, 0):,} events")
        for reason, n in sums.kept_off.items()
    ]  # fmt: skip
    rows += [
        (f"without an outcome: {why}", f"{n:,}", "") for why, n in sums.without_outcome.items()
    ]
    table_rows = [("rows of the outcome table", f"{sums.n_rows:,}", "")]
    table_rows.append(("taken: one a person", f"{sums.n_with_outcome:,}", ""))
    table_rows += [(f"left out: {why}", f"{n:,}", "") for why, n in sums.rows_left_out.items()]
    return [
        _h2("What is not evaluated, and why", report),
        _table(("people", "", "events"), rows),
        f"<p>{sums.n_swept:,} = {sums.n_evaluated:,} evaluated + "
        f"{sum(sums.kept_off.values()):,} kept off + {sum(sums.without_outcome.values()):,} "
        "without an outcome.</p>",
        _table(("rows", "", ""), table_rows),
    ]


def _methods(report: ListReport) -> list[str]:
    rows = (
        ("policy", report.policy),
        ("lake swept as of", report.as_of),
        ("flags", "made anew as of the day of each scan: what was recorded later is an outcome, "
         "never a reason to be off the list; a window of months may differ by a day"),
        ("censoring", "each person followed stands for those lost, weighted by the inverse "
         "probability of not being lost, within each tier, below the threshold and among cannot "
         "say; equal to Aalen-Johansen in each. Losing people is taken to say nothing of their "
         "risk"),
        ("to review for one", "1 / predictive value: people of that group reviewed to find one "
         f"who has the event within {report.years:g} years"),
        ("intervals", f"95 %, people drawn again {report.draws} times, seed {report.seed}; plain "
         f"shares, and where no draw differs, by Wilson. None below {LEAST_PEOPLE} people; cells "
         f"of fewer than {LEAST_EVENTS} events have counts alone. In the queue who is reached "
         "stays as it is"),
        ("outcome table, SHA-256", report.outcomes_sha256),
        ("program", report.program_version),
    )  # fmt: skip
    body = "".join(
        f"<tr><th scope=row>{escape(name)}</th><td>{escape(value)}</td></tr>"
        for name, value in rows
    )
    return [_h2("Methods", report), f"<table class=facts>{body}</table>"]


def _plain(reason: str) -> str:
    return _SENTENCES.get(reason, reason.replace("_", " "))


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {n:,}" for name, n in counts.items()) or "nobody"


def _reasons(counts: Mapping[str, int]) -> str:
    return "; ".join(f"{n:,} × {says}" for says, n in counts.items()) or "none"


def _figure(svg: bytes, title: str, says: str) -> str:
    data = base64.b64encode(svg).decode()
    return (
        f'<figure><img alt="{escape(title)}" src="data:image/svg+xml;base64,{data}">'
        f"<figcaption>{escape(title)}. {escape(says)}</figcaption></figure>"
    )


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], last: Sequence[str] = ()) -> str:
    top = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join(_row([escape(cell) for cell in row]) for row in rows)
    foot = _row(last) if last else ""
    return f"<div class='scroll dense'><table><tr>{top}</tr>{body}{foot}</table></div>"


def _row(cells: Sequence[str]) -> str:
    rest = "".join(f"<td>{cell}</td>" for cell in cells[1:])
    return f"<tr><th scope=row>{cells[0]}</th>{rest}</tr>"
