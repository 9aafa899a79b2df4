"""Everyone swept, with the flag they had at their scan and what became of them.

Comes in: flags as of each person's scan, a site's outcomes, reference scores. Goes out: `Listed`.
Refuses: nothing; who has no usable outcome is told apart by reason, never dropped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from screening.listed import BELOW, CANNOT_SAY, GROUPS, TIERS
from screening.risk.outcomes import PERSON, PREVALENT, Outcomes
from screening.risk.people import Bools, Floats

KEPT_OFF = -1
NO_ROW = "no row in the outcome table"
NO_USABLE_ROW = "no row that can be used; see the rows left out"
DISEASE_BEFORE = "had the disease before the scan"
REFUSED = "does not want to be part of research"


@dataclass(frozen=True, slots=True, eq=False)
class Swept:
    """What is known of everyone swept, as tables; flags are as of each person's scan.

    landmarks : `landmarks_of`; flags : `core_person_flag`; in_order : keys as `out_flagged` has
    them; today : the same flags as of today; person : PERSON; reference : `series_key`, `agatston`
    reference_left_out : rows of the reference that name no scored scan, by reason
    refused : keys of people who are not part of research; named : of all whom a row names
    """

    landmarks: pa.Table
    flags: pa.Table
    in_order: Sequence[str]
    today: pa.Table
    person: pa.Table
    reference: pa.Table
    reference_left_out: Mapping[str, int]
    refused: frozenset[str]
    named: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """Everyone swept, arrays of shape (n,), by key.

    group : place in GROUPS, KEPT_OFF for who the policy keeps off the list
    years, state : as in `Outcomes`, NaN and -1 without an outcome; why_none : then the reason
    day : that flag and outcome count from, days since 1970, NaN without score and outcome
    rank : place on the list, NaN off it; reference : Agatston units
    levels : words by column, empty unknown
    """

    key: np.ndarray
    group: np.ndarray
    tier_but_for: np.ndarray
    reason: np.ndarray
    agatston: Floats
    risk: Floats
    risk_source: np.ndarray
    is_on_statin: Bools
    day: Floats
    rank: Floats
    years: Floats
    state: np.ndarray
    why_none: np.ndarray
    reference: Floats
    sex: np.ndarray
    age_years: Floats
    race: np.ndarray
    today: np.ndarray
    levels: Mapping[str, np.ndarray]

    @property
    def is_evaluated(self) -> Bools:
        """Who has an outcome, and was on the list or might have been."""
        mask: Bools = (self.group != KEPT_OFF) & (self.state >= 0)
        return mask


def landmarks_of(outcomes: Outcomes, text: pa.Table, today: pa.Table, as_of: date) -> pa.Table:
    """Give everyone swept a day: of the scan that their outcome counts from, else of their score.

    Parameters
    ----------
    text : the outcome table, `person_id` the person's key
    today : `core_person_flag` as of today; who has no score has the day `as_of`
    """
    keys = text.column(PERSON).take(pa.array(outcomes.rows)).to_pylist()
    epoch = np.datetime64(0, "D")
    days = dict(zip(keys, (epoch + outcomes.day.astype(np.int64)).tolist(), strict=True))
    people = today["person_key"].to_pylist()
    scanned = today["index_date"].to_pylist()
    landmarks = [days.get(key, day or as_of) for key, day in zip(people, scanned, strict=True)]
    return pa.table({"person_key": people, "landmark": pa.array(landmarks, pa.date32())})


def listed_of(swept: Swept, outcomes: Outcomes, text: pa.Table, groups: Sequence[str]) -> Listed:
    """Put flags and outcomes of each person together.

    Parameters
    ----------
    text : the outcome table, `person_id` the person's key
    groups : its columns by whose levels the list is judged
    """
    flags = swept.flags.sort_by("person_key")
    key = _words(flags, "person_key")
    place = {name: i for i, name in enumerate(key.tolist())}
    rows = np.array(
        [place[k] for k in text.column(PERSON).take(pa.array(outcomes.rows)).to_pylist()], int
    )
    years, state = np.full(len(key), np.nan), np.full(len(key), -1)
    years[rows], state[rows] = outcomes.years, outcomes.state
    levels = {}
    for name in groups:
        words = pc.utf8_trim_whitespace(text.column(name)).take(pa.array(outcomes.rows))
        levels[name] = np.full(len(key), "", dtype=object)
        levels[name][rows] = words.to_pylist()
    person = dict(
        zip(swept.person["person_key"].to_pylist(), swept.person["race"].to_pylist(), strict=True)
    )
    now = dict(
        zip(swept.today["person_key"].to_pylist(), _standing(swept.today).tolist(), strict=True)
    )
    # Who has no score has no age in the lake; the outcome table may tell it.
    age = _floats(flags, "age_years")
    age[rows] = np.where(np.isnan(age[rows]), outcomes.people.age_years, age[rows])
    rank = {k: float(i) for i, k in enumerate(swept.in_order)}
    known = dict(
        zip(*(swept.reference[c].to_pylist() for c in ("series_key", "agatston")), strict=True)
    )
    series = _words(flags, "series_key").tolist()
    return Listed(
        key=key,
        group=_groups(flags),
        tier_but_for=_words(flags, "tier_but_for"),
        reason=_words(flags, "reason"),
        agatston=_floats(flags, "agatston"),
        risk=_floats(flags, "flag_risk"),
        risk_source=_words(flags, "flag_risk_source"),
        is_on_statin=pc.fill_null(flags["is_on_statin"], False).to_numpy().astype(np.bool_),
        day=_days(swept.landmarks, flags, state >= 0),
        rank=np.array([rank.get(k, np.nan) for k in key]),
        years=years,
        state=state,
        why_none=_why_none(key, state, text, swept),
        reference=np.array([known.get(s, np.nan) for s in series], float),
        sex=_words(flags, "sex"),
        age_years=age,
        race=np.array([person.get(k) or "" for k in key], dtype=object),
        today=np.array([now.get(k, "") for k in key], dtype=object),
        levels=levels,
    )


def _days(landmarks: pa.Table, flags: pa.Table, has_outcome: Bools) -> Floats:
    order = landmarks.sort_by("person_key")
    days: Floats = order["landmark"].cast(pa.int32()).to_numpy().astype(np.float64)
    return np.where(has_outcome | ~np.isnan(_floats(flags, "index_date")), days, np.nan)


def _standing(flags: pa.Table) -> np.ndarray:
    """Say flagged, or why not."""
    flag, reason = _words(flags, "flag"), _words(flags, "reason")
    return np.where(flag == "flagged", "flagged", reason)


def _groups(flags: pa.Table) -> np.ndarray:
    flag, tier, reason = (_words(flags, name) for name in ("flag", "tier", "reason"))
    group = np.full(len(flag), KEPT_OFF)
    for i, name in enumerate(TIERS):
        group[(flag == "flagged") & (tier == name)] = i
    group[(flag == "not_flagged") & (reason == BELOW)] = GROUPS.index(BELOW)
    group[flag == "cannot_say"] = GROUPS.index(CANNOT_SAY)
    return group


def _why_none(key: np.ndarray, state: np.ndarray, text: pa.Table, swept: Swept) -> np.ndarray:
    people = text.column(PERSON).to_pylist()
    prevalent = pc.utf8_trim_whitespace(text.column(PREVALENT)).to_pylist()
    has_row = swept.named.union(people)
    had = {p for p, before in zip(people, prevalent, strict=True) if before == "1"}
    why = []
    for k, s in zip(key.tolist(), state.tolist(), strict=True):
        if s >= 0:
            why.append("")
        elif k in swept.refused:
            why.append(REFUSED)
        elif k in had:
            why.append(DISEASE_BEFORE)
        else:
            why.append(NO_USABLE_ROW if k in has_row else NO_ROW)
    return np.array(why, dtype=object)


def _words(table: pa.Table, name: str) -> np.ndarray:
    return np.array(pc.fill_null(table[name], "").to_pylist(), dtype=object)


def _floats(table: pa.Table, name: str) -> Floats:
    column = table[name]
    if pa.types.is_date32(column.type):
        column = column.cast(pa.int32())
    return np.array(pc.fill_null(column.cast(pa.float64()), np.nan).to_numpy())
