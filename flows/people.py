"""`screening flagged`: the list the care team works.

Comes in: a lake. Goes out: the list as an Arrow table, with identity only when a reason is
given (the vault writes it into its audit trail). Refuses: nothing.
"""

import pyarrow as pa

from flows.status import last_as_of, require_a_finished_sweep
from screening.errors import ScreeningError
from screening.lake import Lake

_IDENTITY = ("issuer", "patient_id")


def flagged_table(lake: Lake, identified_because: str | None) -> pa.Table:
    """Return one row a flagged person, the most urgent first."""
    require_a_finished_sweep(lake)
    found = lake.query("out_flagged", last_as_of(lake))
    if identified_because is None:
        return found
    keys = found["person_key"].to_pylist()
    people = lake.vault.identify(keys, identified_because)
    known = {row["person_key"]: row for row in people.to_pylist()}
    if len(known) < len(keys):
        raise ScreeningError(
            f"the vault names only {len(known)} of {len(keys)} people; is it another lake's?"
        )
    for name in reversed(_IDENTITY):
        values = [known[key][name] for key in keys]
        found = found.add_column(0, name, pa.array(values, pa.string()))
    return found
