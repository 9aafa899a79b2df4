"""A site's clinical tables, units and codes resolved, under the vault's keys.

Comes in: a folder with the canonical tables as CSV or Parquet, with FHIR R4 bulk files or with
OMOP CDM tables, and a function that turns (issuer, mrn) into person keys; or one CSV of people,
for the risk equations alone.
Goes out: `ClinicalTables`: PERSON, OBSERVATION, EVENT, POLICY and the counts of what was not taken;
or PEOPLE, piece by piece.
Refuses: a folder without a person table, a table without its columns, an observation table with
no known unit at all (ScreeningError, one line). A single bad row is counted, never fatal.
"""

from screening.clinical.births import without_impossible_births
from screening.clinical.headers import Headers, headers_of
from screening.clinical.people_file import Census, PeopleFile, open_people, take_census
from screening.clinical.people_rows import read_people
from screening.clinical.read import ClinicalTables, not_there, read_clinical
from screening.clinical.report_scores import HIGHEST_AGATSTON

__all__ = [
    "HIGHEST_AGATSTON",
    "Census",
    "ClinicalTables",
    "Headers",
    "PeopleFile",
    "headers_of",
    "not_there",
    "open_people",
    "read_clinical",
    "read_people",
    "take_census",
    "without_impossible_births",
]
