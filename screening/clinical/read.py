"""All clinical records of a folder.

Comes in: the folder, the settings and the vault's resolve function. Goes out: `ClinicalTables`.
Refuses: what the doors refuse as a whole (ScreeningError); rows are counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from screening.clinical.codes import Codes, load_codes
from screening.clinical.delivery import Delivery, Kind, kind_of, read_delivery
from screening.clinical.facts import (
    observed_scores,
    read_events,
    read_observations,
    read_policies,
)
from screening.clinical.files import missing_tables
from screening.clinical.headers import Headers
from screening.clinical.link import Link
from screening.clinical.people import Resolve, read_people
from screening.clinical.reports import read_reports, read_score_list
from screening.clinical.sieve import Taken, without_copied_facts, without_copies
from screening.config import ClinicalSettings
from screening.errors import ScreeningError
from screening.tables import CLINICAL_REJECTIONS, OBSERVATION


@dataclass(frozen=True, slots=True)
class Given:
    """How many rows one table had as it was handed over, whoever they speak of."""

    table: str
    n_rows: int


@dataclass(frozen=True, slots=True, eq=False)
class ClinicalTables:
    """The clinical record of the people who have a scan (schemas in `screening.tables`).

    birth_dates holds person_key and birth_date: identity, for the vault only. given names the
    tables that were there.
    """

    person: pa.Table
    observation: pa.Table
    event: pa.Table
    policy: pa.Table
    rejections: pa.Table
    birth_dates: pa.Table
    ambiguous: pa.Table
    given: tuple[Given, ...] = ()


def read_clinical(
    folder: Path,
    resolve: Resolve,
    settings: ClinicalSettings | None = None,
    headers: Headers | None = None,
) -> ClinicalTables:
    """Read a site's clinical records.

    Parameters
    ----------
    folder : holds the canonical tables (person.csv or .parquet and, as far as the site has them,
        observation, condition, medication, procedure, report_text, formal_score and
        person_policy), or FHIR bulk files, or OMOP tables
    resolve : from a table of issuer and mrn to person keys, null for nobody with a scan
    settings : table `[clinical]` of the site's settings
    headers : what the headers of people's scans tell; a record of another person is none

    Returns
    -------
    ClinicalTables; nothing in it but `birth_dates` says who anyone is

    Raises
    ------
    ScreeningError
        The folder or the person table is missing, a table lacks columns or cannot be read, or
        no observation has a known unit.
    """
    settings = settings or ClinicalSettings()
    codes = load_codes(Path(settings.codes) if settings.codes else None)
    _check_concepts(settings, codes)
    delivery = read_delivery(folder, settings, codes)
    tables = delivery.tables
    people = read_people(
        tables["person"],
        resolve,
        codes,
        headers or Headers(),
        facts_name_issuer=_name_issuer(delivery),
    )
    link = people.link
    observations = read_observations(tables["observation"], link, codes, settings.decimal)
    reports, reported = read_reports(tables["report_text"], link)
    listed, scored = read_score_list(tables["formal_score"], link, settings.decimal)
    events = (*_events(tables, link, codes), reports, listed)
    policies = read_policies(tables["person_policy"], link, codes, resolve)
    measured = pa.concat_tables([observations.rows, reported, scored])
    taken = (observations, *events, policies)
    # A condition and a procedure may share code and concept: once is enough.
    observed = observed_scores(tables["observation"], link, codes, settings.decimal)
    all_events = [*(e.rows for e in events), observed]
    return ClinicalTables(
        person=people.person,
        observation=without_copies(measured, OBSERVATION.key),
        event=without_copied_facts(pa.concat_tables(all_events)),
        policy=policies.rows,
        rejections=_summed(
            [*delivery.rejections, people.rejections, *(t.rejections for t in taken)]
        ),
        birth_dates=people.birth_dates,
        ambiguous=people.ambiguous,
        given=tuple(Given(name, n) for name, n in delivery.n_rows.items()),
    )


def _check_concepts(settings: ClinicalSettings, codes: Codes) -> None:
    """Refuse a window for what no code is of: it would hold for nothing."""
    known = sorted({measurement.concept for measurement in codes.measurements.values()})
    for concept in settings.value_years_of:
        if concept not in known:
            raise ScreeningError(
                f"[clinical.value_years_of] names {concept}, which no code is of; "
                f"known: {', '.join(known)}"
            )


def not_there(folder: Path) -> tuple[str, ...]:
    """Return the names of the canonical tables that a folder of them does not hold."""
    return missing_tables(folder) if kind_of(folder) is Kind.TABLES else ()


def _name_issuer(delivery: Delivery) -> bool:
    """Whether every row that speaks of a person says which of two with one number it means."""
    if delivery.kind is not Kind.TABLES:
        return True
    facts = [t for n, t in delivery.tables.items() if n not in ("person", "person_policy")]
    return all(not pc.any(pc.equal(t.column("issuer"), "")).as_py() for t in facts if t.num_rows)


def _events(tables: Mapping[str, pa.Table], link: Link, codes: Codes) -> tuple[Taken, ...]:
    dated = (
        ("condition", "onset_at", None),
        ("medication", "start_at", "stop_at"),
        ("procedure", "performed_at", "ended_at"),
    )
    return tuple(
        read_events(name, tables[name], start, stop, link, codes) for name, start, stop in dated
    )


def _summed(counts: list[pa.Table]) -> pa.Table:
    """Put the counts of doors and readers together, one row a source, reason and detail."""
    by = list(CLINICAL_REJECTIONS.key)
    summed = pa.concat_tables(counts).group_by(by, use_threads=False).aggregate([("n", "sum")])
    return CLINICAL_REJECTIONS.check(
        summed.rename_columns([*by, "n"]).sort_by([(name, "ascending") for name in by])
    )
