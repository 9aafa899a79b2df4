"""People for the published equations: a complete person, and tables of changes to them."""

import pyarrow as pa

from screening.tables import PEOPLE

PERSON = {
    "age_years": 55.0, "sex": "M", "race": "white", "total_cholesterol_mg_dl": 213.0,
    "hdl_cholesterol_mg_dl": 50.0, "systolic_bp_mmhg": 140.0, "bp_treated": 0.0,
    "lipid_treated": 0.0, "diabetes": 0.0, "smoker": 0.0, "family_history_mi": 0.0,
    "egfr": 90.0, "bmi": 27.0, "agatston": 100.0, "refused": [],
}  # fmt: skip


def people(*changes):
    rows = [{"row": n, **PERSON, **change} for n, change in enumerate(changes, start=1)]
    return pa.Table.from_pylist(rows, PEOPLE.schema)
