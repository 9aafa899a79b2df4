"""The columns of a score, as every row of `dispositions` has them, and as research has them.

Comes in: nothing. Goes out: `SCORE_COLUMNS`, `CONVENTION_COLUMNS`. Refuses: nothing.
"""

import pyarrow as pa

from screening.schema import Column, Privacy

_S, _I, _F = pa.string(), pa.int64(), pa.float64()
_HEALTH = Privacy.HEALTH
_AU = "Agatston unit"

_LESION = pa.struct(
    [
        ("label", _S),
        ("probability", _F),
        ("agatston", _F),
        ("volume_mm3", _F),
        ("max_hu", _I),
        ("centroid_lps_mm", pa.list_(_F)),
        ("slices", pa.list_(_I)),
        ("mass_mg", _F),
        ("mean_hu", _F),
        ("density", _F),
    ]
)
_PLACE = [("label", _S), ("agatston", _F), ("volume_mm3", _F), ("mass_mg", _F)]
_OTHER = pa.struct(_PLACE)
_VESSEL = pa.struct([*_PLACE, ("n_lesions", _I), ("density", _F)])


def _interval(name: str, unit: str, meaning: str) -> tuple[Column, Column]:
    return (
        Column(f"{name}_low", _F, unit, f"lower end of the 95 % interval: {meaning}", _HEALTH),
        Column(f"{name}_high", _F, unit, f"upper end of the 95 % interval: {meaning}", _HEALTH),
    )


SCORE_COLUMNS = (
    Column("agatston", _F, _AU, "coronary Agatston score", _HEALTH),
    Column("volume_mm3", _F, "mm³", "coronary calcium volume", _HEALTH),
    Column("mass_mg", _F, "mg", "coronary calcium mass (`mass_factor_source`)", _HEALTH),
    Column("category", _S, "", "0, (0,100), [100,300), [300,1000), [1000,inf)", _HEALTH),
    Column("agatston_lm", _F, _AU, "left main", _HEALTH),
    Column("agatston_lad", _F, _AU, "left anterior descending", _HEALTH),
    Column("agatston_lcx", _F, _AU, "left circumflex", _HEALTH),
    Column("agatston_rca", _F, _AU, "right coronary artery", _HEALTH),
    Column(
        "other",
        pa.list_(pa.struct([("label", _S), ("agatston", _F)])),
        _AU,
        "calcium outside the coronaries, by place",
        _HEALTH,
    ),
    Column(
        "other_measures",
        pa.list_(_OTHER),
        "Agatston unit, mm³, mg",
        "score, volume and mass outside the coronaries, by place",
        _HEALTH,
    ),
    Column(
        "vessel_measures",
        pa.list_(_VESSEL),
        "Agatston unit, mm³, mg",
        "score, volume, mass, number of lesions and density (1 to 4) of each coronary artery",
        _HEALTH,
    ),
    Column("lesions", pa.list_(_LESION), "", "every coronary lesion", _HEALTH),
    Column("n_lesions", _I, "", "coronary lesions in three dimensions", _HEALTH),
    Column("agatston_low", _F, _AU, "lower end of the 95 % interval; empty where unknown", _HEALTH),
    Column("agatston_high", _F, _AU, "upper end; empty also where calcium may be missing", _HEALTH),
    Column("category_probability", _F, "", "that the category is right; empty likewise", _HEALTH),
    Column("n_vessels", _I, "", "coronary arteries with calcium, 0 to 4", _HEALTH),
    Column("density", _F, "", "mean Agatston weight over the area, 1 to 4", _HEALTH),
    Column("volume_isotropic_mm3", _F, "mm³", "volume by isotropic interpolation", _HEALTH),
    Column(
        "mass_integrated_mg",
        _F,
        "mg",
        "mass of the deposits that reach the threshold, smear included (`mass_factor_source`)",
        _HEALTH,
    ),
    *_interval("volume_mm3", "mm³", "the next scan's volume"),
    *_interval("volume_isotropic_mm3", "mm³", "the next scan's isotropic volume"),
    *_interval("mass_mg", "mg", "all coronary mineral, seen or not, by the standard mass"),
    *_interval("mass_integrated_mg", "mg", "all coronary mineral, seen or not, by integration"),
    Column("mass_factor_source", _S, "", "of HU to mass: default of the tube voltage, or rod"),
    Column("mass_factor_mg_per_cm3_per_hu", _F, "mg/(cm³ HU)", "the factor of HU to mass"),
    Column("mass_factor_error", _F, "fraction", "its relative standard error"),
    Column("agatston_kvp", _F, _AU, "at thresholds for the tube voltage", _HEALTH),
    Column(
        "kvp_source",
        _S,
        "",
        "of them: standard, table, interpolated, held, outside_table, tin_filter, unknown",
    ),
    Column("agatston_native", _F, _AU, "of what was scored, before its averaging", _HEALTH),
    Column("slab_mm", _F, "mm", "thickness of the averages scored; empty where none were made"),
    Column("score_group", _S, "", "0, 1-99, 100-399, >=400", _HEALTH),
    Column("cac_drs", _S, "", "CAC-DRS A-equivalent (non-gated) and vessels", _HEALTH),
    Column("noise_hu", _F, "HU", "standard deviation in the blood pool"),
    Column("blood_hu", _F, "HU", "mean of the blood pool"),
    Column(
        "expected_false_agatston", _F, _AU, "what noise alone would make along the coronary courses"
    ),
    Column("border_blur_mm", _F, "mm", "how much wider the heart's border is than still borders"),
    Column("grade", _S, "", "A good, B usable, C doubtful, D do not use"),
    Column("quality_flags", pa.list_(_S), "", "why the grade is not better"),
)

# Of one scan by one convention, under research keys and coarse.
CONVENTION_COLUMNS = (
    Column(
        "research_key", _S, "", "random key of the person, of research tables only", Privacy.KEY
    ),
    Column("scan", _I, "", "the person's scored scans counted by their dates, from 1"),
    Column("is_index_scan", pa.bool_(), "", "whether `out_cohort` uses this scan of the person"),
    Column("shifted_index_month", pa.date32(), "", "month of the scan, moved back", Privacy.QUASI),
    Column("convention", _S, "", "name of the convention, as `score --convention` takes it"),
    Column("category", _S, "", "0, (0,100), [100,300), [300,1000), [1000,inf)", _HEALTH),
    *(
        Column(f"{name}_rounded", _F, _AU, f"{meaning}, to the nearest 10", _HEALTH)
        for name, meaning in (
            ("agatston", "total score"),
            ("agatston_lm", "left main"),
            ("agatston_lad", "left anterior descending"),
            ("agatston_lcx", "left circumflex"),
            ("agatston_rca", "right coronary artery"),
        )
    ),
    Column("grade", _S, "", "A good, B usable, C doubtful, D do not use"),
    Column("is_lower_bound", pa.bool_(), "", "at least this much: calcium may be missing alone"),
    Column(
        "may_be_more", pa.bool_(), "", "calcium may be missing; if no lower bound, or be too much"
    ),
    Column("model_digest_12", _S, "", "first 12 characters of the sha256 of the model"),
    Column("scoring_version", _I, "", "version of the scoring code that wrote this table"),
)
