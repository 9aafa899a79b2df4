"""What a medicine is, and how strong.

Comes in: the text columns of `medication`. Goes out: its concepts, and of a statin the
intensity.
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


ANTIHYPERTENSIVE = "antihypertensive"


@dataclass(frozen=True, slots=True, eq=False)
class Drugs:
    """One entry a row.

    concepts : what the medicine is; of a package with two, both; empty where no list knows it
    intensity : low, moderate, high or empty
    """

    concepts: NDArray[np.object_]
    intensity: NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class _ByName:
    concepts: tuple[str, ...]
    substance: str
    strength_mg: float | None


_NOTHING = _ByName((), "", None)


def drugs_of(table: pa.Table, codes: Codes) -> Drugs:
    """Tell the medicine of each row of `medication`."""
    code, name = column(table, "code"), column(table, "name")
    stated = numbers(column(table, "daily_dose_mg"))
    rules = {c: codes.rules_of("medication", c) for c in code.unique().to_pylist()}
    known = {t: _named(t, codes) for t in name.unique().to_pylist()}
    concepts = np.empty(table.num_rows, dtype=object)
    intensity = np.empty(table.num_rows, dtype=object)
    rows = zip(code.to_pylist(), name.to_pylist(), stated, strict=True)
    for place, (coded, called, dose) in enumerate(rows):
        found = _one(rules[coded], known[called])
        concepts[place] = found.concepts
        daily = float(dose) if not np.isnan(dose) else found.strength_mg
        intensity[place] = codes.intensity(found.substance, daily)
    return Drugs(concepts, intensity)


def strengths_mg(name: str) -> tuple[float, ...]:
    """Return the strengths a medicine's name tells, in the order of its parts."""
    return tuple(float(m) for m in _STRENGTH.findall(name))


def _named(name: str, codes: Codes) -> _ByName:
    """Return concepts, substance and strength by the words of a name.

    Of several medicines in one package the statin decides, and its strength is the one that
    stands behind its name, else in the place it has among the parts. A brand of two drugs names
    no substance, since of its two strengths none is known to be the statin's.
    """
    words = [w.lower() for w in _WORD.findall(name)]
    hits = [(word, found) for word in words for found in codes.names.get(word, ())]
    if not hits:
        return _NOTHING
    statins = sorted(
        (h for h in hits if h[1].concept == "statin"), key=lambda h: not h[1].substance
    )
    word, found = next(iter(statins), hits[0])
    behind = name.lower().split(word, 1)[1]
    given = strengths_mg(behind)
    # "Atorvastatin 40 MG / Ezetimibe 10 MG": the first behind the name.
    concepts = _with_pressure(found.concept, {h.concept for _, h in hits})
    return _ByName(concepts, found.substance, given[0] if given else None)


def _with_pressure(concept: str, all_of_them: set[str]) -> tuple[str, ...]:
    """Keep a blood-pressure drug beside a lipid drug: the equations ask for each of the two."""
    is_beside = ANTIHYPERTENSIVE in all_of_them and concept != ANTIHYPERTENSIVE
    return (concept, ANTIHYPERTENSIVE) if is_beside else (concept,)


def _one(rules: tuple[Rule, ...], named: _ByName) -> _ByName:
    """Put code and name together: the code tells what it is, the name how much."""
    if not rules:
        return named
    rule = rules[0]
    strength, substance = rule.strength_mg, rule.substance
    if named.concepts[:1] == (rule.concept,):
        substance = substance or named.substance
        if named.substance == substance and strength is None:
            strength = named.strength_mg
    concepts = _with_pressure(rule.concept, {r.concept for r in rules} | {*named.concepts})
    return _ByName(concepts, substance, strength)
