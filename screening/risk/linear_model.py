"""A risk model as plain numbers: a sum of inputs times coefficients, and what makes it a risk.

Comes in: nothing (MESA, the default), or the JSON file that `screening risk fit` wrote.
Goes out: a `RiskModel`. Refuses: a file that is not one or in which risk falls with calcium, a
name that is the default's (ScreeningError).
"""

from collections.abc import Mapping
from functools import cache
from math import log
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from scipy.special import expit, logit

from screening.errors import ScreeningError
from screening.risk.joint import LN_CALCIUM
from screening.risk.mesa import MESA_CAC, RACES
from screening.risk.people import FLAGS, MEASURED, Floats

LINKS = ("cloglog", "logit")
# What a coefficient may stand for, besides columns of a site's own.
INPUTS = ("age_years", "male", *MEASURED[:3], *FLAGS, *MEASURED[3:], LN_CALCIUM)
# The person from whom contributions count: a woman of 60 without calcium, treatment, diabetes,
# tobacco or family history, of ordinary cholesterol and pressure. Our own choice.
REFERENCE: Mapping[str, float] = {
    **dict.fromkeys(INPUTS, 0.0),
    "age_years": 60.0,
    "total_cholesterol_mg_dl": 190.0,
    "hdl_cholesterol_mg_dl": 50.0,
    "systolic_bp_mmhg": 120.0,
    "egfr": 80.0,
    "bmi": 27.0,
}


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Extra(_Strict):
    """A column of a site's own: where it is unknown it is drawn by its mean and deviation."""

    name: str = Field(min_length=1)
    coefficient: float
    mean: float
    sd: float = Field(ge=0)


class RiskModel(_Strict):
    """The sum is intercept + coefficients times inputs (`INPUTS`), race and extras included.

    link : cloglog: risk = 1 - exp(-exp(sum)), a proportional hazards model at its horizon;
        logit: risk = 1 / (1 + exp(-sum))
    recalibration : intercept and slope on the log odds of the risk so found; of a site
    """

    kind: Literal["screening risk model 1"] = "screening risk model 1"
    name: str = Field(min_length=1, max_length=60)
    endpoint: str
    years: float = Field(gt=0)
    source: str
    link: Literal["cloglog", "logit"]
    intercept: float
    coefficients: dict[str, float]
    race: dict[str, float]
    extras: tuple[Extra, ...] = ()
    recalibration: tuple[float, Annotated[float, Field(gt=0)]] | None = None

    def coefficient(self, name: str) -> float:
        """Return that of an input; 0 where it is none of this model's."""
        return self.coefficients.get(name, 0.0)

    @property
    def is_upside_down(self) -> bool:
        """Whether risk falls with calcium."""
        return self.coefficient(LN_CALCIUM) < 0

    @property
    def uses(self) -> tuple[str, ...]:
        """Inputs that move this model, without race and extras."""
        return tuple(name for name in INPUTS if self.coefficient(name) != 0.0)

    @property
    def race_offsets(self) -> Floats:
        """What each of MESA's four races adds to the sum."""
        return np.array([self.race.get(name, 0.0) for name in RACES])

    def risk_of(self, sums: Floats, offsets: Floats, weights: Floats) -> Floats:
        """Turn sums into risks, averaged over offsets by weights, before any recalibration."""
        risk = np.zeros(sums.shape)
        if self.link == "cloglog":
            # exp is several times as fast as expm1, and good to 1e-12 of a risk of 0.1 %.
            hazard = np.exp(sums)
            for offset, weight in zip(np.exp(offsets), weights, strict=True):
                risk += weight * (1.0 - np.exp(-offset * hazard))
        else:
            for offset, weight in zip(offsets, weights, strict=True):
                risk += weight * expit(sums + offset)
        return risk

    def sum_of(self, risk: Floats) -> Floats:
        """Turn risks into sums, those that would give them without any averaging."""
        found: Floats = np.log(-np.log1p(-risk)) if self.link == "cloglog" else logit(risk)
        return found

    def recalibrated(self, risk: Floats) -> Floats:
        """Apply a site's intercept and slope; nothing where there are none."""
        if self.recalibration is None:
            return risk
        intercept, slope = self.recalibration
        moved: Floats = expit(intercept + slope * logit(risk))
        return moved


@cache
def mesa_model() -> RiskModel:
    """Return the default: the MESA equation with calcium, whole."""
    beta = MESA_CAC
    return RiskModel(
        name="mesa_chd_10y_cac averaged",
        endpoint="CHD: infarction, coronary death, arrest, revascularisation for angina",
        years=10,
        source="McClelland 2015, doi 10.1016/j.jacc.2015.08.035; what is missing drawn by "
        "models/joint.json",
        link="cloglog",
        intercept=log(-log(beta.survival)),
        coefficients={
            "age_years": beta.age,
            LN_CALCIUM: beta.ln_agatston_plus_1,
            **{
                name: getattr(beta, _MESA_NAMES.get(name, name))
                for name in INPUTS
                if hasattr(beta, _MESA_NAMES.get(name, name))
            },
        },
        race={
            "white": 0.0,
            "black": beta.black,
            "hispanic": beta.hispanic,
            "chinese": beta.chinese,
        },
    )


_MESA_NAMES = {
    "total_cholesterol_mg_dl": "total_cholesterol",
    "hdl_cholesterol_mg_dl": "hdl_cholesterol",
    "systolic_bp_mmhg": "systolic_bp",
}


def read_model(file: Path) -> RiskModel:
    """Read a fitted model.

    Raises
    ------
    ScreeningError
        The file cannot be read, is no such model, or risk falls with calcium in it.
    """
    try:
        model = RiskModel.model_validate_json(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ScreeningError(f"risk model {file}: {error.strerror}; check the path") from error
    except (ValidationError, UnicodeDecodeError) as error:
        raise ScreeningError(
            f"risk model {file.name}: not a model.json of `screening risk fit`"
        ) from error
    unknown = [name for name in model.coefficients if name not in INPUTS]
    unknown += [name for name in model.race if name not in RACES]
    if unknown:
        raise ScreeningError(f"risk model {file.name}: unknown input {unknown[0]}")
    if model.is_upside_down:
        raise ScreeningError(
            f"risk model {file.name}: risk falls with calcium ({LN_CALCIUM} below 0); fit it again"
        )
    check_name(model.name)
    return model


def check_name(name: str) -> None:
    """Refuse a site's model under the default's name: lists tell by it which one they rest on.

    Raises
    ------
    ScreeningError
        The name begins as the default's does.
    """
    if name.startswith(mesa_model().name):
        raise ScreeningError(
            f"risk model: the name {name} is that of the model that ships; give another (--name)"
        )
