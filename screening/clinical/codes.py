"""The code lists of `codes/*.csv`: plain tables a site may edit.

Comes in: nothing but the files beside this one. Goes out: frozen look-ups.
Refuses: a list that cannot be read as it should (ScreeningError naming the file and line).
"""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from screening.errors import ScreeningError

_FOLDER = Path(__file__).resolve().parent / "codes"

# A code holds letters and digits only once its dots are gone: what else stands in the column
# (a name, a sentence) is never taken for a code, and so never stored.
_CODE = re.compile(r"[A-Z0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Rule:
    """Codes from `first` to `last`: alike in full, or in their first characters."""

    concept: str
    is_prefix: bool
    first: str
    last: str

    def holds(self, code: str) -> bool:
        """Whether `code` (no dots, upper case) falls under the rule."""
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
class Codes:
    """All lists. Look-ups are by normalised text (`normal_word`, `normal_unit`, …)."""

    measurements: Mapping[str, Measurement]
    factors: Mapping[tuple[str, str], float]
    ranges: Mapping[str, Range]
    smoking: Mapping[str, float | None]
    words: Mapping[tuple[str, str], str]
    rules: Mapping[str, tuple[Rule, ...]]  # by table: condition, medication, procedure

    def concept(self, table: str, code: str) -> str | None:
        """Return what a recorded code stands for; None where the program does not use it.

        The rule with the most characters wins, so an exception may stand inside a family.
        """
        plain = normal_code(code).replace(".", "")
        if not _CODE.fullmatch(plain):
            return None
        found = [r for r in self.rules[table] if r.holds(plain)]
        if not found:
            return None
        return max(found, key=lambda r: len(r.first)).concept or None


def normal_code(code: str) -> str:
    """Drop the code system in front of a code ("LOINC:", "http://loinc.org|") and what follows
    a five-digit procedure code as its modifier ("92928-LD").
    """  # noqa: D205
    bare = re.sub(r"^.*[|:]", "", code).strip().upper()
    return re.sub(r"^(\d{5})[- ][A-Z0-9]{2}$", r"\1", bare)


def normal_unit(unit: str) -> str:
    """Ignore case and blanks."""
    return re.sub(r"\s", "", unit).lower()


def normal_word(word: str) -> str:
    """Ignore case and blanks at the ends."""
    return word.strip().lower()


@cache
def load_codes() -> Codes:
    """Read all lists, once a process."""
    try:
        return Codes(
            measurements={
                normal_code(r["code"]): Measurement(r["concept"], r["quantity"])
                for r in _rows("observations")
            },
            factors={
                (r["quantity"], normal_unit(r["unit"])): float(r["factor"]) for r in _rows("units")
            },
            ranges={
                r["concept"]: Range(float(r["low"]), float(r["high"]), r["reason"])
                for r in _rows("ranges")
            },
            smoking={
                normal_word(r["value"]): float(r["smoker"]) if r["smoker"] else None
                for r in _rows("smoking")
            },
            words={(r["kind"], normal_word(r["word"])): r["value"] for r in _rows("words")},
            rules={
                "condition": tuple(_rules("conditions")),
                "medication": tuple(_rules("medications")),
                "procedure": tuple(_rules("procedures")),
            },
        )
    except (OSError, KeyError, ValueError) as error:
        raise ScreeningError(f"a code list in {_FOLDER.name}/ cannot be read: {error}") from error


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (_FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, strict=True)


def _rules(name: str) -> Iterator[Rule]:
    for number, row in enumerate(_rows(name), start=2):
        first, last = row["code"], row["code_to"] or row["code"]
        if row["match"] not in ("exact", "prefix") or len(first) != len(last) or first > last:
            raise ValueError(f"{name}.csv line {number}: match or range")
        yield Rule(row["concept"], row["match"] == "prefix", first, last)
