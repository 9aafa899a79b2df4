"""All clinical tables of a folder.

Comes in: the folder and the vault's resolve function. Goes out: `ClinicalTables`.
Refuses: what `files` and `facts` refuse as a whole (ScreeningError); rows are counted.
"""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from screening.clinical.codes import Codes, load_codes
from screening.clinical.facts import (
    Taken,
    read_events,
    read_observations,
    read_policies,
    read_reports,
)
from screening.clinical.files import read_table
from screening.clinical.people import Link, Resolve, read_people
from screening.clinical.sieve import without_copies
from screening.errors import ScreeningError
from screening.tables import CLINICAL_REJECTIONS, EVENT


@dataclass(frozen=True, slots=True, eq=False)
class ClinicalTables:
    """The clinical record of the people who have a scan (schemas in `screening.tables`).

    birth_dates holds person_key and birth_date: identity, for the vault only.
    """

    person: pa.Table
    observation: pa.Table
    event: pa.Table
    policy: pa.Table
    rejections: pa.Table
    birth_dates: pa.Table


def read_clinical(folder: Path, resolve: Resolve) -> ClinicalTables:
    """Read the site's clinical tables.

    Parameters
    ----------
    folder : holds person.csv or person.parquet and, as far as the site has them, observation,
        condition, medication, procedure, report_text and person_policy
    resolve : from a table of issuer and mrn to person keys, null for nobody with a scan

    Returns
    -------
    ClinicalTables; nothing in it but `birth_dates` says who anyone is

    Raises
    ------
    ScreeningError
        The folder or the person table is missing, a table lacks columns or cannot be read, or
        no observation has a known unit.
    """
    if not folder.is_dir():
        raise ScreeningError(
            "clinical tables: the folder is not there; give the folder that holds "
            "person.csv or person.parquet"
        )
    codes = load_codes()
    people = read_people(read_table(folder, "person"), resolve, codes)
    link = people.link
    observations = read_observations(read_table(folder, "observation"), link, codes)
    events = _all_events(folder, link, codes)
    policies = read_policies(read_table(folder, "person_policy"), link, codes)
    return ClinicalTables(
        person=people.person,
        observation=observations.rows,
        # A condition and a procedure may share code and concept: once is enough.
        event=without_copies(pa.concat_tables([e.rows for e in events]), EVENT.key),
        policy=policies.rows,
        rejections=CLINICAL_REJECTIONS.check(
            pa.concat_tables(
                [people.rejections, observations.rejections]
                + [e.rejections for e in events]
                + [policies.rejections]
            )
        ),
        birth_dates=people.birth_dates,
    )


def _all_events(folder: Path, link: Link, codes: Codes) -> tuple[Taken, ...]:
    dated = (
        ("condition", "onset_at", None),
        ("medication", "start_at", "stop_at"),
        ("procedure", "performed_at", None),
    )
    return (
        *(
            read_events(n, read_table(folder, n), start, stop, link, codes)
            for n, start, stop in dated
        ),
        read_reports(read_table(folder, "report_text"), link),
    )
