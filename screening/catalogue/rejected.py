"""Images that a rejection note takes back.

Comes in: instances, the notes among them. Goes out: the instances that count, marked.
Refuses: nothing.

Of a series some of whose images are rejected the others stay, and are judged as they are. A series
rejected as a whole stays too, so that it is found and has its reason.
"""

from collections.abc import Collection, Iterable, Mapping
from operator import itemgetter

import pyarrow as pa
import pyarrow.compute as pc

TAKEN_BACK = "taken_back"  # code of the note, empty where the image counts


NOTE_COLUMNS = ("rejection", "rejected_instances")
TOUCHED_COLUMNS = ("series_key", "instance_digest")


def mark_rejected(instances: pa.Table, code_of: Mapping[str, str]) -> pa.Table:
    """Leave rejected images out, and add the column `taken_back`.

    Parameters
    ----------
    instances : pa.Table of the schema `INSTANCES`, of whole series
    code_of : as `rejections` tells

    Returns
    -------
    The same with `taken_back`; not empty but where `instances` is empty
    """
    if not code_of:
        return instances.append_column(TAKEN_BACK, pa.array([""] * len(instances), pa.string()))
    digests, keys = (instances[n].to_pylist() for n in ("instance_digest", "series_key"))
    codes = [code_of.get(digest, "") for digest in digests]
    left = {key for key, code in zip(keys, codes, strict=True) if not code}
    counts = [not code or key not in left for key, code in zip(keys, codes, strict=True)]
    marked = instances.append_column(TAKEN_BACK, pa.array(codes, pa.string()))
    return marked.filter(pa.array(counts, pa.bool_()))


def rejections(parts: Iterable[pa.Table]) -> dict[str, str]:
    """Return the digests that notes name, each with its code; of several the smallest.

    Parameters
    ----------
    parts : tables with the columns `NOTE_COLUMNS`, of all instances: a note names images anywhere
    """
    pairs: list[tuple[str, list[str]]] = []
    for part in parts:
        notes = part.filter(pc.not_equal(pc.fill_null(part["rejection"], ""), ""))
        pairs += zip(*(notes[name].to_pylist() for name in NOTE_COLUMNS), strict=True)
    found: dict[str, str] = {}
    for code, digests in sorted(pairs, key=itemgetter(0), reverse=True):
        found |= dict.fromkeys(digests or (), code)
    return found


def touched(parts: Iterable[pa.Table], rejected: Collection[str]) -> frozenset[str]:
    """Return the keys of the UIDs of which something is rejected.

    Parameters
    ----------
    parts : tables with the columns `TOUCHED_COLUMNS`, of all instances
    rejected : digests that notes name
    """
    names = pa.array(rejected, pa.string())
    found: set[str] = set()
    for part in parts if rejected else ():
        mine = part.filter(pc.is_in(part["instance_digest"], value_set=names))
        found.update(mine["series_key"].unique().to_pylist())
    return frozenset(found)
