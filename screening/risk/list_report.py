"""How good a list was: everything its report says, and who it was about.

Comes in: everyone swept with flags as of their scan, outcomes. Goes out: a `ListReport`, and the
tables EVALUATED and WORKLOAD.
Refuses: nobody to evaluate, no event, nobody followed to the horizon (ScreeningError).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from screening.errors import ScreeningError
from screening.listed import CANNOT_SAY, GROUPS, TIERS, ListReport, Sums, Workload, Yield
from screening.risk.judge import DRAWS, SEED
from screening.risk.list_figures import (
    TRULY_HIGH,
    TRULY_SEVERE,
    found_of,
    groups_of,
    judge_cohort,
    of_list,
    to_review,
    too_short,
    truth_of,
    truth_sensitivity,
    wilson,
)
from screening.risk.list_people import KEPT_OFF, REFUSED, Listed, Swept, listed_of
from screening.risk.outcomes import SIMULATED, STATES, Outcomes
from screening.risk.people import Bools
from screening.risk.survival import has_event
from screening.risk.workload import queue_of_list, workload_of
from screening.tables import EVALUATED, WORKLOAD

# MESA's, and SCORE2's: the horizon at which expected may stand beside observed.
RISK_YEARS = 10.0


@dataclass(frozen=True, slots=True)
class ListAsked:
    """What the report is to say."""

    years: float
    per_week: int
    endpoint: str
    groups: Sequence[str]
    as_of: str
    outcomes_sha256: str
    program_version: str


@dataclass(frozen=True, slots=True, eq=False)
class JudgedList:
    """The report, and the tables beside it."""

    report: ListReport
    people: pa.Table
    workload: pa.Table


def judge_list(
    swept: Swept, outcomes: Outcomes, text: pa.Table, rows_left_out: Mapping[str, int],
    asked: ListAsked,
) -> JudgedList:  # fmt: skip
    """Judge a list.

    Parameters
    ----------
    text : rows of the outcome table that name somebody swept, `person_id` the person's key
    rows_left_out : its other rows, by reason

    Raises
    ------
    ScreeningError
        See the module's text, or a column of `groups` is missing.
    """
    for column in asked.groups:
        if column not in text.column_names:
            raise ScreeningError(f"outcomes: no column {column}, which --group names")
    listed = listed_of(swept, outcomes, text, asked.groups)
    _require_events(listed, asked.years, rows_left_out, outcomes.left_out)
    judged = judge_cohort(listed, asked.years)
    workload = workload_of(listed, judged, asked.per_week)
    sensitivity, predictive = of_list(judged)
    has_ratio = asked.years == RISK_YEARS
    left_out = Counter(rows_left_out) + Counter(outcomes.left_out)
    sources = Counter(listed.risk_source[listed.is_evaluated].tolist())
    report = ListReport(
        years=asked.years,
        endpoint=asked.endpoint,
        as_of=asked.as_of,
        policy=str(pc.max(swept.flags["policy"]).as_py() or ""),
        is_simulated=_is_simulated(text),
        outcomes_sha256=asked.outcomes_sha256,
        program_version=asked.program_version,
        sums=_sums(listed, asked.years, left_out),
        n_flagged=int(_on_list(listed).sum()),
        n_events=int(judged.cohort.event.sum()),
        sensitivity=sensitivity,
        predictive=predictive,
        to_review=to_review(predictive),
        yields=_yields(listed),
        found=found_of(judged),
        truth=truth_of(listed),
        reference_rows=swept.reference.num_rows + sum(swept.reference_left_out.values()),
        reference_left_out=_reference_left_out(listed, swept),
        n_without_reference=int((np.isnan(listed.reference) & ~np.isnan(listed.agatston)).sum()),
        truth_sensitivity_100=truth_sensitivity(listed, TRULY_HIGH),
        truth_sensitivity_300=truth_sensitivity(listed, TRULY_SEVERE),
        workload=workload,
        groups=groups_of(judged, has_ratio=has_ratio),
        has_ratio=has_ratio,
        risk_sources={name: n for name, n in sorted(sources.items()) if name},
        too_short=tuple(too_short(judged)),
        draws=DRAWS,
        seed=SEED,
    )
    people = _people(listed, swept, asked.per_week)
    return JudgedList(report, people, _workload(workload))


def _on_list(listed: Listed) -> Bools:
    mask: Bools = (listed.group >= 0) & (listed.group < len(TIERS))
    return mask


def _require_events(listed: Listed, years: float, *left_out: Mapping[str, int]) -> None:
    mine = listed.is_evaluated
    if not mine.any():
        why = "; ".join(f"{n} × {says}" for each in left_out for says, n in each.items())
        raise ScreeningError(
            f"outcomes: nobody to evaluate: of {len(listed.key)} people swept none has an outcome "
            f"that can be used{f'. Rows left out: {why}' if why else ''}"
        )
    if not has_event(listed.years[mine], listed.state[mine], years).any():
        raise ScreeningError(
            f"outcomes: no event within {years:g} years among the {int(mine.sum())} people "
            "evaluated; what a list finds cannot be told. Check the column outcome (none, event, "
            "death), or give longer --years"
        )
    if not (listed.years[mine] >= years).any():
        raise ScreeningError(
            f"outcomes: none of the {int(mine.sum())} people evaluated was followed for "
            f"{years:g} years; give a shorter --years"
        )


def _is_simulated(text: pa.Table) -> bool:
    if SIMULATED not in text.column_names:
        return False
    return "1" in pc.unique(pc.utf8_trim_whitespace(text.column(SIMULATED))).to_pylist()


def _yields(listed: Listed) -> tuple[Yield, ...]:
    on_list, n = _on_list(listed), len(listed.key)
    is_off = listed.group == KEPT_OFF
    found = []
    for tier in TIERS:
        mine = listed.tier_but_for == tier
        if not mine.any():
            continue
        formal, known = (
            int((mine & is_off & (listed.reason == reason)).sum())
            for reason in ("formally_scored", "known_ascvd")
        )
        n_flagged = int((mine & on_list).sum())
        found.append(
            Yield(
                tier=tier,
                n_in_tier=int(mine.sum()),
                n_formally_scored=formal,
                n_known_disease=known,
                n_kept_off_otherwise=int((mine & is_off).sum()) - formal - known,
                n_cannot_say=int((mine & (listed.group == GROUPS.index(CANNOT_SAY))).sum()),
                n_flagged=n_flagged,
                share=wilson(n_flagged, n),
                n_on_statin=int((mine & on_list & listed.is_on_statin).sum()),
            )
        )
    return tuple(found)


def _sums(listed: Listed, years: float, left_out: Mapping[str, int]) -> Sums:
    has_outcome, is_off = listed.state >= 0, listed.group == KEPT_OFF
    event = has_event(listed.years, listed.state, years) == 1
    kept_off, on_list = is_off & has_outcome, _on_list(listed)
    unsure = listed.is_evaluated & (listed.group == GROUPS.index(CANNOT_SAY))
    n_rows = int(has_outcome.sum()) + sum(left_out.values())
    return Sums(
        n_swept=len(listed.key),
        n_evaluated=int(listed.is_evaluated.sum()),
        kept_off=_counts(listed.reason[kept_off]),
        kept_off_events=_counts(listed.reason[kept_off & event]),
        without_outcome=_counts(listed.why_none[~has_outcome]),
        cannot_say=_counts(listed.reason[unsure]),
        n_rows=n_rows,
        n_with_outcome=int(has_outcome.sum()),
        rows_left_out={says: n for says, n in left_out.items() if n},
        since=_counts(listed.today[on_list]),
    )


def _reference_left_out(listed: Listed, swept: Swept) -> dict[str, int]:
    """Count rows of the reference that judge nobody, by reason."""
    n_used = int((~np.isnan(listed.reference)).sum())
    n_off = int((~np.isnan(listed.reference) & (listed.group == KEPT_OFF)).sum())
    counts = {
        **swept.reference_left_out,
        "of another scan than the one that counts": swept.reference.num_rows - n_used,
        "the policy keeps the person off the list": n_off,
    }
    return {says: n for says, n in counts.items() if n}


def _counts(words: np.ndarray) -> dict[str, int]:
    return dict(sorted(Counter(words.tolist()).items(), key=lambda item: (-item[1], item[0])))


def _people(listed: Listed, swept: Swept, per_week: int) -> pa.Table:
    """One row a person; of who does not want to be part of it the key alone."""
    words = {number: word for word, number in STATES.items()}
    flag = dict(
        zip(swept.flags["person_key"].to_pylist(), swept.flags["flag"].to_pylist(), strict=True)
    )
    is_hidden = listed.why_none == REFUSED
    day = np.where(np.isnan(listed.day), 0, listed.day).astype(np.int32)
    found = pa.table(
        {
            "person_key": listed.key.tolist(),
            "scan_date": _known(day, is_hidden | np.isnan(listed.day)).cast(pa.date32()),
            "flag": np.where(is_hidden, "", [flag[key] for key in listed.key]).tolist(),
            "reason": np.where(is_hidden, "", listed.reason).tolist(),
            "agatston": _known(listed.agatston, is_hidden),
            "flag_risk": _known(listed.risk, is_hidden),
            "today": np.where(is_hidden, "", listed.today).tolist(),
            "followup_years": _known(listed.years, is_hidden),
            "outcome": [words.get(state, "") for state in listed.state.tolist()],
            "why_none": listed.why_none.tolist(),
            "is_evaluated": listed.is_evaluated.tolist(),
            "reviewed_in_week": _known(queue_of_list(listed, per_week), is_hidden),
        }
    )
    return EVALUATED.check(found)


def _known(values: np.ndarray, is_hidden: Bools) -> pa.Array:
    return pa.array(values, mask=np.isnan(values) | is_hidden)


def _workload(workload: Workload) -> pa.Table:
    rows = [
        {
            "ranking": point.order,
            "per_week": point.per_week,
            "n_reviewed": point.n_reviewed,
            "n_left": point.n_left,
            "n_gone": point.n_gone,
            "events_reached": point.events_reached,
            "share_reached": point.share.value,
        }
        for point in workload.curve
    ]
    return pa.Table.from_pylist(rows, WORKLOAD.schema)
