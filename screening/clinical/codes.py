"""The code lists of `codes/*.csv`: plain tables a site may edit.

Comes in: the files beside this one, and a folder with those that a site keeps in their place.
Goes out: frozen look-ups.
Refuses: a list that cannot be read as it should, a list nobody asks for (ScreeningError naming the
file and line).
"""

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from screening.errors import ScreeningError

_FOLDER = Path(__file__).resolve().parent / "codes"
LISTS = tuple(sorted(f.stem for f in _FOLDER.glob("*.csv")))

# A code holds letters and digits only once its dots are gone: what else stands in the column
# (a name, a sentence) is never taken for a code, and so never stored.
_CODE = re.compile(r"[A-Z0-9]{1,18}")
_KEPT_CODES = 100_000
_KEPT_SYSTEM = 40  # characters of a text in which a system's name before a blank is looked for
# Behind a procedure's code its modifiers: 75571-26, 92928 LD 59, C9600-LC, 75571TC. Glued to it
# one begins with a letter, and the code not with 0, as ICD-10-PCS has 02703DZ; of diseases the
# lists have T86 alone under C, Q, S and T.
_MODIFIED = re.compile(
    r"(?P<glued>[1-9]\d{4})[A-Z][A-Z0-9]"
    r"|(?P<apart>\d{5}|\d{4}T|[CQST]\d{4})(?:[ ,-]{1,2}[A-Z0-9]{2})+"
)
_LETTERS = re.compile(r"[^a-z0-9]")

# Three digits of ICD-9 would hit half of SNOMED CT, and classes of encounters are words: their
# rules hold only where a code names its system.
_NAMED_ONLY = frozenset(("ICD9", "V3ACT"))
# ICD-10-GM writes how sure a diagnosis is behind its code: A excluded, V suspected, Z status after,
# G confirmed. None of these is a code of ICD-10-CM (E11.A is one: behind three characters).
# The side (R, L, B) may stand before or behind it, and +, * and ! after a code of two.
_MARKED = re.compile(
    r"([EGINZ]\d\d(?:\d{1,3}(?=[RLB]?[AVGZ])|(?=[RLB]?[VGZ]))|I64(?=A))[RLB]?([AVGZ])[RLB]?"
)
# Any other letter there makes the code unknown, but a side alone and what ICD-10-CM has.
_LETTERED = re.compile(r"[EGINZ]\d{2,5}(?![RLB]$)[A-Z]+")
_ENDS_IN_LETTER = frozenset(("E11A", "I21A", "I21B"))
_BESIDE_CODE = re.compile(r"[\s+*!†‡-]")
_NO_FACT = {"A": "excluded (ICD-10-GM A)", "V": "suspected (ICD-10-GM V)"}
# The code system of a code whose system is stated and not in `systems.csv`: no rule holds.
FOREIGN = "?"


@dataclass(frozen=True, slots=True)
class Rule:
    """Codes from `first` to `last`: alike in full, or in their first characters."""

    concept: str
    is_prefix: bool
    first: str
    last: str
    system: str = ""
    substance: str = ""
    strength_mg: float | None = None
    is_alone: bool = False  # what stands below it in a hierarchy does not count as it

    def holds(self, code: str, system: str = "") -> bool:
        """Whether `code` (no dots, upper case) of a system, "" for unknown, falls under it."""
        if self.system != system and (system or self.system in _NAMED_ONLY):
            return False
        if not self.is_prefix and len(code) != len(self.first):
            return False
        return self.first <= code[: len(self.first)] <= self.last


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one observation code measures."""

    concept: str
    quantity: str


@dataclass(frozen=True, slots=True)
class Range:
    """What a value may be, both ends included, and the reason outside."""

    low: float
    high: float
    reason: str


@dataclass(frozen=True, slots=True)
class Swap:
    """Values of a concept that speak for another unit than the one stated.

    at_most, at_least : canonical; from there on a value stated in `unit` is rare
    factor : from the canonical value to that of the other unit, ordinary from low to high
    """

    concept: str
    unit: str
    at_most: float
    at_least: float
    factor: float
    ordinary_low: float
    ordinary_high: float


@dataclass(frozen=True, slots=True)
class Named:
    """A medicine by a word of its name."""

    concept: str
    substance: str


@dataclass(frozen=True, slots=True)
class Dose:
    """The intensity of a statin at a daily dose, both ends included."""

    substance: str
    from_mg: float
    to_mg: float
    intensity: str


@dataclass(frozen=True, slots=True)
class Codes:
    """All lists. Look-ups are by normalised text (`normal_word`, `normal_unit`, …)."""

    measurements: Mapping[tuple[str, str], Measurement]  # by system ("" any) and code
    factors: Mapping[tuple[str, str], float]
    ranges: Mapping[str, Range]
    swaps: tuple[Swap, ...]
    smoking: Mapping[str, float | None]
    words: Mapping[tuple[str, str], str]
    rules: Mapping[str, tuple[Rule, ...]]  # by table: condition, medication, procedure
    systems: Mapping[str, str]
    names: Mapping[str, tuple[Named, ...]]
    doses: tuple[Dose, ...]
    omop: Mapping[int, tuple[str, str]]  # system and code of a concept
    # Exports repeat a few hundred codes millions of times: what each was found to be is kept.
    _rules_found: dict[tuple[str, str], tuple[Rule, ...]] = field(default_factory=dict, repr=False)
    _measured: dict[str, Measurement | None] = field(default_factory=dict, repr=False)

    def rule(self, table: str, code: str) -> Rule | None:
        """Return the first rule of a recorded code; None where the program does not use it."""
        return next(iter(self.rules_of(table, code)), None)

    def rules_of(self, table: str, code: str) -> tuple[Rule, ...]:
        """Return the rules of a recorded code, a concept each; none where it is not used.

        The rule with the most characters wins, so an exception may stand inside a family. Where
        several have as many, the code tells several facts (diabetes with arterial disease).
        """
        key = (table, code)
        if key not in self._rules_found:
            _make_room(self._rules_found)
            self._rules_found[key] = self._find_rules(table, code)
        return self._rules_found[key]

    def _find_rules(self, table: str, code: str) -> tuple[Rule, ...]:
        found = self._matching(table, code)
        longest = max((len(r.first) for r in found), default=0)
        best: dict[str, Rule] = {}
        for rule in found:
            if len(rule.first) == longest:
                best.setdefault(rule.concept, rule)
        return () if "" in best else tuple(best.values())

    def _plain(self, table: str, code: str) -> tuple[str, str]:
        """Return system and code without dots, and without the marker of ICD-10-GM."""
        system, plain = self.split(code)
        plain = plain.replace(".", "")
        if table == "condition" and system in ("ICD10", ""):
            marked = _MARKED.fullmatch(_BESIDE_CODE.sub("", plain))
            if marked:
                return system, marked[1]
            plain = plain.rstrip("+*!†‡")
            bare = _BESIDE_CODE.sub("", plain)
            if _LETTERED.fullmatch(bare) and bare not in _ENDS_IN_LETTER:
                return system, ""
        return system, plain

    def no_fact(self, code: str) -> str:
        """Say why a condition's code is none by its own marker; "" where it is one."""
        system, plain = self.split(code)
        marked = _MARKED.fullmatch(_BESIDE_CODE.sub("", plain.replace(".", "")))
        return _NO_FACT.get(marked[2], "") if marked and system in ("ICD10", "") else ""

    def is_named(self, table: str, code: str) -> bool:
        """Whether a list names a code, be it to say that it is nothing."""
        return bool(self._matching(table, code))

    def passes_down(self, code: str) -> bool:
        """Whether what stands below a condition or procedure in a hierarchy counts as it.

        So it is, too, where a list names a code to be nothing: its own descendants are nothing.
        """
        found = [r for table in ("condition", "procedure") for r in self._matching(table, code)]
        return bool(found) and not any(r.is_alone for r in found)

    def _matching(self, table: str, code: str) -> list[Rule]:
        system, plain = self._plain(table, code)
        if not _CODE.fullmatch(plain):
            return []
        return [r for r in self.rules[table] if r.holds(plain, system)]

    def concepts(self, table: str, code: str) -> tuple[str, ...]:
        """Return what a recorded code stands for; nothing where the program does not use it."""
        return tuple(rule.concept for rule in self.rules_of(table, code))

    def measurement(self, code: str) -> Measurement | None:
        """Return what an observation code measures; None where the program does not use it."""
        if code not in self._measured:
            _make_room(self._measured)
            self._measured[code] = self.measurements.get(self.split(code))
        return self._measured[code]

    def split(self, code: str) -> tuple[str, str]:
        """Take a code apart: its system ("" where none is stated or none is known), the rest.

        The system stands before a bar or a colon, or, where it is one of `systems.csv`, a blank.
        """
        head, sign, _ = code.rpartition("|")
        if not sign:
            head = code.rpartition(":")[0]
        stated = head.strip()
        if stated == FOREIGN:
            return FOREIGN, normal_code(code)
        if stated:
            return self.system(stated), normal_code(code)
        # The longest first: "SNOMED CT 22298006".
        for blank in reversed([m.start() for m in re.finditer(r"\s", code[:_KEPT_SYSTEM])]):
            system = self.system(code[:blank])
            if system:
                return system, normal_code(code[blank:])
        return "", normal_code(code)

    def system(self, written: str) -> str:
        """Return the code system by any of its names; "" where it is not in `systems.csv`."""
        word = normal_word(written).removesuffix("/")
        return self.systems.get(word) or self.systems.get(_LETTERS.sub("", word), "")

    def intensity(self, substance: str, daily_mg: float | None) -> str:
        """Return low, moderate or high; "" where dose or drug does not tell."""
        if daily_mg is None:
            return ""
        for dose in self.doses:
            if dose.substance == substance and dose.from_mg <= daily_mg <= dose.to_mg:
                return dose.intensity
        return ""


def _make_room(found: dict[Any, Any]) -> None:
    """Forget all where texts that are no codes would fill the memory."""
    if len(found) > _KEPT_CODES:
        found.clear()


def normal_code(code: str) -> str:
    """Drop the code system in front of a code ("LOINC:", "http://loinc.org|") and what follows
    a procedure code as its modifiers ("92928-LD").
    """  # noqa: D205
    bare = re.sub(r"^.*[|:]", "", code).strip().upper()
    modified = _MODIFIED.fullmatch(bare)
    return (modified["glued"] or modified["apart"]) if modified else bare


def normal_unit(unit: str) -> str:
    """Ignore case and blanks."""
    return re.sub(r"\s", "", unit).lower()


def normal_word(word: str) -> str:
    """Ignore case and blanks at the ends."""
    return word.strip().lower()


@cache
def load_codes(own: Path | None = None) -> Codes:
    """Read all lists, once a process.

    Parameters
    ----------
    own : a site's folder; a list in it stands in the place of the program's of that name
    """
    _check_own(own)
    try:
        return _codes(lambda name: _rows(own, name))
    except (OSError, KeyError, ValueError, csv.Error) as error:
        raise ScreeningError(f"a code list in {_FOLDER.name}/ cannot be read: {error}") from error


def _check_own(own: Path | None) -> None:
    if own is None:
        return
    if not own.is_dir():
        raise ScreeningError(f"settings: no folder of code lists at {own}; check clinical.codes")
    unknown = sorted(f.name for f in own.glob("*.csv") if f.stem not in LISTS)
    if unknown:
        raise ScreeningError(
            f"settings: {unknown[0]} in clinical.codes is no list of this program; "
            f"lists: {', '.join(LISTS)}"
        )


def _codes(rows: Callable[[str], Iterator[dict[str, str]]]) -> Codes:
    measurements: dict[tuple[str, str], Measurement] = {}
    for r in rows("observations"):
        for system in (r["system"], ""):
            measured = Measurement(r["concept"], r["quantity"])
            measurements[system, normal_code(r["code"])] = measured
    factors = {(r["quantity"], normal_unit(r["unit"])): float(r["factor"]) for r in rows("units")}
    quantities = {m.concept: m.quantity for m in measurements.values()}
    return Codes(
        measurements=measurements,
        factors=factors,
        swaps=tuple(_swap(r, factors, quantities) for r in rows("unit_swaps")),
        ranges={
            r["concept"]: Range(float(r["low"]), float(r["high"]), r["reason"])
            for r in rows("ranges")
        },
        smoking={
            normal_word(r["value"]): float(r["smoker"]) if r["smoker"] else None
            for r in rows("smoking")
        },
        words={(r["kind"], normal_word(r["word"])): r["value"] for r in rows("words")},
        rules={
            "condition": tuple(_rules("conditions", rows("conditions"))),
            "medication": tuple(_rules("medications", rows("medications"))),
            "procedure": tuple(_rules("procedures", rows("procedures"))),
        },
        systems={normal_word(r["written"]): r["system"] for r in rows("systems")},
        names=_names(rows("medication_names")),
        doses=tuple(
            Dose(r["substance"], float(r["from_mg"]), float(r["to_mg"]), r["intensity"])
            for r in rows("statin_intensity")
        ),
        omop={int(r["concept_id"]): (r["system"], r["code"]) for r in rows("omop_concepts")},
    )


def _swap(
    row: dict[str, str], factors: Mapping[tuple[str, str], float], quantities: Mapping[str, str]
) -> Swap:
    quantity, unit = quantities[row["concept"]], normal_unit(row["unit"])
    return Swap(
        row["concept"],
        unit,
        float(row["at_most"] or "-inf"),
        float(row["at_least"] or "inf"),
        factors[quantity, normal_unit(row["instead"])] / factors[quantity, unit],
        float(row["ordinary_low"]),
        float(row["ordinary_high"]),
    )


def _rows(own: Path | None, name: str) -> Iterator[dict[str, str]]:
    file = _FOLDER / f"{name}.csv"
    if own is not None and (own / file.name).is_file():
        file = own / file.name
    with file.open(encoding="utf-8-sig", newline="") as lines:
        yield from csv.DictReader(lines, strict=True)


def _names(rows: Iterator[dict[str, str]]) -> dict[str, tuple[Named, ...]]:
    names: dict[str, tuple[Named, ...]] = {}
    for r in rows:
        word = normal_word(r["word"])
        names[word] = (*names.get(word, ()), Named(r["concept"], r["substance"]))
    return names


def _rules(name: str, rows: Iterator[dict[str, str]]) -> Iterator[Rule]:
    for number, row in enumerate(rows, start=2):
        first, last = row["code"], row["code_to"] or row["code"]
        if (
            row["match"] not in ("exact", "prefix", "alone")
            or len(first) != len(last)
            or first > last
        ):
            raise ValueError(f"{name}.csv line {number}: match or range")
        strength = row.get("strength_mg") or ""
        yield Rule(
            row["concept"],
            row["match"] == "prefix",
            first,
            last,
            row["system"],
            row.get("substance") or "",
            float(strength) if strength else None,
            row["match"] == "alone",
        )
