"""Stages four and five: clinical tables in, estimates and flags out.

Comes in: a folder of clinical tables, the scored lake. Goes out: the lake's clinical tables,
ages, risk estimates and progression, each replaced as a whole.
Refuses: what the clinical room refuses.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from screening import clinical, risk, scoring
from screening.config import ClinicalSettings, RiskSettings, Settings
from screening.errors import ScreeningError
from screening.lake import Lake, PeopleTold
from screening.tables import PROGRESSION, RISK, SETTING


def check_clinical(folder: Path | None, settings: ClinicalSettings) -> None:
    """Refuse clinical tables that cannot be used, before the night's work begins."""
    if folder is None:
        return
    if not folder.is_dir():
        raise ScreeningError(f"no folder of clinical tables at {folder}; check --clinical")
    clinical.read_clinical(folder, lambda who: pa.nulls(who.num_rows, pa.string()), settings)


def check_risk_model(settings: RiskSettings) -> None:
    """Refuse a risk model that cannot be used, before the night's work begins."""
    risk.use_for_flag(settings)


def take_clinical(
    lake: Lake,
    folder: Path | None,
    settings: Settings,
    as_of: date,
    told: PeopleTold,
) -> dict[str, int]:
    """Read the clinical tables, if there are any tonight; without a folder the last stay.

    told : what tonight's headers tell of people

    Returns
    -------
    How many rows each table had that was there, by its column of RUNS
    """
    lake.replace("setting", _setting(settings.numbers()))
    if folder is None:
        return {}
    scans = lake.read("series")
    births = lake.vault.header_births(told.birth_key_of)
    headers = clinical.headers_of(told.sex_of, scans, births)
    read = clinical.without_impossible_births(
        clinical.read_clinical(folder, lake.vault.person_keys, settings.clinical, headers),
        scans,
        as_of,
        lake.vault.witnessed_births(scans, told.birth_key_of),
    )
    lake.vault.store_birth_dates(read.birth_dates)
    lake.replace("person", read.person)
    lake.replace("ambiguous", read.ambiguous)
    lake.replace("observation", read.observation)
    lake.replace("event", read.event)
    lake.replace("policy", read.policy)
    lake.replace("clinical_rejections", read.rejections)
    return {f"rows_{given.table}": given.n_rows for given in read.given}


def _setting(numbers: Mapping[str, float]) -> pa.Table:
    rows = [{"name": name, "value": value} for name, value in sorted(numbers.items())]
    return pa.Table.from_pylist(rows, SETTING.schema)


def opted_out(lake: Lake, as_of: date) -> frozenset[str]:
    """Return the people who want nothing done with their data."""
    policy = lake.read("policy")
    # An opt-out whose date cannot be read is honoured.
    on = pa.scalar(lake.wishes_on(as_of))
    has_begun = pc.fill_null(pc.less_equal(policy["valid_from"], on), True)
    mine = policy.filter(pc.and_(pc.equal(policy["scope"], "opt_out_all"), has_begun))
    return frozenset(mine["person_key"].to_pylist())


def estimate(
    lake: Lake, as_of: date, settings: RiskSettings, birth_key_of: Mapping[str, str]
) -> None:
    """Bring ages, risk estimates and progression up to date.

    birth_key_of : of people, the birth date of tonight's headers
    """
    names = ["series_key", "person_key", "index_date", "age_years", "header_doubts"]
    lake.replace("ages", lake.vault.ages(lake.read("series").select(names), birth_key_of))
    inputs = lake.query("core_risk_input", as_of)
    lake.replace("risk", RISK.check(risk.estimate(inputs, settings)))
    compare_scans(lake, as_of)


def compare_scans(lake: Lake, as_of: date) -> None:
    """Say of each two consecutive scored scans of a person how the calcium grew, or why not."""
    pairs = lake.query("core_scan_pair", as_of)
    lake.replace("progression", PROGRESSION.check(scoring.compare_pairs(pairs)))
