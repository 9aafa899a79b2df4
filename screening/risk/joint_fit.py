"""Makes `models/joint.json`, the imputation model that ships: `python -m screening.risk.joint_fit`.

Comes in: simulated people of published figures (`reference_people`). Goes out: the file, plain
numbers to six digits.
Refuses: nothing.

scikit-learn fits it, here alone: whoever estimates a risk reads numbers and needs no library.
"""

import json
from pathlib import Path

import numpy as np
from sklearn.linear_model import LinearRegression, LogisticRegression

from screening.risk.joint import (
    AGE_TERMS,
    CALCIUM,
    FILE,
    FLAGS,
    LN_CALCIUM,
    LN_HDL,
    MEASURED,
    age_terms,
)
from screening.risk.people import Floats
from screening.risk.reference_people import reference_people

PEOPLE, SEED = 400_000, 20261125


def write_joint(file: Path) -> None:
    """Simulate, fit, write."""
    people = reference_people(PEOPLE, SEED).values
    values = {
        **people,
        CALCIUM: (people["agatston"] > 0).astype(np.float64),
        LN_CALCIUM: np.log1p(people["agatston"]),
        LN_HDL: np.log(people["hdl_cholesterol_mg_dl"]),
    }
    flags = {name: _odds(values, i).tolist() for i, name in enumerate(FLAGS)}
    means, covariance = _measured(values)
    held = {
        "what": "how the inputs of the risk model hang together; made by joint_fit.py, "
        f"{PEOPLE} simulated people, seed {SEED}; sources: reference_people.py",
        "terms": [*AGE_TERMS, *FLAGS],
        "flags": _rounded(flags),
        "measured": _rounded(dict(zip(MEASURED, means.tolist(), strict=True))),
        "covariance": [[float(f"{v:.6g}") for v in row] for row in covariance.tolist()],
    }
    file.write_text(json.dumps(held, indent=1) + "\n", encoding="utf-8")


def _rounded(rows: dict[str, list[float]]) -> dict[str, list[float]]:
    return {name: [float(f"{v:.6g}") for v in row] for name, row in rows.items()}


def _terms(values: dict[str, Floats], flags: tuple[str, ...]) -> Floats:
    """Columns: age, age squared, male times age, and the flags; the intercept is the fit's."""
    age, squared = age_terms(values["age_years"])
    return np.column_stack([age, squared, values["male"] * age, *(values[n] for n in flags)])


def _odds(values: dict[str, Floats], place: int) -> Floats:
    """Log odds of one flag by age and the flags before it."""
    row = np.zeros(len(AGE_TERMS) + len(FLAGS))
    name, before = FLAGS[place], FLAGS[:place]
    terms = _terms(values, before)
    if place == 0:
        # Half of them are men by the way they were made; of sex by age nothing is known.
        return row
    fit = LogisticRegression(C=np.inf, max_iter=1000, tol=1e-8).fit(terms, values[name])
    row[0] = fit.intercept_[0]
    row[1 : 1 + terms.shape[1]] = fit.coef_[0]
    return row


def _measured(values: dict[str, Floats]) -> tuple[Floats, Floats]:
    """Means by age and flags, and the covariance around them; ln(Agatston + 1) of those with any.

    Its covariance with the others is that among people with calcium.
    """
    others = [name for name in MEASURED if name != LN_CALCIUM]
    terms = _terms(values, FLAGS)
    fit = LinearRegression().fit(terms, np.column_stack([values[n] for n in others]))
    left = np.column_stack([values[n] for n in others]) - fit.predict(terms)
    has = values[CALCIUM] > 0
    # The last term, of having calcium, is 1 for all of these: its effect is in the intercept.
    of_calcium = LinearRegression().fit(
        np.column_stack([terms[has][:, :-1], left[has]]), values[LN_CALCIUM][has]
    )
    n = terms.shape[1] - 1
    slopes = of_calcium.coef_[n:]
    predicted = of_calcium.predict(np.column_stack([terms[has][:, :-1], left[has]]))
    spread = float(np.var(values[LN_CALCIUM][has] - predicted))
    means = np.zeros((len(MEASURED), len(AGE_TERMS) + len(FLAGS)))
    means[:-1, 0], means[:-1, 1:] = fit.intercept_, fit.coef_
    means[-1, 0], means[-1, 1 : 1 + n] = of_calcium.intercept_, of_calcium.coef_[:n]
    covariance = np.zeros((len(MEASURED), len(MEASURED)))
    covariance[:-1, :-1] = np.cov(left.T)
    covariance[:-1, -1] = covariance[-1, :-1] = covariance[:-1, :-1] @ slopes
    covariance[-1, -1] = spread + slopes @ covariance[:-1, :-1] @ slopes
    return means, covariance


if __name__ == "__main__":
    write_joint(FILE)
