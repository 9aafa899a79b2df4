"""A swept synthetic hospital against its truth.

Comes in: a lake and the truth table of the hospital it was swept from.
Goes out: every difference, with its cause. Refuses: nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from screening.lake import Lake
from screening.reasons import State

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where the sweep and the truth disagree."""

    kind: str  # series or person
    key: str
    role: str
    expected: str
    found: str
    cause: str
    is_borderline: bool


def _words(*parts: object) -> str:
    return " ".join(str(p) for p in parts if p)


def _series_cause(row: Row, found: Row) -> str:
    if found["state"] == State.PENDING:
        return "the sweep did not come to it"
    reasons = ", ".join(found["reasons"] or []) or "scored"  # type: ignore[arg-type]
    return f"rules or image checks: {reasons}"


def _series_differences(truth: list[Row], found: Mapping[str, Row]) -> list[Difference]:
    differences = []
    for row in truth:
        key = str(row["key"])
        seen = found.get(key)
        if seen is None:
            differences.append(
                Difference("series", key, str(row["role"]), _words(row["expected_state"]),
                           "not found", "the crawl did not see it", is_borderline=False)
            )  # fmt: skip
            continue
        reasons = list(seen["reasons"] or [])  # type: ignore[call-overload]
        first = reasons[0] if reasons else ""
        if seen["state"] == row["expected_state"] == State.SCORED:
            continue  # what the truth adds to a score is a caveat, not a reason
        if (seen["state"], first) == (row["expected_state"], row["expected_reason"] or ""):
            continue
        differences.append(
            Difference(
                "series",
                key,
                str(row["role"]),
                _words(row["expected_state"], row["expected_reason"]),
                _words(seen["state"], *reasons),
                _series_cause(row, seen),
                is_borderline=False,
            )
        )
    return differences


def _without_swaps(found: list[Difference]) -> list[Difference]:
    """Drop pairs that only trade places: of two identical series either may be the copy."""
    by_role: dict[str, list[Difference]] = {}
    for difference in found:
        by_role.setdefault(difference.role, []).append(difference)
    kept = []
    for group in by_role.values():
        if sorted(d.expected for d in group) != sorted(d.found for d in group):
            kept += group
    return kept


def _person_cause(row: Row, found: Row) -> str:
    measured, true = found.get("agatston"), row["true_agatston"]
    if row["is_borderline"]:
        return f"true score {true} lies within 25 % of a threshold; measured {measured}"
    if isinstance(measured, float) and isinstance(true, float):
        return f"the model measured {measured:.0f} where {true:.0f} is true"
    return "rules or clinical record"


def _person_differences(truth: list[Row], found: Mapping[str, Row]) -> list[Difference]:
    differences = []
    for row in truth:
        key = str(row["key"])
        seen = found.get(key, {"flag": "not found"})
        reasons = list(seen.get("reasons") or [])  # type: ignore[call-overload]
        got = (
            seen["flag"],
            seen.get("tier") or "",
            "" if seen.get("tier") else (reasons or [""])[0],
        )
        tier = str(row["expected_tier"] or "")
        wanted = (row["expected_flag"], tier, "" if tier else row["expected_reason"] or "")
        if got == wanted:
            continue
        differences.append(
            Difference(
                "person",
                key,
                str(row["role"]),
                _words(*wanted),
                _words(*got),
                _person_cause(row, seen),
                is_borderline=bool(row["is_borderline"]),
            )
        )
    return differences


def _keyed(rows: list[Row], keys: pa.Array) -> list[Row]:
    return [{**row, "key": key} for row, key in zip(rows, keys.to_pylist(), strict=True)]


def differences(lake: Lake, truth: pa.Table, as_of: date) -> list[Difference]:
    """Return every series and person whose outcome is not the expected one."""
    rows = truth.to_pylist()
    series = [r for r in rows if r["kind"] == "series"]
    people = [r for r in rows if r["kind"] == "person"]
    uids = pa.array([r["series_instance_uid"] for r in series], pa.string())
    who = pa.table(
        {
            "issuer": pa.array([r["issuer"] for r in people], pa.string()),
            "mrn": pa.array([r["patient_id"] for r in people], pa.string()),
        }
    )
    current = {r["series_key"]: r for r in lake.query("core_disposition", as_of).to_pylist()}
    flags = {r["person_key"]: r for r in lake.query("core_person_flag", as_of).to_pylist()}
    return [
        *_without_swaps(_series_differences(_keyed(series, lake.vault.series_keys(uids)), current)),
        *_person_differences(_keyed(people, lake.vault.person_keys(who)), flags),
    ]
