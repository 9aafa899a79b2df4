"""The lake: where results stay.

Comes in: instances as read, dispositions, clinical tables, pictures and what inference
saw; a site's secret.
Goes out: committed Delta tables, keys instead of identity, the answers of `sql/`, two DuckDB files,
the dictionary of their columns (`describe_relations`).
Refuses: a lake of another version or without its secret, a second driver, a key twice,
identity anywhere but in the vault and the sealed index.
"""

from screening.lake.lake import Lake
from screening.lake.lease import Lease
from screening.lake.matching import AsBefore, Matched, as_before, compare, known_files
from screening.lake.parts import Fresh, Index
from screening.lake.publish import describe_relations
from screening.lake.told import TOLD_BY, PeopleTold, people_told
from screening.lake.vault import Vault

__all__ = [
    "TOLD_BY",
    "AsBefore",
    "Fresh",
    "Index",
    "Lake",
    "Lease",
    "Matched",
    "PeopleTold",
    "Vault",
    "as_before",
    "compare",
    "describe_relations",
    "known_files",
    "people_told",
]
