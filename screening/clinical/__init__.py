"""A site's clinical tables, units and codes resolved, under the vault's keys.

Comes in: a folder with the canonical tables as CSV or Parquet, and a function that turns
(issuer, mrn) into person keys.
Goes out: `ClinicalTables`: PERSON, OBSERVATION, EVENT, POLICY and the counts of what was not taken.
Refuses: a folder without a person table, a table without its columns, an observation table with
no known unit at all (ScreeningError, one line). A single bad row is counted, never fatal.
"""

from screening.clinical.files import missing_tables
from screening.clinical.read import ClinicalTables, read_clinical

__all__ = ["ClinicalTables", "missing_tables", "read_clinical"]
