"""How good a list was: what became of the people on it and off it; plain numbers, no keys.

Comes in: nothing. Goes out: the records that `risk` makes and `report` draws.
Refuses: nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from screening.fitted import Told

# As the list itself is ordered (`sql/out_flagged.sql`).
TIERS = (
    *("cac_1000", "cac_300", "cac_100", "percentile_75", "risk_high", "age_18_39"),
    "age_over_84",
)
BELOW, CANNOT_SAY = "below_threshold", "cannot_say"
# Whom the list could name or miss; all others the policy keeps off it.
GROUPS = (*TIERS, BELOW, CANNOT_SAY)


@dataclass(frozen=True, slots=True)
class Yield:
    """One tier, of everyone swept.

    n_in_tier : by score, percentile and risk alone; then why some of them are not on the list
    not_known : on the list; no formal score and no disease on record; share : of everyone swept
    """

    tier: str
    n_in_tier: int
    n_formally_scored: int
    n_known_disease: int
    n_kept_off_otherwise: int
    n_cannot_say: int
    n_flagged: int
    share: Told
    n_on_statin: int


@dataclass(frozen=True, slots=True)
class Found:
    """What became of one tier, or of those off the list, by the horizon.

    expected_events : had nobody been lost, by Aalen-Johansen; share : of all of them
    predictive : share of its people who have the event; to_review : people for one such
    share_so_far, predictive_so_far, to_review_so_far : of this tier and those above it
    """

    group: str
    n: int
    n_events: int
    n_deaths: int
    n_lost: int
    expected_events: float
    share: Told
    predictive: Told
    to_review: Told
    share_so_far: Told
    predictive_so_far: Told
    to_review_so_far: Told


@dataclass(frozen=True, slots=True)
class TrulyHigh:
    """Of people with a reference score: who truly has 100 or 300 units and more.

    predictive : share of the group; to_review : people for one such; both Wilson
    """

    group: str
    n: int
    n_100: int
    n_300: int
    predictive_100: Told
    predictive_300: Told
    to_review_100: Told
    to_review_300: Told


@dataclass(frozen=True, slots=True)
class Reached:
    """One order of working at one capacity, until the last week of scans.

    per_week : at most, where it differs by week
    share : of all expected events, those of people reviewed before their event
    """

    order: str
    per_week: int
    n_reviewed: float
    n_left: float
    n_gone: float
    events_reached: float
    share: Told
    per_event: float | None


@dataclass(frozen=True, slots=True)
class Week:
    """One week of scans at the asked capacity, worked in the list's order."""

    number: int
    n_swept: int
    n_flagged: int
    n_reviewed: int
    n_waiting: int


@dataclass(frozen=True, slots=True)
class Workload:
    """Weeks, orders of working, and the gain of each order by how many were reviewed.

    asked : every order at the capacity asked for; equal : every order with as many reviews in each
        week as the list had then, so that none is better by reviewing more
    gain : order: share of expected events among the first 0, 1, … 100 % of `n_ranked` people;
        None beyond the end of an order; empty below ten events
    """

    per_week: int
    n_weeks: int
    enough_per_week: int
    weeks: tuple[Week, ...]
    asked: tuple[Reached, ...]
    equal: tuple[Reached, ...]
    curve: tuple[Reached, ...]
    n_ranked: int
    gain: Mapping[str, tuple[float | None, ...]]
    random_orders: int


@dataclass(frozen=True, slots=True)
class Group:
    """One group of people the list could name.

    sensitivity : share of its expected events that are on the list; difference : from all others
    ratio : observed / expected by the policy's 10-year risk, of those who have one
    """

    variable: str
    level: str
    n: int
    n_flagged: int
    n_cannot_say: int
    n_events: int
    flag_rate: Told
    sensitivity: Told
    difference: Told
    predictive: Told
    ratio: Told


@dataclass(frozen=True, slots=True)
class Sums:
    """Where everybody is: both sums hold, and nobody is in two places.

    people : everyone swept = evaluated + kept off the list + without an outcome
    rows : of the outcome table = people with an outcome + rows left out, by reason
    """

    n_swept: int
    n_evaluated: int
    kept_off: Mapping[str, int]
    kept_off_events: Mapping[str, int]
    without_outcome: Mapping[str, int]
    cannot_say: Mapping[str, int]
    n_rows: int
    n_with_outcome: int
    rows_left_out: Mapping[str, int]
    since: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ListReport:
    """All of it.

    sensitivity, predictive, to_review : of the whole list; risk_sources : what `flag_risk` is
    too_short : groups of whom nobody is known at the horizon
    """

    years: float
    endpoint: str
    as_of: str
    policy: str
    is_simulated: bool
    outcomes_sha256: str
    program_version: str
    sums: Sums
    n_flagged: int
    n_events: int
    sensitivity: Told
    predictive: Told
    to_review: Told
    yields: tuple[Yield, ...]
    found: tuple[Found, ...]
    truth: tuple[TrulyHigh, ...]
    reference_rows: int
    reference_left_out: Mapping[str, int]
    n_without_reference: int
    truth_sensitivity_100: Told
    truth_sensitivity_300: Told
    workload: Workload
    groups: tuple[Group, ...]
    has_ratio: bool
    risk_sources: Mapping[str, int]
    too_short: tuple[str, ...]
    draws: int
    seed: int
