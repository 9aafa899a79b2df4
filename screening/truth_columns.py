"""The columns of a synthetic hospital's truth.

Comes in: nothing. Goes out: `TRUTH_COLUMNS`.
Refuses: nothing.
"""

import pyarrow as pa

from screening.schema import Column, Privacy

_S, _F, _B, _D = pa.string(), pa.float64(), pa.bool_(), pa.date32()
_ID, _QUASI, _HEALTH = Privacy.IDENTITY, Privacy.QUASI, Privacy.HEALTH

TRUTH_COLUMNS = (
    Column("kind", _S, "", "file, series or person"),
    Column("path", _S, "", "files: path below the archive's root", _ID),
    Column("series_instance_uid", _S, "", "SeriesInstanceUID; empty for people", _ID),
    Column("patient_id", _S, "", "the clinical MRN, whatever the header's spelling", _ID),
    Column("issuer", _S, "", "issuer of the MRN", _ID),
    Column("role", _S, "", "which special case the row belongs to"),
    Column(
        "expected_state",
        _S,
        "",
        "files: instance, not_dicom, unreadable, duplicate, ignored; series: their state",
    ),
    Column("expected_reason", _S, "", "reason code; empty for a use without remark"),
    Column("expected_flag", _S, "", "people: flagged, not_flagged or cannot_say", _HEALTH),
    Column("expected_tier", _S, "", "a tier of the list, as cac_100", _HEALTH),
    Column("is_borderline", _B, "", "truth lies within 25 % of a threshold, or risk is drawn"),
    Column("note", _S, "", "why, in a sentence"),
    Column("true_agatston", _F, "Agatston unit", "coronaries, without noise and motion", _HEALTH),
    Column("true_agatston_lm", _F, "Agatston unit", "left main", _HEALTH),
    Column("true_agatston_lad", _F, "Agatston unit", "left anterior descending", _HEALTH),
    Column("true_agatston_lcx", _F, "Agatston unit", "left circumflex", _HEALTH),
    Column("true_agatston_rca", _F, "Agatston unit", "right coronary artery", _HEALTH),
    Column("true_mass_mg", _F, "mg", "coronary calcium put into the body", _HEALTH),
    Column("true_category", _S, "", "category of true_agatston", _HEALTH),
    Column("index_date", _D, "", "date of the scan; empty where it carries none", _QUASI),
    Column("age_years", _F, "year", "completed years at the scan", _QUASI),
    Column("sex", _S, "", "F or M", _QUASI),
    Column("race", _S, "", "as in the clinical record; empty unknown", _QUASI),
    Column("total_cholesterol_mg_dl", _F, "mg/dL", "latest usable before the scan", _HEALTH),
    Column("hdl_cholesterol_mg_dl", _F, "mg/dL", "latest usable before the scan", _HEALTH),
    Column("systolic_bp_mmhg", _F, "mmHg", "latest usable before the scan", _HEALTH),
    Column("bp_treated", _B, "", "blood-pressure medicine on the day of the scan", _HEALTH),
    Column("lipid_treated", _B, "", "lipid medicine on the day of the scan", _HEALTH),
    Column("diabetes", _B, "", "known by the day of the scan", _HEALTH),
    Column("smoker", _B, "", "current smoker; empty unknown", _HEALTH),
    Column("family_history_mi", _B, "", "known by the day of the scan", _HEALTH),
    Column("true_mesa_chd_10y", _F, "fraction", "10-year CHD without calcium", _HEALTH),
    Column("true_mesa_chd_10y_cac", _F, "fraction", "10-year CHD with calcium", _HEALTH),
)
