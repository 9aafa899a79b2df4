"""A site's outcomes, simulated: hazards are MESA's times what is planted."""

import numpy as np
import pyarrow as pa

from screening.risk.mesa import mesa_risks
from screening.risk.outcomes import NEEDED
from screening.risk.reference_people import reference_people
from screening.tables import PEOPLE

RACES = ("white", "black", "hispanic", "chinese")


def site_table(n, seed, *, factor=1.0, ward_factor=1.0, followed=(4.0, 16.0), extra=0.0):
    """Text and typed rows; hazard of MESA times `factor`, of ward B times `ward_factor` too.

    extra : log hazard of one deviation of the column `marker`, which MESA does not know
    """
    from model_case import people_of

    rng = np.random.default_rng(seed)
    reference = reference_people(n, seed)
    values, race = reference.values, reference.race
    risk = mesa_risks(people_of(values, race))["mesa_chd_10y_cac"]
    ward, marker = rng.integers(0, 2, n), rng.standard_normal(n)
    hazard = -np.log1p(-risk) / 10 * factor * np.where(ward == 1, ward_factor, 1.0)
    hazard = hazard * np.exp(extra * marker - extra**2 / 2)
    event = rng.exponential(1 / hazard)
    death = rng.exponential(1 / (0.012 * np.exp(0.08 * (values["age_years"] - 62))))
    end = rng.uniform(*followed, n)
    years = np.round(np.minimum.reduce([event, death, end]), 4)
    state = np.where(event == np.minimum.reduce([event, death, end]), "event", "none")
    state = np.where(death == np.minimum.reduce([event, death, end]), "death", state)
    day = np.datetime64("2004-01-01") + rng.integers(0, 2000, n)
    typed = {name: values[name] for name in values if name != "male"}
    typed |= {
        "row": np.arange(1, n + 1),
        "sex": np.where(values["male"] == 1, "M", "F"),
        "race": np.array(RACES)[race],
    }
    columns = {name: pa.array(typed[name]) for name in PEOPLE.schema.names if name in typed}
    columns["refused"] = pa.array([[]] * n, pa.list_(pa.string()))
    text = {
        "person_id": [f"p{i}" for i in range(n)],
        "site": rng.choice(["a", "b", "c", "d", "e", "f"], n),
        "scan_date": day.astype(str),
        "prevalent": ["0"] * n,
        "followup_years": years.astype(str),
        "outcome": state,
        "ward": np.where(ward == 1, "B", "A"),
        "marker": np.round(marker, 4).astype(str),
    }
    assert set(NEEDED) <= set(text)
    return pa.table({k: pa.array(list(v)) for k, v in text.items()}), PEOPLE.check(
        pa.table(columns)
    )
