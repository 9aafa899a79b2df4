"""The columns of the clinical record, as every lake keeps it.

Comes in: nothing. Goes out: the columns of PERSON, OBSERVATION, EVENT, POLICY,
CLINICAL_REJECTIONS and SETTING, and those of RUNS that count what was handed over (`tables.py`).
Refuses: nothing.
"""

import pyarrow as pa

from screening.schema import Column, Privacy

_S, _I, _F, _B, _D = pa.string(), pa.int64(), pa.float64(), pa.bool_(), pa.date32()
_KEY, _QUASI, _HEALTH = Privacy.KEY, Privacy.QUASI, Privacy.HEALTH

_PERSON_KEY = Column("person_key", _S, "", "random key of the person", _KEY)

PERSON_COLUMNS = (
    _PERSON_KEY,
    Column("sex", _S, "", "F or M, else empty", _QUASI),
    Column("race", _S, "", "white, black, hispanic, chinese, other; empty unknown", _QUASI),
    Column("death_date", _D, "", "date of death", _QUASI),
    Column("is_deceased", _B, "", "is dead, be the day known or not", _QUASI),
)

OBSERVATION_COLUMNS = (
    _PERSON_KEY,
    Column("concept", _S, "", "total_cholesterol_mg_dl, …, from the code list", _HEALTH),
    Column("value", _F, "as the concept's name says", "the value", _HEALTH),
    Column("effective_on", _D, "", "local date of the measurement", _QUASI),
)

EVENT_COLUMNS = (
    _PERSON_KEY,
    Column("concept", _S, "", "myocardial_infarction, statin, coronary_stent, …", _HEALTH),
    Column("code", _S, "", "the code as recorded", _HEALTH),
    Column(
        "started_on", _D, "", "onset, start or performance; of a year or month its first", _QUASI
    ),
    Column(
        "stopped_on",
        _D,
        "",
        "end of a medication or a stay in hospital; empty while it lasts",
        _QUASI,
    ),
    Column(
        "started_by",
        _D,
        "",
        "the latest day it can have begun: of a year or month its last; "
        "of a condition no earlier than its record",
        _QUASI,
    ),
    Column("intensity", _S, "", "of a statin: low, moderate, high; empty unknown", _HEALTH),
)

POLICY_COLUMNS = (
    _PERSON_KEY,
    Column("scope", _S, "", "opt_out_all, opt_out_research"),
    Column("valid_from", _D, "", "from this date", _QUASI),
)

CLINICAL_REJECTIONS_COLUMNS = (
    Column("source", _S, "", "the clinical table"),
    Column("reason", _S, "", "reason code"),
    Column("detail", _S, "", "code, unit or column concerned; no identity"),
    Column("n", _I, "", "rows"),
)

# The tables that a site hands over, in the order they are told in.
HANDED_OVER = (
    "person", "observation", "condition", "medication", "procedure", "report_text",
    "formal_score", "person_policy",
)  # fmt: skip
HANDED_OVER_COLUMNS = tuple(
    Column(
        f"rows_{name}",
        _I,
        "",
        f"rows of the clinical table {name} as handed over in this sweep, whoever they speak of; "
        "empty without it, or in older lakes",
    )
    for name in HANDED_OVER
)

SETTING_COLUMNS = (
    Column("name", _S, "", "value_years, value_years:CONCEPT, flag_policy:NAME, …"),
    Column("value", _F, "as the name says", "the number"),
)
