"""The columns of risk estimates, and of what the published equations take in.

Comes in: nothing. Goes out: the columns of RISK, PEOPLE and PEOPLE_RISK (`tables.py`).
Refuses: nothing.
"""

import pyarrow as pa

from screening.schema import Column, Privacy

_S, _I, _F = pa.string(), pa.int64(), pa.float64()
_SS = pa.list_(pa.string())
_KEY, _QUASI, _HEALTH = Privacy.KEY, Privacy.QUASI, Privacy.HEALTH

_MODEL = (
    Column(
        "model_risk",
        _F,
        "fraction",
        "risk with calcium averaged over what is missing: MESA's 10-year CHD, or a site's model",
        _HEALTH,
    ),
    Column("model_risk_low", _F, "fraction", "lower end of its 95 % interval", _HEALTH),
    Column("model_risk_high", _F, "fraction", "upper end of its 95 % interval", _HEALTH),
)

# At a person's index scan, in every lake.
RISK_COLUMNS = (
    Column("person_key", _S, "", "random key of the person", _KEY),
    Column("series_key", _S, "", "random key of the series", _KEY),
    Column("equation", _S, "", "mesa_chd_10y_cac and its source"),
    Column("mesa_chd_10y", _F, "fraction", "10-year CHD without calcium", _HEALTH),
    Column("mesa_chd_10y_cac", _F, "fraction", "10-year CHD with calcium", _HEALTH),
    Column("percentile", _F, "", "of the score at that age; empty of a zero and beyond", _HEALTH),
    Column("percentile_text", _S, "", "the percentile in words, rounded down", _HEALTH),
    Column(
        "percentile_source",
        _S,
        "",
        "MESA 2006 where race is known, at 50 to 80; else Hoff 2001, at 40 to 84",
    ),
    Column("inputs_used", _SS, "", "inputs with their values' ages in days"),
    Column("reasons", _SS, "", "why an estimate by a published equation is empty"),
    Column("detail", _S, "", "which inputs are missing, suspect or out of range"),
    Column("model", _S, "", "clinical-variable model, how race entered it, and its source"),
    *_MODEL,
    Column(
        "score2",
        _F,
        "fraction",
        "10-year CVD without calcium by SCORE2, SCORE2-OP from 70; "
        "of the site's risk region; empty where settings name none",
        _HEALTH,
    ),
    Column("score2_reasons", _SS, "", "why that estimate is empty"),
    Column("imputed", _SS, "", "inputs that the model drew because they are unknown"),
    Column("stale", _SS, "", "inputs used although old at the scan (`stale_days` of the settings)"),
    Column(
        "contributions",
        pa.list_(pa.struct([("input", _S), ("adds", _F)])),
        "",
        "what each input adds to the model's sum (log hazard, or log odds of a site's model), from "
        "a reference person on; they add up to the sum of model_risk",
        _HEALTH,
    ),
)

_ROW = Column("row", _I, "", "row of the file, the first below its header is 1")

# What a table of people must or may say of each (contract of `screening risk apply`).
PEOPLE_COLUMNS = (
    _ROW,
    Column("age_years", _F, "year", "age, decimal or completed", _QUASI),
    Column("sex", _S, "", "F or M", _QUASI),
    Column("race", _S, "", "white, black, hispanic, chinese, other; empty unknown", _QUASI),
    Column("total_cholesterol_mg_dl", _F, "mg/dL", "total cholesterol", _HEALTH),
    Column("hdl_cholesterol_mg_dl", _F, "mg/dL", "HDL cholesterol", _HEALTH),
    Column("systolic_bp_mmhg", _F, "mmHg", "systolic pressure", _HEALTH),
    Column("bp_treated", _F, "", "1 takes a blood-pressure medicine, 0 not", _HEALTH),
    Column("lipid_treated", _F, "", "1 takes a lipid medicine (PREVENT: a statin), 0 not", _HEALTH),
    Column("diabetes", _F, "", "1 diabetes, 0 not", _HEALTH),
    Column("smoker", _F, "", "1 smokes now, 0 not", _HEALTH),
    Column("family_history_mi", _F, "", "1 infarction in parent, sibling or child", _HEALTH),
    Column("egfr", _F, "mL/min/1.73 m²", "CKD-EPI 2021", _HEALTH),
    Column("bmi", _F, "kg/m²", "body mass index", _HEALTH),
    Column("agatston", _F, "Agatston unit", "coronary calcium score", _HEALTH),
    Column("refused", _SS, "", "input:reason of each value that was not taken"),
)


def _estimate(name: str, meaning: str) -> Column:
    return Column(name, _F, "fraction", meaning, _HEALTH)


_SCORE2 = "10-year CVD death, infarction or stroke, {} risk region (SCORE2; SCORE2-OP from 70)"

PEOPLE_RISK_COLUMNS = (
    _ROW,
    _estimate("mesa_chd_10y", "10-year CHD without calcium (MESA)"),
    _estimate("mesa_chd_10y_cac", "10-year CHD with calcium (MESA)"),
    _estimate("prevent_cvd_10y", "10-year ASCVD or heart failure (PREVENT)"),
    _estimate("prevent_cvd_30y", "30-year ASCVD or heart failure (PREVENT)"),
    _estimate("prevent_ascvd_10y", "10-year ASCVD (PREVENT)"),
    _estimate("prevent_ascvd_30y", "30-year ASCVD (PREVENT)"),
    _estimate("prevent_hf_10y", "10-year heart failure (PREVENT)"),
    _estimate("prevent_hf_30y", "30-year heart failure (PREVENT)"),
    _estimate("pce_ascvd_10y", "10-year hard ASCVD (Pooled Cohort Equations)"),
    _estimate("frs_cvd_10y", "10-year CVD, the widest endpoint (Framingham 2008)"),
    _estimate("score2_low", _SCORE2.format("low")),
    _estimate("score2_moderate", _SCORE2.format("moderate")),
    _estimate("score2_high", _SCORE2.format("high")),
    _estimate("score2_very_high", _SCORE2.format("very high")),
    *_MODEL,
    Column("model_imputed", _S, "", "inputs that model_risk drew because they are unknown"),
    Column("reasons", _S, "", "why estimates are empty: `reason input (range): columns; …`"),
)
