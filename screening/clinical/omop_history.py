"""Whose disease a row of OMOP's `observation` tells: the person's own, a relative's, nobody's.

Comes in: pieces of `observation`, what its concepts stand for.
Goes out: the code of each row by a list of facts; which rows answer no, or nobody knows what.
Refuses: a disease under a concept that nobody knows: it may be a relative's; a fact that is
answered with no, with a word for "not known", or with a concept that nobody knows.

"History of event" and its like name the disease in their value (OHDSI's convention for "Maps to
value"); many warehouses leave it to the source value. A relative's infarction or ischaemic heart
disease is family history (as ICD-10-CM Z82.49 is), every other disease of a relative is no fact.
A value that no list knows as a fact is an answer. What is no plain yes ("Mother had MI") makes
nobody ill: it is counted, and told of the person. Only beside a value that names the fact by a code
are other words details. A yes in one of the values stands, whatever details stand in the others;
only a bare no contradicts it. Of a formal score a number is the result, 0 too.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from screening.clinical.answers import Answer
from screening.clinical.files import text_of
from screening.clinical.omop_concepts import FAMILY, OWN, Concepts
from screening.clinical.parse import Bools, bools, looked_up
from screening.clinical.reports import FORMAL_SCORE

MAY_TAKE = (
    "value_as_concept_id", "value_as_string", "value_source_value", "value_as_number",
)  # fmt: skip
_STATED, _UNKNOWN = "stated", "unknown"
_FAMILY_CODE = "ICD10|Z82.49"
_OF_FAMILY = frozenset(("myocardial_infarction", "chronic_ischaemic_heart_disease"))
# Codes that say themselves what they are, under whatever concept: ICD-10's Z, ICD-9's V.
_SELF_TELLING = re.compile(r"(?:ICD10\||ICD9\|)?\s*[ZV]\d", re.IGNORECASE)
# Of procedures those that are billed, by CPT or HCPCS: nobody is billed for a relative's.
_BILLED = re.compile(r"(?:(?:CPT|HCPCS)\|)?\s*(?:\d{4}[\dT]|[A-Z]\d{4})", re.IGNORECASE)
# Why a row tells no fact, and that one does all the same.
NO, NOT_KNOWN = "answered no", "answer not known"
UNCLEAR = "answer that is no plain yes, not believed"
KEPT = "answer that no list knows beside a code, kept"
_BARE_NO = "bare no"
# What an unclear answer leaves of any other fact.
_UNCLEAR_CODE = "NOTKNOWN|NK003"
# What a doubt leaves of a fact whose absence the equations take for "no".
_UNKNOWN_CODES = {
    "diabetes": "NOTKNOWN|NK001", "family_history_mi": "NOTKNOWN|NK002",
}  # fmt: skip
# From the weakest to the strongest.
_DOES = {
    Answer.OTHER.value: UNCLEAR, Answer.UNKNOWN.value: NOT_KNOWN, Answer.NO.value: NO,
    Answer.YES.value: "", _BARE_NO: NO,
}  # fmt: skip
# What a formal score came to: a number, that no calcium was seen.
_RESULT = re.compile(
    r"(?i)\W*(?:(?:score|cac|agatston)\W*)*(?:\d|zero\b)|\W*no\s(?:\w+\s){0,3}(?:calci|plaque)|.*\bscore\W*(?:of|is)?\W*\d"
)


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """The code of each row, "" where it tells nothing; what its answer did to it, "" for nothing.

    answer : NO (without a code), NOT_KNOWN and UNCLEAR (without one, or with that of "not known"),
        KEPT
    """

    code: pa.Array
    answer: NDArray[np.object_]

    @property
    def is_told(self) -> Bools:
        """Where a row tells a fact."""
        return bools(pc.not_equal(self.code, ""))


def told(table: str, piece: pa.Table, concepts: Concepts) -> Told:
    """Return what the rows of `observation` tell by the lists of `condition` or `procedure`."""
    whose, plain = _whose(piece, concepts), concepts.known(table, piece, "observation")[0]
    of_value = _first(
        concepts.by_number(table, text_of(piece.column("value_as_concept_id"))),
        concepts.by_text(table, text_of(piece.column("value_source_value"))),
    )
    code = _first(of_value, plain)
    of_row = {OWN: code, _STATED: plain}
    if table == "condition":
        of_row |= {
            FAMILY: _changed(code, lambda c: _of_family(c, concepts)),
            _UNKNOWN: _changed(plain, lambda c: c if _SELF_TELLING.match(c) else ""),
        }
    else:
        of_row[_UNKNOWN] = _changed(plain, lambda c: c if _BILLED.fullmatch(c) else "")
    found = pa.array([""] * piece.num_rows, pa.string())
    for name, codes in of_row.items():
        found = pc.if_else(pa.array(whose == name), codes, found)
    answer = np.full(piece.num_rows, "", dtype=object)
    is_fact = bools(pc.not_equal(found, ""))
    is_fact_there = pa.array(is_fact)
    facts = found.filter(is_fact_there)
    answer[is_fact] = _answers(table, piece.filter(is_fact_there), facts, concepts)
    is_coded = np.isin(whose, [OWN, FAMILY]) & bools(pc.not_equal(of_value, ""))
    answer[(answer == UNCLEAR) & is_coded] = KEPT
    for says, unclear in ((NO, None), (NOT_KNOWN, ""), (UNCLEAR, _UNCLEAR_CODE)):
        left = _changed(found, partial(_left, table, unclear, concepts))
        found = pc.if_else(pa.array(answer == says), left, found)
    return Told(found, answer)


def _whose(piece: pa.Table, concepts: Concepts) -> NDArray[np.object_]:
    def of(number: str) -> str:
        history = concepts.history(number)
        if history:
            return history
        return _STATED if concepts.is_there(number) else _UNKNOWN

    return looked_up(text_of(piece.column("observation_concept_id")), of)


def _of_family(code: str, concepts: Concepts) -> str:
    named = concepts.codes.concepts("condition", code)
    if "family_history_mi" in named:
        return code
    return _FAMILY_CODE if _OF_FAMILY.intersection(named) else ""


def _answers(
    table: str, piece: pa.Table, facts: pa.Array, concepts: Concepts
) -> NDArray[np.object_]:
    """Return what the values of each row do to its fact: a bare no most, then a yes."""

    def of_concept(number: str) -> str:
        return "" if concepts.is_fact(table, number) else concepts.answer(number).value

    def of_text(text: str) -> str:
        if concepts.codes.rule(table, text):
            return ""
        return _BARE_NO if concepts.is_bare_no(text) else concepts.said(text).value

    def of_score(text: str) -> str:
        return Answer.YES.value if _RESULT.match(text) else of_text(text)

    is_score = looked_up(facts, lambda c: _score(table, c, concepts)) == FORMAL_SCORE
    found = [looked_up(text_of(piece.column("value_as_concept_id")), of_concept)]
    for name in MAY_TAKE[1:]:
        said = text_of(piece.column(name))
        found.append(np.where(is_score, looked_up(said, of_score), looked_up(said, of_text)))
    strongest = np.full(piece.num_rows, "", dtype=object)
    for answer, does in _DOES.items():
        strongest[np.any([one == answer for one in found], axis=0)] = does
    return strongest


def _left(table: str, unclear: str | None, concepts: Concepts, code: str) -> str:
    """Return the code by which a person's fact is unknown; `unclear` for what no equation asks.

    None leaves nothing. Where the risk would read a fact's absence as "no", its own code says so.
    """
    if unclear is None:
        return ""
    named = concepts.codes.concepts(table, code) if table == "condition" else ()
    unknown = next((_UNKNOWN_CODES[c] for c in named if c in _UNKNOWN_CODES), unclear)
    return unknown if concepts.codes.rule(table, unknown) else ""


def _score(table: str, code: str, concepts: Concepts) -> str:
    is_one = table == "procedure" and FORMAL_SCORE in concepts.codes.concepts(table, code)
    return FORMAL_SCORE if is_one else ""


def _first(*ways: pa.Array) -> pa.Array:
    found = ways[-1]
    for way in ways[-2::-1]:
        found = pc.if_else(pc.not_equal(way, ""), way, found)
    return found


def _changed(codes: pa.Array, change: Callable[[str], str]) -> pa.Array:
    return pa.array(looked_up(codes, change), pa.string())
