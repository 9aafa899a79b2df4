"""Keys and date shifts of the research file.

Comes in: the people of the lake, their wishes, a key derived from the lake's data key.
Goes out: one row a person who may be in the research file: other key, constant shift.
Refuses: people who opted out; they have no row, so that a join leaves them out.
"""

from datetime import date

import pyarrow as pa

from screening.lake.crypto import RANDOM_KEY_BYTES, as_text, lookup_digest

MAXIMUM_SHIFT_DAYS = 365
OPT_OUTS = frozenset(("opt_out_all", "opt_out_research"))
RESEARCH_SHIFT = pa.schema(
    [("person_key", pa.string()), ("research_key", pa.string()), ("shift_days", pa.int32())]
)


def research_shift(key: bytes, people: pa.Table, policy: pa.Table, on: date) -> pa.Table:
    """Give every person their research key, and the days to add to each of their dates.

    Parameters
    ----------
    people
        Column `person_key`; may repeat.
    policy
        POLICY: an opt-out counts from its date on, and at once where it has none.
    on
        The day the wishes are looked at.

    Returns
    -------
    `person_key`, `research_key`, `shift_days` from -365 to -1: back in time, so that no
    shifted date lies in the future.
    """
    out = {
        row["person_key"]
        for row in policy.to_pylist()
        if row["scope"] in OPT_OUTS and (row["valid_from"] is None or row["valid_from"] <= on)
    }
    rows = [
        {
            "person_key": person,
            "research_key": f"r_{as_text(_digest(key, 'key', person)[:RANDOM_KEY_BYTES])}",
            "shift_days": -1 - int.from_bytes(_digest(key, "shift", person)) % MAXIMUM_SHIFT_DAYS,
        }
        for person in sorted(set(people["person_key"].to_pylist()) - {None} - out)
    ]
    return pa.Table.from_pylist(rows, schema=RESEARCH_SHIFT)


def _digest(key: bytes, purpose: str, person: str) -> bytes:
    return lookup_digest(key, purpose, person)
