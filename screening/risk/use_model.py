"""The clinical-variable model as a site uses it: which one, and by what race is averaged.

Comes in: settings; people and their scores. Goes out: `ModelUse`, `ModelEstimates`.
Refuses: a fitted model that cannot be read; for flags one of another horizon than 10 years
(ScreeningError).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from screening.config import RiskSettings
from screening.errors import ScreeningError
from screening.risk.averaged import Averaged, RaceUse, averaged, part_names
from screening.risk.equations import MODEL
from screening.risk.joint import LN_CALCIUM
from screening.risk.linear_model import RiskModel, mesa_model, read_model
from screening.risk.mesa import RACES
from screening.risk.people import Bools, Floats, People
from screening.risk.score_error import Scores

_NUMBER = r"^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,2})?$"
# What an input of the model is called in tables.
COLUMN_OF = {"male": "sex", LN_CALCIUM: "agatston"}


@dataclass(frozen=True, slots=True, eq=False)
class ModelUse:
    """A model and how race enters it."""

    model: RiskModel
    race: RaceUse

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the contributions, in the order people read them."""
        return part_names(self.model)

    @property
    def says(self) -> str:
        """One line: what was estimated, how race entered, from which paper or file."""
        model = self.model
        weights = ", ".join(
            f"{name} {weight:.2g}" for name, weight in zip(RACES, self.race.weights, strict=True)
        )
        race = "race used where known, else" if self.race.is_input else "race not used:"
        weighed = f"; {race} averaged over {weights}" if any(model.race.values()) else ""
        return f"{model.name}{weighed}; {model.source}"


@dataclass(frozen=True, slots=True, eq=False)
class ModelEstimates:
    """Estimates, and for each input that the model uses whose value was drawn, in their order."""

    found: Averaged
    imputed: Mapping[str, Bools]


def use_of(settings: RiskSettings) -> ModelUse:
    """Return the model that the settings name; MESA itself where they name none.

    Raises
    ------
    ScreeningError
        The fitted model cannot be read.
    """
    model = read_model(Path(settings.model)) if settings.model else mesa_model()
    given = np.array([settings.race_weights.get(name, 0.0) for name in RACES])
    return ModelUse(model, RaceUse(settings.race, given / given.sum()))


def use_for_flag(settings: RiskSettings) -> ModelUse:
    """Return the same for a list, whose thresholds are risks of 10 years.

    Raises
    ------
    ScreeningError
        The fitted model cannot be read, or its risk is of another horizon.
    """
    use = use_of(settings)
    if use.model.years != MODEL.years:
        raise ScreeningError(
            f"risk model {Path(settings.model).name}: its risk is of {use.model.years:g} years, "
            f"flags look at risks of {MODEL.years}; fit with --years {MODEL.years}, or leave "
            "[risk] model empty here (risk apply takes it)"
        )
    return use


def extras_of(text: pa.Table, use: ModelUse) -> dict[str, Floats]:
    """Read the columns of a site's own that the model uses; what is no number is unknown."""
    found = {}
    for extra in use.model.extras:
        if extra.name in text.column_names:
            cells = pc.utf8_trim_whitespace(text.column(extra.name))
            is_number = pc.match_substring_regex(cells, _NUMBER)
            values = pc.if_else(is_number, cells, pa.scalar(None, pa.string())).cast(pa.float64())
            found[extra.name] = pc.fill_null(values, np.nan).to_numpy()
    return found


def estimate_by_model(
    people: People, scores: Scores, extras: Mapping[str, Floats], use: ModelUse
) -> ModelEstimates:
    """Estimate everybody from 45 to 84 years, whatever is missing."""
    found = averaged(people, scores, extras, use.model, use.race)
    is_inside = ~np.isnan(found.risk)
    unknown = {"sex": ~(people.is_female | people.is_male), "agatston": np.isnan(scores.agatston)}
    imputed = {}
    for name in use.model.uses:
        column = COLUMN_OF.get(name, name)
        mask = unknown[column] if column in unknown else np.isnan(people.number(column))
        imputed[column] = mask & is_inside
    if use.race.is_input and any(use.model.race.values()):
        knows = np.logical_or.reduce([people.race[race] for race in RACES])
        imputed["race"] = ~knows & is_inside
    for extra in use.model.extras:
        values = extras.get(extra.name)
        is_unknown = np.ones(people.n, dtype=np.bool_) if values is None else np.isnan(values)
        imputed[extra.name] = is_unknown & is_inside
    return ModelEstimates(found, imputed)
