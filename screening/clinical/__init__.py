"""A site's clinical tables, units and codes resolved, under the vault's keys.

Comes in: a folder with the canonical tables as CSV or Parquet, and a function that turns
(issuer, mrn) into person keys; or one CSV of people, for the risk equations alone.
Goes out: `ClinicalTables`: PERSON, OBSERVATION, EVENT, POLICY and the counts of what was not taken;
or PEOPLE, piece by piece.
Refuses: a folder without a person table, a table without its columns, an observation table with
no known unit at all (ScreeningError, one line). A single bad row is counted, never fatal.
"""

from screening.clinical.files import missing_tables
from screening.clinical.people_file import Census, PeopleFile, open_people, take_census
from screening.clinical.people_rows import read_people
from screening.clinical.read import ClinicalTables, read_clinical

__all__ = [
    "Census",
    "ClinicalTables",
    "PeopleFile",
    "missing_tables",
    "open_people",
    "read_clinical",
    "read_people",
    "take_census",
]
