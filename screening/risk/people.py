"""What the published equations take in, one array an input.

Comes in: PEOPLE (`screening.tables`), typed and in the units of its column names.
Goes out: a `People` record; what is unknown or impossible is NaN, so no formula sees it.
Refuses: nothing; which inputs are impossible is told by `impossible`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# mg/dL to mmol/L of cholesterol, as PREVENT states it (Khan 2024); 1 mmol/L is 38.67 mg/dL.
MMOL_L_PER_MG_DL = 0.02586

MEASURED = ("total_cholesterol_mg_dl", "hdl_cholesterol_mg_dl", "systolic_bp_mmhg", "egfr", "bmi")
FLAGS = ("bp_treated", "lipid_treated", "diabetes", "smoker", "family_history_mi")
NUMBERS = ("age_years", *MEASURED, *FLAGS, "agatston")
RACES = ("white", "black", "hispanic", "chinese", "other")


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """One value a person in each array, shape (n,); NaN unknown, flags 0 or 1.

    race : one mask for each of RACES; nobody's mask is set where race is unknown
    """

    is_female: Bools
    is_male: Bools
    race: Mapping[str, Bools]
    age_years: Floats
    total_cholesterol_mg_dl: Floats
    hdl_cholesterol_mg_dl: Floats
    systolic_bp_mmhg: Floats
    egfr: Floats
    bmi: Floats
    bp_treated: Floats
    lipid_treated: Floats
    diabetes: Floats
    smoker: Floats
    family_history_mi: Floats
    agatston: Floats

    @property
    def n(self) -> int:
        """How many people."""
        return len(self.age_years)

    def number(self, name: str) -> Floats:
        """Return the array of one of NUMBERS."""
        values: Floats = getattr(self, name)
        return values

    def by_sex(self, female: Floats, male: Floats) -> Floats:
        """Take the values for each person's sex; NaN where it is unknown."""
        return np.where(self.is_female, female, np.where(self.is_male, male, np.nan))


def people_of(table: pa.Table) -> tuple[People, Mapping[str, Bools]]:
    """Read a PEOPLE table.

    Returns
    -------
    The people, and for each of NUMBERS who has a value there that cannot be
    """
    given = {name: _floats(table.column(name)) for name in NUMBERS}
    impossible = {name: _impossible(name, values) for name, values in given.items()}
    clean = {name: np.where(impossible[name], np.nan, values) for name, values in given.items()}
    sex, race = table.column("sex"), table.column("race")
    people = People(
        is_female=_equal(sex, "F"),
        is_male=_equal(sex, "M"),
        race={name: _equal(race, name) for name in RACES},
        **clean,
    )
    return people, impossible


def _impossible(name: str, values: Floats) -> Bools:
    """Judge values that no unit and no range makes possible; NaN is not among them."""
    if name in FLAGS:
        mask: Bools = ~np.isnan(values) & (values != 0) & (values != 1)
    else:
        mask = (values < 0) if name == "agatston" else (values <= 0)
    return mask


def _floats(column: pa.ChunkedArray) -> Floats:
    """Null and anything not finite become NaN."""
    values = pc.fill_null(column.cast(pa.float64()), np.nan).to_numpy()
    return np.where(np.isfinite(values), values, np.nan)


def _equal(column: pa.ChunkedArray, word: str) -> Bools:
    mask: Bools = pc.fill_null(pc.equal(column, word), False).to_numpy().astype(np.bool_)
    return mask
