"""A list of a few people, and tables of simulated people swept, without a lake."""

from datetime import date

import numpy as np
import pyarrow as pa

from screening.risk import ListAsked, Swept, judge_list, landmarks_of, outcomes_of
from screening.tables import LAKE_TABLES, PEOPLE

AS_OF = date(2026, 11, 1)
FLAG_SCHEMA = pa.schema(
    [
        ("person_key", pa.string()), ("flag", pa.string()), ("tier", pa.string()),
        ("tier_but_for", pa.string()), ("reason", pa.string()), ("series_key", pa.string()),
        ("index_date", pa.date32()), ("age_years", pa.float64()), ("sex", pa.string()),
        ("agatston", pa.float64()), ("is_on_statin", pa.bool_()), ("policy", pa.string()),
        ("flag_risk", pa.float64()), ("flag_risk_source", pa.string()),
    ]
)  # fmt: skip
TIER_ORDER = ("cac_1000", "cac_300", "cac_100", "percentile_75", "risk_high")


def person(key, standing, outcome="", years=0.0, *, on=date(2020, 1, 1), score=0.0, risk=None,
           sex="M", age=60.0, reference=None, prevalent="0", **words):  # fmt: skip
    """`standing`: a tier, below_threshold, or a reason; the latter with `cannot_say:` before it."""
    return {
        "key": key, "standing": standing, "outcome": outcome, "years": years, "on": on,
        "score": score, "risk": risk, "sex": sex, "age": age, "reference": reference,
        "prevalent": prevalent, **words,
    }  # fmt: skip


def flag_row(p):
    standing = p["standing"]
    is_unsure = standing.startswith("cannot_say:")
    is_flagged = standing in TIER_ORDER
    reason = standing.removeprefix("cannot_say:")
    has_score = reason != "no_score" and (not is_unsure or p["score"] > 0)
    return {
        "person_key": p["key"],
        "flag": "flagged" if is_flagged else "cannot_say" if is_unsure else "not_flagged",
        "tier": standing if is_flagged else "",
        "tier_but_for": standing if is_flagged else p.get("but_for", ""),
        "reason": reason,
        "series_key": f"s-{p['key']}" if has_score else None,
        "index_date": p["on"] if has_score else None,
        "age_years": p["age"] if has_score else None,
        "sex": p["sex"],
        "agatston": p["score"] if has_score else None,
        "is_on_statin": p.get("statin"),
        "policy": "aha_acc_2018",
        "flag_risk": p["risk"],
        "flag_risk_source": "model_risk" if p["risk"] is not None else "",
    }


def tables_of(people, words=(), reference_left_out=None):
    """`Swept`, outcomes and the outcome table's text, of `person`s."""
    flags = pa.Table.from_pylist([flag_row(p) for p in people], schema=FLAG_SCHEMA)
    rows = [p for p in people if p["outcome"]]
    text = pa.table(
        {
            "person_id": pa.array([p["key"] for p in rows], pa.string()),
            "scan_date": pa.array([str(p["on"]) for p in rows], pa.string()),
            "prevalent": pa.array([p["prevalent"] for p in rows], pa.string()),
            "followup_years": pa.array([str(p["years"]) for p in rows], pa.string()),
            "outcome": pa.array([p["outcome"] for p in rows], pa.string()),
            **{w: pa.array([p.get(w, "") for p in rows], pa.string()) for w in words},
        }
    )
    blank = dict.fromkeys(PEOPLE.schema.names)
    typed = pa.Table.from_pylist(
        [blank | {"row": i, "age_years": p["age"], "refused": []} for i, p in enumerate(rows)],
        schema=PEOPLE.schema,
    )
    outcomes = outcomes_of(text, typed, date(2060, 1, 1), of_any_age=True)
    on_list = [p for p in people if p["standing"] in TIER_ORDER]
    on_list.sort(key=lambda p: (TIER_ORDER.index(p["standing"]), -p["score"], p["key"]))
    known = [p for p in people if p["reference"] is not None]
    swept = Swept(
        landmarks=landmarks_of(outcomes, text, flags, AS_OF),
        flags=flags,
        in_order=[p["key"] for p in on_list],
        today=flags,
        person=LAKE_TABLES["person"].empty(),
        reference=pa.table(
            {
                "series_key": pa.array([f"s-{p['key']}" for p in known], pa.string()),
                "agatston": pa.array([p["reference"] for p in known], pa.float64()),
            }
        ),
        reference_left_out=reference_left_out or {},
        refused=frozenset(p["key"] for p in people if p.get("wish")),
        named=frozenset(),
    )
    return swept, outcomes, text


def asked(years=10.0, per_week=50, groups=()):
    return ListAsked(years, per_week, "the event", groups, "2026-11-01", "digest", "1")


def judge(people, years=10.0, per_week=50, groups=(), left_out=None):
    swept, outcomes, text = tables_of(people, groups)
    return judge_list(swept, outcomes, text, left_out or {}, asked(years, per_week, groups))


def many(n, seed, *, first=date(2018, 1, 1)):
    """People whose standing, outcome and scan are drawn; risk rises down the list's order."""
    rng = np.random.default_rng(seed)
    standings = (*TIER_ORDER, "below_threshold", "cannot_say:no_score", "formally_scored")
    found = []
    for i in range(n):
        standing = str(rng.choice(standings, p=(0.05, 0.1, 0.1, 0.1, 0.1, 0.4, 0.1, 0.05)))
        place = standings.index(standing)
        chance = (0.5, 0.4, 0.3, 0.2, 0.2, 0.1, 0.2, 0.3)[place]
        outcome = str(rng.choice(["event", "death", "none"], p=(chance, 0.1, 0.9 - chance)))
        day = date.fromordinal(first.toordinal() + int(rng.integers(0, 200)))
        found.append(
            person(
                f"p{i:04d}", standing, outcome if rng.random() < 0.9 else "",
                round(float(rng.uniform(0.01, 14)), 3), on=day, sex=str(rng.choice(["F", "M"])),
                score=float(rng.integers(0, 2000)), risk=float(rng.uniform(0.01, 0.5)),
                age=float(rng.integers(30, 95)), ward=str(rng.choice(["A", "B"])),
            )
        )  # fmt: skip
    return found
