"""What OMOP's concept numbers stand for.

Comes in: the CONCEPT and CONCEPT_ANCESTOR tables, where a site hands them over, and
`codes/omop_concepts.csv`.
Goes out: the code of each number, as the code lists know it; units, answers, limits.
Refuses: nothing; a number that stands in neither has no code.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from screening.clinical.answers import AFFIRMED, DENIAL, DOUBT, Answer, answer_of, is_bare_no
from screening.clinical.codes import Codes, normal_word
from screening.clinical.files import text_of
from screening.clinical.omop_ancestors import nearest_listed
from screening.clinical.omop_files import Misshapen, pieces
from screening.clinical.parse import looked_up

_CONCEPT = ("concept_id", "concept_name", "vocabulary_id", "concept_code")
# Vocabularies of what is no code of a fact, told apart from code systems by these names.
_PLAIN = {"UCUM": "UCUM", "Gender": "GENDER", "Race": "RACE", "Ethnicity": "ETHNICITY"}
_NO_CONCEPT = ("", "0")
# Whose disease stands under a concept: rows of `omop_concepts.csv`, or by its name.
OWN, FAMILY, NOBODY = "own", "family", "nobody"
_DENIED = r"(?i)\bno (?:\w+ )?(?:\w+ )?history\b"
_OF_FAMILY = r"(?i)\b(?:family|maternal|paternal) history\b|^FH\b"


@dataclass(frozen=True, slots=True)
class Concepts:
    """Concepts by their number as text.

    coded : system and code of those that a list can know
    named : the names of medicines
    there : every number of CONCEPT
    by_name : whose disease stands under a concept, where its name says that
    answers : the concepts whose names affirm, deny or doubt
    """

    codes: Codes
    coded: dict[str, tuple[str, str]]
    named: dict[str, str]
    there: frozenset[str]
    by_name: dict[str, str]
    answers: dict[str, Answer]

    def is_there(self, number: str) -> bool:
        """Whether a number is known at all; 0 says "no matching concept"."""
        return number in _NO_CONCEPT or number in self.there or number in self.coded

    def plain(self, number: str, kind: str) -> str:
        """Return the code of a number that is of one kind, such as UCUM or RACE; else ""."""
        system, code = self.coded.get(number, ("", ""))
        return code if system == kind else ""

    def history(self, number: str) -> str:
        """Return whose disease stands under a concept; "" for one that is no history."""
        return self.by_name.get(number) or self.plain(number, "HISTORY")

    def answer(self, number: str) -> Answer:
        """Return what a concept answers; UNKNOWN for one that nobody knows."""
        if number in _NO_CONCEPT:
            return Answer.NOTHING
        system, code = self.coded.get(number, ("", ""))
        listed = self.said(code) if system == "ANSWER" or self._is_answer(code) else None
        named = listed or self.answers.get(number)
        return named or (Answer.OTHER if self.is_there(number) else Answer.UNKNOWN)

    def said(self, text: str) -> Answer:
        """Return what a text answers, or the code of an answer (`codes/words.csv`)."""
        return answer_of(self._word(text))

    def is_bare_no(self, text: str) -> bool:
        """Whether a text is a denial and nothing else, or the code of one."""
        return is_bare_no(self._word(text))

    def _word(self, text: str) -> str:
        return self.codes.words.get(_answer_word(text), text)

    def _is_answer(self, text: str) -> bool:
        return _answer_word(text) in self.codes.words

    def is_fact(self, table: str, number: str) -> bool:
        """Whether the lists of a canonical table know a concept."""
        system, code = self.coded.get(number, ("", ""))
        return bool(system) and self._used(table)(f"{system}|{code}")

    def by_number(self, table: str, numbers: pa.Array) -> pa.Array:
        """Return the code of each concept that the lists of a canonical table know; else ""."""
        return self._by_number(numbers, self._used(table))

    def by_text(self, table: str, texts: pa.Array) -> pa.Array:
        """Return each text that the lists of a canonical table know as a code; else ""."""
        used = self._used(table)
        return _looked_up(texts, lambda t: t if used(t) else "")

    def known(self, table: str, piece: pa.Table, base: str) -> tuple[pa.Array, pa.Array]:
        """Return the code of each row that the lists of a canonical table know, and a drug's name.

        The standard concept comes first, then the source's, then the source value as a code.
        """
        ways = (
            self.by_number(table, text_of(piece.column(f"{base}_concept_id"))),
            self.by_number(table, text_of(piece.column(f"{base}_source_concept_id"))),
            self.by_text(table, text_of(piece.column(f"{base}_source_value"))),
        )
        code = ways[2]
        for way in ways[1::-1]:
            code = pc.if_else(pc.not_equal(way, ""), way, code)
        if table != "medication":
            return code, pa.array([""] * len(code), pa.string())
        names = (
            _looked_up(text_of(piece.column(f"{base}_concept_id")), self._name),
            _looked_up(text_of(piece.column(f"{base}_source_value")), self._drug),
        )
        return code, pc.if_else(pc.not_equal(names[0], ""), names[0], names[1])

    def units(self, piece: pa.Table) -> pa.Array:
        """Return each row's unit: its concept's, else as the source wrote it."""
        coded = _looked_up(
            text_of(piece.column("unit_concept_id")), lambda t: self.plain(t, "UCUM")
        )
        return pc.if_else(
            pc.not_equal(coded, ""), coded, text_of(piece.column("unit_source_value"))
        )

    def values(self, piece: pa.Table, numbers: pa.Array) -> pa.Array:
        """Return each row's value: a number, after its limit sign if it has one, or an answer."""
        if "operator_concept_id" in piece.column_names:
            sign = _looked_up(text_of(piece.column("operator_concept_id")), self._limit)
            has = pc.not_equal(numbers, "")
            numbers = pc.if_else(has, pc.binary_join_element_wise(sign, numbers, ""), numbers)
        answer = _looked_up(text_of(piece.column("value_as_concept_id")), self._answer)
        found = pc.if_else(pc.not_equal(answer, ""), answer, numbers)
        if "value_as_string" in piece.column_names:
            said = text_of(piece.column("value_as_string"))
            found = pc.if_else(pc.equal(found, ""), said, found)
        return found

    def _limit(self, number: str) -> str:
        return self.plain(number, "OPERATOR").replace("=", "") if number else ""

    def _answer(self, number: str) -> str:
        _, code = self.coded.get(number, ("", ""))
        return code if normal_word(code) in self.codes.smoking else ""

    def _used(self, table: str) -> Callable[[str], bool]:
        if table == "observation":
            return lambda code: self.codes.measurement(code) is not None
        return lambda code: self.codes.rule(table, code) is not None

    def _by_number(self, numbers: pa.Array, used: Callable[[str], bool]) -> pa.Array:
        def code_of(number: str) -> str:
            system, code = self.coded.get(number, ("", ""))
            written = f"{system}|{code}"
            return written if system and used(written) else ""

        return _looked_up(numbers, code_of)

    def _name(self, number: str) -> str:
        return self._drug(self.named.get(number, ""))

    def _drug(self, name: str) -> str:
        """Keep a text only where it names a medicine of the list."""
        words = pc.split_pattern_regex(pa.array([normal_word(name)]), r"[^\p{L}]+")[0].as_py()
        return name if any(word in self.codes.names for word in words) else ""


def _answer_word(text: str) -> tuple[str, str]:
    return "answer", normal_word(text.rpartition("|")[2])


def read_concepts(
    file: Path | None, ancestors: Path | None, misshapen: Misshapen, codes: Codes
) -> Concepts:
    """Read CONCEPT and CONCEPT_ANCESTOR, as far as the program can use them."""
    coded = {str(number): pair for number, pair in codes.omop.items()}
    named: dict[str, str] = {}
    there: set[str] = set()
    by_name: dict[str, str] = {}
    answers: dict[str, Answer] = {}
    for piece in pieces(file, misshapen, _CONCEPT, ()) if file is not None else ():
        numbers = piece.column("concept_id").to_pylist()
        there.update(numbers)
        by_name |= dict.fromkeys(_named(piece, _OF_FAMILY), FAMILY)
        by_name |= dict.fromkeys(_named(piece, _DENIED), NOBODY)
        answers |= _answering(piece)
        columns = (piece.column(c).to_pylist() for c in _CONCEPT[1:])
        for number, name, vocabulary, code in zip(numbers, *columns, strict=True):
            system = codes.system(vocabulary) or _PLAIN.get(vocabulary, "")
            # The short list's races and sexes are already in the words of the tables.
            if system and number not in coded:
                coded[number] = (system, code)
            if system == "RXNORM":
                named[number] = name
    coded |= _below_listed(ancestors, misshapen, codes, coded)
    return Concepts(codes, coded, named, frozenset(there), by_name, answers)


def _answering(piece: pa.Table) -> dict[str, Answer]:
    """Return what the concepts answer whose names hold a word that affirms, denies or doubts."""
    names = piece.column("concept_name")
    fits = (pc.match_substring_regex(names, p) for p in (AFFIRMED, DENIAL, DOUBT))
    may = reduce(pc.or_, fits)
    few = piece.filter(may)
    numbers, said = (few.column(c).to_pylist() for c in ("concept_id", "concept_name"))
    return {number: answer_of(name) for number, name in zip(numbers, said, strict=True)}


def _named(piece: pa.Table, pattern: str) -> list[str]:
    """Return the numbers of the concepts whose names fit."""
    is_one = pc.match_substring_regex(piece.column("concept_name"), pattern)
    return list(piece.filter(is_one).column("concept_id").to_pylist())


def _below_listed(
    file: Path | None, misshapen: Misshapen, codes: Codes, coded: dict[str, tuple[str, str]]
) -> dict[str, tuple[str, str]]:
    """Return, for concepts no list knows, the code of the nearest listed one above them."""
    if file is None:
        return {}
    clinical = {n: f"{system}|{code}" for n, (system, code) in coded.items()}
    listed = {n for n, code in clinical.items() if codes.passes_down(code)}
    listed |= {n for n, (system, _) in coded.items() if system == "HISTORY"}
    own = {n for n, code in clinical.items() if _is_listed(codes, code)}
    nearest = nearest_listed(file, misshapen, listed)
    return {below: coded[above] for below, above in nearest.items() if below not in own}


def _is_listed(codes: Codes, code: str) -> bool:
    return codes.measurement(code) is not None or any(
        codes.is_named(table, code) for table in codes.rules
    )


def _looked_up(texts: pa.Array, find: Callable[[str], str]) -> pa.Array:
    return pa.array(looked_up(texts, find), pa.string())
