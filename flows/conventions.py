"""`screening conventions`: every scored scan by every named convention, for research.

Comes in: a lake. Goes out: a table under research keys (`CONVENTION_SCORES`), and how many scans
it could not tell of.
Refuses: a lake that no sweep has brought to its end.

Made from what the lake keeps of each scan: no DICOM is read and no model asked.
"""

import pyarrow as pa

from flows import show
from flows.status import last_as_of, require_a_finished_sweep
from screening import inference, scoring
from screening.errors import ScreeningError
from screening.lake import Lake
from screening.lower_bound import is_lower_bound, may_be_more
from screening.seen import Seen
from screening.tables import CONVENTION_SCORES

Row = dict[str, object]
_OF_THE_SCAN = (
    *("research_key", "scan", "is_index_scan", "shifted_index_month", "grade"),
    "model_digest_12",
)


def convention_scores(lake: Lake) -> tuple[pa.Table, int]:
    """Return a row a scan and convention; and the number of scans of which nothing was kept.

    The people are those of the research file: `core_research_person` says who.

    Raises
    ------
    ScreeningError
        No sweep of this lake has finished yet.
    """
    require_a_finished_sweep(lake)
    rows: list[Row] = []
    n_missing = 0
    for scan in lake.query("core_research_scan", last_as_of(lake)).to_pylist():
        seen = _seen(lake, scan)
        if seen is None:
            n_missing += 1
            continue
        of_the_scan = {name: scan[name] for name in _OF_THE_SCAN}
        of_the_scan["scoring_version"] = scoring.SCORING_VERSION
        flags = show.texts(scan["quality_flags"])
        rows += [
            {
                **of_the_scan,
                **s.coarse(),
                "is_lower_bound": is_lower_bound(s.agatston, flags),
                "may_be_more": may_be_more(flags),
            }
            for s in scoring.by_conventions(seen)
        ]
    return pa.Table.from_pylist(rows, schema=CONVENTION_SCORES.schema), n_missing


def _seen(lake: Lake, scan: Row) -> Seen | None:
    """Return what was kept with the score that stands; None without."""
    try:
        packed = lake.read_seen(str(scan["series_key"]), str(scan["model_digest"]))
        seen = inference.unpack(packed) if packed is not None else None
    except ScreeningError:
        return None
    is_of_it = seen is not None and (seen.model_digest, seen.image_digest) == (
        scan["model_digest"],
        scan["image_digest"],
    )
    return seen if is_of_it else None
