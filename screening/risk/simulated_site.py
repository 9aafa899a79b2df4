"""A hospital of simulated people, as tables: no scan, no patient. For seeing what a list does.

Comes in: how many people, a seed, what is planted. Goes out: a `SimulatedSite`: what a lake would
hold of them, and their simulated outcomes.
Refuses: nothing.

People are those of `reference_people`, their risk is MESA's by their TRUE calcium and risk factors
(McClelland 2015), their fate is drawn from it (`screening.fates`). What the hospital knows of them
is less: the score as measured, and a record with gaps.

Planted, so that a report can be seen to find it:
- ward B: the event comes `ward_factor` times as often as MESA says (A: as often);
- site south: its scanner reads `south_reads` times the true score, the others all of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa

from screening.fates import DEATH, EVENT, draw_fates, more_often
from screening.reasons import State
from screening.risk.mesa import RACES, mesa_risks
from screening.risk.people import Floats, People
from screening.risk.reference_people import Reference, reference_people
from screening.tables import INSTANCES_RAW, LAKE_TABLES

AS_OF = date(2026, 11, 1)
ISSUER = "SIMULATED"
SITES, SITE_SHARES, SOUTH = ("north", "east", "south"), (0.45, 0.3, 0.25), 2
WARD_FACTOR, SOUTH_READS = 2.0, 0.2
_FIRST_SCAN, _SCAN_DAYS = date(2012, 1, 2), 728  # 104 weeks
# The share of people of whom something is so; OUR OWN numbers, for something to be there.
_KNOWN, _FORMAL, _NO_RECORD, _NO_SCORE, _OPTED_OUT, _NO_LIPIDS = 0.04, 0.05, 0.03, 0.03, 0.005, 0.3
_READ_AGAIN = 0.2
# Spread of ln(measured / true): half the MESA rescan limit at 300 units (Chung, AJR 2008).
_SCORE_SPREAD = 0.2
_DAYS_A_YEAR = 365.25
_OBSERVED = ("total_cholesterol_mg_dl", "hdl_cholesterol_mg_dl", "systolic_bp_mmhg", "smoker")
_TREATED = {
    "bp_treated": "antihypertensive",
    "lipid_treated": "statin",
    "diabetes": "diabetes",
    "family_history_mi": "family_history_mi",
}


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedSite:
    """People as arrays, (n,) each; `had` names who knew or has what before the scan.

    true, measured : Agatston units; risk : MESA's, by the true score; day : of the scan
    """

    reference: Reference
    true: Floats
    measured: Floats
    risk: Floats
    day: np.ndarray
    site: np.ndarray
    ward: np.ndarray
    years: Floats
    outcome: np.ndarray
    had: Mapping[str, np.ndarray]

    @property
    def n(self) -> int:
        """How many."""
        return len(self.true)

    def raw_instances(self) -> pa.Table:
        """One file a person, for the vault to give keys for; sorted by path."""
        blank = dict.fromkeys(INSTANCES_RAW.schema.names)
        rows = [
            blank
            | {
                "path": f"{i:08d}", "sop_instance_uid": f"2.25.{i}.1.1", "image_type": [],
                "series_instance_uid": f"2.25.{i}.1", "study_instance_uid": f"2.25.{i}",
                "patient_id": self.number(i), "issuer": ISSUER, "accession": "", "modality": "CT",
            }
            for i in range(self.n)
        ]  # fmt: skip
        return pa.Table.from_pylist(rows, schema=INSTANCES_RAW.schema)

    def number(self, i: int) -> str:
        """Return the patient's number."""
        return f"SIM{i:07d}"

    def lake_tables(self, keys: pa.Table) -> dict[str, pa.Table]:
        """Return what the lake would hold.

        Parameters
        ----------
        keys : `series_key`, `study_key`, `person_key`, a row a person
        """
        names = ("series_key", "study_key", "person_key")
        key = {name: keys[name].to_pylist() for name in names}
        rows = {
            "series": [self._series(i) for i in range(self.n)],
            "dispositions": [self._disposition(i) for i in range(self.n)],
            "person": [r for i in range(self.n) for r in self._person(i)],
            "observation": [r for i in range(self.n) for r in self._observations(i)],
            "event": [r for i in range(self.n) for r in self._events(i)],
            "policy": [
                {"i": i, "scope": "opt_out_research"} for i in np.flatnonzero(self.had["wish"])
            ],
        }
        tables = {}
        for name, found in rows.items():
            schema = LAKE_TABLES[name].schema
            filled = []
            for row in found:
                i = int(str(row.pop("i")))
                mine = {n: key[n][i] for n in names if n in schema.names}
                filled.append(dict.fromkeys(schema.names) | mine | row)
            tables[name] = pa.Table.from_pylist(filled, schema=schema)
        at = datetime(AS_OF.year, AS_OF.month, AS_OF.day, tzinfo=UTC)
        run = {"run_id": "simulated", "started_at": at, "as_of": AS_OF, "seconds": 0.0}
        schema = LAKE_TABLES["runs"].schema
        tables["runs"] = pa.Table.from_pylist([dict.fromkeys(schema.names) | run], schema=schema)
        return tables

    def outcomes(self) -> pa.Table:
        """Return the outcome table as `risk fit` and `risk evaluate` read it, all simulated."""
        inputs = {
            name: np.round(values, 1).astype(str)
            for name, values in self.reference.values.items()
            if name != "male"
        }
        return pa.table(
            {
                "person_id": [self.number(i) for i in range(self.n)],
                "issuer": [ISSUER] * self.n,
                "simulated": ["1"] * self.n,
                "scan_date": self.day.astype(str).tolist(),
                "prevalent": np.where(self.had["known"], "1", "0").tolist(),
                "followup_years": self.years.astype(str).tolist(),
                "outcome": self.outcome.tolist(),
                "site": np.array(SITES)[self.site].tolist(),
                "ward": np.where(self.ward, "B", "A").tolist(),
                "sex": self._sex().tolist(),
                "race": np.array(RACES)[self.reference.race].tolist(),
                **{n: v.tolist() for n, v in inputs.items() if n != "agatston"},
                "agatston": np.round(self.measured, 1).astype(str).tolist(),
            }
        )

    def true_scores(self) -> pa.Table:
        """Return the true scores of some, as `validate` and `risk evaluate` take a reference."""
        rows = np.flatnonzero(self.had["read"])
        return pa.table(
            {
                "issuer": [ISSUER] * len(rows),
                "mrn": [self.number(i) for i in rows.tolist()],
                "study_date": self.day[rows].astype(str).tolist(),
                "agatston": np.round(self.true[rows], 1).tolist(),
            }
        )

    def _sex(self) -> np.ndarray:
        return np.where(self.reference.values["male"] == 1, "M", "F")

    def _value(self, name: str, i: int) -> float:
        return float(self.reference.values[name][i])

    def _series(self, i: int) -> dict[str, object]:
        return {
            "i": i, "modality": "CT", "index_date": self.day[i].item(), "content_digest": "s",
            "age_years": float(np.floor(self._value("age_years", i))), "sex": str(self._sex()[i]),
        }  # fmt: skip

    def _disposition(self, i: int) -> dict[str, object]:
        row: dict[str, object] = {
            "i": i, "content_digest": "s", "choose_version": 1, "scoring_version": 1,
            "model_digest": "simulated", "model_name": "simulated", "reasons": [],
            "committed_at": datetime(2026, 11, 1, tzinfo=UTC),
        }  # fmt: skip
        if self.had["no_score"][i]:
            return row | {"state": State.FAILED.value, "reasons": ["decode_failed"]}
        score = float(self.measured[i])
        return row | {
            "state": State.SCORED.value, "agatston": score, "grade": "B", "quality_flags": [],
            "category": "" if score else "0",
        }  # fmt: skip

    def _person(self, i: int) -> list[dict[str, object]]:
        if self.had["no_record"][i]:
            return []
        died = self._on(i, self.years[i]) if self.outcome[i] == DEATH else None
        return [
            {"i": i, "sex": str(self._sex()[i]), "race": RACES[self.reference.race[i]],
             "death_date": died, "is_deceased": died is not None}
        ]  # fmt: skip

    def _on(self, i: int, years: float) -> date:
        on: date = (self.day[i] + int(np.ceil(years * _DAYS_A_YEAR))).item()
        return on

    def _observations(self, i: int) -> list[dict[str, object]]:
        if self.had["no_record"][i]:
            return []
        return [
            {"i": i, "concept": name, "value": self._value(name, i),
             "effective_on": self._on(i, -0.2)}
            for name in _OBSERVED
            if "cholesterol" not in name or not self.had["no_lipids"][i]
        ]  # fmt: skip

    def _events(self, i: int) -> list[dict[str, object]]:
        """Treatment and disease before the scan, and what came after it, each on its day."""
        if self.had["no_record"][i]:
            return []
        found = [
            (concept, "x", -1.0) for name, concept in _TREATED.items() if self._value(name, i) == 1
        ]
        if self.had["known"][i]:
            found.append(("myocardial_infarction", "I21", -2.0))
        if self.had["formal"][i]:
            found.append(("formal_calcium_score", "75571", -1.5))
        if self.outcome[i] == EVENT:
            found.append(("myocardial_infarction", "I21", float(self.years[i])))
        return [
            {"i": i, "concept": concept, "code": code, "started_on": self._on(i, years)}
            for concept, code, years in found
        ]


def simulate_site(
    n: int, seed: int, ward_factor: float = WARD_FACTOR, south_reads: float = SOUTH_READS
) -> SimulatedSite:
    """Simulate `n` people with one scan each; the same seed gives the same people."""
    reference = reference_people(n, seed)
    values = reference.values
    rng = np.random.default_rng([seed, 9])
    true = values["agatston"]
    site = rng.choice(len(SITES), n, p=SITE_SHARES)
    ward = rng.random(n) < 0.5
    gain = np.where(site == SOUTH, south_reads, 1.0)
    measured = true * gain * np.exp(_SCORE_SPREAD * rng.standard_normal(n))
    day = np.datetime64(_FIRST_SCAN) + rng.integers(0, _SCAN_DAYS, n)
    risk = mesa_risks(_people(reference))["mesa_chd_10y_cac"]
    lived = more_often(risk, np.where(ward, ward_factor, 1.0))
    at_most = (np.datetime64(AS_OF) - day).astype(np.float64) / _DAYS_A_YEAR
    years, outcome = draw_fates(lived, values["age_years"], rng, at_most)
    had = {
        name: rng.random(n) < share
        for name, share in (
            ("known", _KNOWN), ("formal", _FORMAL), ("no_record", _NO_RECORD),
            ("no_score", _NO_SCORE), ("wish", _OPTED_OUT), ("no_lipids", _NO_LIPIDS),
            ("read", _READ_AGAIN),
        )
    }  # fmt: skip
    return SimulatedSite(reference, true, measured, risk, day, site, ward, years, outcome, had)


def _people(reference: Reference) -> People:
    values = {name: v for name, v in reference.values.items() if name != "male"}
    male = reference.values["male"] == 1
    race = {name: reference.race == i for i, name in enumerate(RACES)}
    race["other"] = np.zeros(len(male), dtype=np.bool_)
    return People(is_female=~male, is_male=male, race=race, **values)
