"""`screening flagged`: the list the care team works.

Comes in: a lake. Goes out: the list as an Arrow table, with identity only when a reason is
given (the vault writes it into its audit trail). Refuses: nothing.
"""

import pyarrow as pa

from flows.status import last_as_of
from screening.lake import Lake

_IDENTITY = ("issuer", "patient_id")


def flagged_table(lake: Lake, identified_because: str | None) -> pa.Table:
    """Return one row a flagged person, the most urgent first."""
    found = lake.query("out_flagged", last_as_of(lake))
    if identified_because is None:
        return found
    keys = found["person_key"].combine_chunks()
    people = lake.vault.identify(keys, identified_because)
    known = {row["person_key"]: row for row in people.to_pylist()}
    for name in reversed(_IDENTITY):
        values = [(known.get(key) or {}).get(name) for key in keys.to_pylist()]
        found = found.add_column(0, name, pa.array(values, pa.string()))
    return found
