"""The columns of what `screening risk evaluate` writes beside its report.

Comes in: nothing. Goes out: the columns of EVALUATED and WORKLOAD (`tables.py`).
Refuses: nothing.
"""

import pyarrow as pa

from screening.schema import Column, Privacy

_S, _I, _F, _D = pa.string(), pa.int64(), pa.float64(), pa.date32()
_KEY, _QUASI, _HEALTH = Privacy.KEY, Privacy.QUASI, Privacy.HEALTH

EVALUATED_COLUMNS = (
    Column("person_key", _S, "", "random key of the person", _KEY),
    Column("scan_date", _D, "", "day of the scan that flag and outcome count from", _QUASI),
    Column("flag", _S, "", "flagged, not_flagged or cannot_say, as of that day", _HEALTH),
    Column("reason", _S, "", "tier or reason code that decided", _HEALTH),
    Column("agatston", _F, "Agatston unit", "measured", _HEALTH),
    Column("flag_risk", _F, "fraction", "the 10-year risk that the policy looks at", _HEALTH),
    Column("today", _S, "", "flagged as of the last sweep, or the reason code why not", _HEALTH),
    Column("followup_years", _F, "year", "from that day to what ended it", _HEALTH),
    Column("outcome", _S, "", "none, event or death; empty without an outcome", _HEALTH),
    Column("why_none", _S, "", "why there is no outcome"),
    Column("is_evaluated", pa.bool_(), "", "counts in sensitivity and predictive value"),
    Column("reviewed_in_week", _I, "week", "of the scans, from 1, in the list's order; else empty"),
)

WORKLOAD_COLUMNS = (
    Column("ranking", _S, "", "the order of working"),
    Column("per_week", _I, "", "reviews a week"),
    Column("n_reviewed", _F, "", "people reviewed by the last week of scans; random orders: mean"),
    Column("n_left", _F, "", "people who still wait then"),
    Column("n_gone", _F, "", "people who had the event or died while waiting"),
    Column("events_reached", _F, "", "expected events of people reviewed before them"),
    Column("share_reached", _F, "fraction", "of all expected events by the horizon"),
)
