"""Images that a rejection note takes back.

Comes in: all instances, the notes among them. Goes out: the instances that count, marked.
Refuses: nothing.

Of a series some of whose images are rejected the others stay, and are judged as they are. A series
rejected as a whole stays too, so that it is found and has its reason.
"""

import pyarrow as pa
import pyarrow.compute as pc

TAKEN_BACK = "taken_back"  # code of the note, empty where the image counts


def mark_rejected(instances: pa.Table) -> pa.Table:
    """Leave rejected images out, and add the column `taken_back`.

    Parameters
    ----------
    instances : pa.Table of the schema `INSTANCES`

    Returns
    -------
    The same with `taken_back`; not empty but where `instances` is empty
    """
    code_of = _rejected(instances)
    if not code_of:
        return instances.append_column(TAKEN_BACK, pa.array([""] * len(instances), pa.string()))
    digests, keys = (instances[n].to_pylist() for n in ("instance_digest", "series_key"))
    codes = [code_of.get(digest, "") for digest in digests]
    left = {key for key, code in zip(keys, codes, strict=True) if not code}
    counts = [not code or key not in left for key, code in zip(keys, codes, strict=True)]
    marked = instances.append_column(TAKEN_BACK, pa.array(codes, pa.string()))
    return marked.filter(pa.array(counts, pa.bool_()))


def _rejected(instances: pa.Table) -> dict[str, str]:
    """Return the digests that notes name, each with its code; of several the smallest."""
    notes = instances.filter(pc.not_equal(pc.fill_null(instances["rejection"], ""), ""))
    pairs = zip(
        notes["rejection"].to_pylist(), notes["rejected_instances"].to_pylist(), strict=True
    )
    found: dict[str, str] = {}
    for code, digests in sorted(pairs, reverse=True):
        found |= dict.fromkeys(digests or (), code)
    return found
