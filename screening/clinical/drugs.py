"""What a medicine is, and how strong.

Comes in: the text columns of `medication`. Goes out: its concept, and of a statin the intensity.
Refuses: nothing; what no list knows has no concept.

A medicine is known by its code, else by a whole word of its name: orders carry codes of packages
that no short list can hold. The dose is the daily one where it is given, else one a day of the
strength that code or name tells. Intensities: Table 3 of the 2018 AHA/ACC cholesterol guideline
(Grundy 2019, doi 10.1161/CIR.0000000000000625), in `codes/statin_intensity.csv`; a dose that is
not in the table has none.
"""

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from screening.clinical.codes import Codes, Rule
from screening.clinical.link import column
from screening.clinical.parse import numbers

_WORD = re.compile(r"[^\W\d_]+")
_STRENGTH = re.compile(r"(?<![\d.,])(\d+(?:\.\d+)?)\s*mg\b(?!\s*/\s*m?l\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False)
class Drugs:
    """One entry a row: concept or None; low, moderate, high or empty."""

    concept: NDArray[np.object_]
    intensity: NDArray[np.object_]


def drugs_of(table: pa.Table, codes: Codes) -> Drugs:
    """Tell the medicine of each row of `medication`."""
    code, name = column(table, "code"), column(table, "name")
    stated = numbers(column(table, "daily_dose_mg"))
    by_code = _rules(code, codes)
    known = {t: _named(t, codes) for t in name.unique().to_pylist()}
    by_name = [known[t] for t in name.to_pylist()]
    concept: list[str | None] = []
    intensity: list[str] = []
    for rule, named, dose in zip(by_code, by_name, stated, strict=True):
        found, substance, strength = _one(rule, named)
        concept.append(found)
        daily = float(dose) if not np.isnan(dose) else strength
        intensity.append(codes.intensity(substance, daily))
    return Drugs(np.array(concept, dtype=object), np.array(intensity, dtype=object))


def strengths_mg(name: str) -> tuple[float, ...]:
    """Return the strengths a medicine's name tells, in the order of its parts."""
    return tuple(float(m) for m in _STRENGTH.findall(name))


def _rules(code: pa.Array, codes: Codes) -> list[Rule | None]:
    known = {c: codes.rule("medication", c) for c in code.unique().to_pylist()}
    return [known[c] for c in code.to_pylist()]


def _named(name: str, codes: Codes) -> tuple[str, str, float | None] | None:
    """Return concept, substance and strength by the words of a name.

    Of several medicines in one package the statin decides, and its strength is the one that
    stands behind its name, else in the place it has among the parts.
    """
    words = [w.lower() for w in _WORD.findall(name)]
    hits = [(w, codes.names[w]) for w in words if w in codes.names]
    if not hits:
        return None
    word, found = next((h for h in hits if h[1].concept == "statin"), hits[0])
    behind = name.lower().split(word, 1)[1]
    given = strengths_mg(behind)
    # "Atorvastatin 40 MG / Ezetimibe 10 MG": the first behind the name.
    return found.concept, found.substance, given[0] if given else None


def _one(
    rule: Rule | None, named: tuple[str, str, float | None] | None
) -> tuple[str | None, str, float | None]:
    """Put code and name together: the code tells what it is, the name how much."""
    if rule is None:
        return named or (None, "", None)
    strength = rule.strength_mg
    substance = rule.substance
    if named is not None and named[0] == rule.concept:
        substance = substance or named[1]
        if named[1] == substance and strength is None:
            strength = named[2]
    return rule.concept, substance, strength
