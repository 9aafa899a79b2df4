"""The patient's formal calcium score in the text of a report.

Comes in: one text, or many. Goes out: Agatston units, NaN where there is a score whose value is
not told ("> 400", a year in its place).
Refuses: a number counts only where a sentence states it as a score, of this patient, of the
coronaries, measured; in doubt it does not, since who counts as scored is never told.

Each mention, a name of the score with a number, is asked four questions (`_QUESTIONS`): is the
number a score at all, whose is it, of which organ, and is it stated of a measurement? The words
of each answer stand in `report_words`. English reports only.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from screening.clinical import report_words as words
from screening.clinical.report_sentences import Sentence, sentences, unwrapped
from screening.clinical.report_tables import Row, rows_of

HIGHEST_AGATSTON = 20_000.0  # as codes/ranges.csv
_HINT = rf"(?i){words.NAME}|{words.SCAN}"
_AROUND = 400  # characters of a sentence that are looked at on either side of a number
_YEARS = range(1990, 2040)


@dataclass(frozen=True, slots=True)
class _Mention:
    """A name of the score with a number, and the sentence around it, in pieces."""

    before: str
    name: str
    middle: str  # between name and number
    link: str  # its verbs and signs
    bound: str
    value: float
    after: str
    sentence: Sentence

    @property
    def is_coronary(self) -> bool:
        """Whether its own words name the coronaries."""
        near = words.CLAUSE.split(self.before[-60:])[-1] + self.name + self.middle
        return bool(words.CORONARY.search(near))

    @property
    def has_sign(self) -> bool:
        """Whether a verb or sign binds the number to the name."""
        return bool(re.search(r"[:=]|\b(?:is|was|were|showed|measure)", self.link))

    @property
    def is_past(self) -> bool:
        """Whether it is told of an earlier examination."""
        around = self.before[-60:] + self.middle + self.after[:25].split(",")[0]
        return bool(words.PAST.search(around)) and not words.TREND.search(self.middle)


@dataclass(frozen=True, slots=True)
class _Hit:
    value: float  # Agatston units, NaN where not told
    is_total: bool
    is_past: bool


@dataclass(frozen=True, slots=True, eq=False)
class Reported:
    """One entry a text.

    is_there : whether it reports a score
    value : Agatston units, NaN where it reports none or does not tell its value
    """

    is_there: NDArray[np.bool_]
    value: NDArray[np.float64]


def formal_scores(texts: pa.Array) -> Reported:
    """Return the formal calcium score that each text reports.

    Parameters
    ----------
    texts : string array without null (n,)
    """
    hinted = pc.match_substring_regex(texts, _HINT).to_numpy(zero_copy_only=False)
    value = np.full(len(texts), np.nan)
    is_there = np.zeros(len(texts), dtype=np.bool_)
    for place in np.flatnonzero(hinted):
        score = reported_score(texts[int(place)].as_py())
        if score is not None:
            is_there[place], value[place] = True, score
    return Reported(is_there, value)


def reported_score(text: str) -> float | None:
    """Return the patient's formal calcium score in one text, None where it reports none.

    Of several numbers what is told of now goes before what was, then the one called total, then
    the largest: arteries stand beside it. NaN: there is a score, and no number tells it.
    """
    flat = unwrapped(text)
    found = [hit for s in sentences(flat) for hit in _in_sentence(s)]
    found += [_hit_of(row) for row in rows_of(flat) if row.value <= HIGHEST_AGATSTON]
    if not found:
        return None
    told = [hit for hit in found if not np.isnan(hit.value)]
    told = [hit for hit in told if not hit.is_past] or told
    totals = [hit.value for hit in told if hit.is_total]
    return max(totals or [hit.value for hit in told], default=float("nan"))


def _hit_of(row: Row) -> _Hit:
    return _Hit(row.value, row.is_total, is_past=row.is_past)


def _in_sentence(sentence: Sentence) -> Iterator[_Hit]:
    for mention in _mentions(sentence):
        if any(is_refused(mention) for is_refused in _QUESTIONS):
            continue
        is_year = mention.value in _YEARS and not re.search(r"[:=]\s*\(?\s*$", mention.middle)
        is_told = not mention.bound and not is_year and not mention.after.startswith("+")
        clause = words.CLAUSE.split(mention.before)[-1]
        is_total = bool(words.TOTAL.search(clause + mention.name + mention.middle))
        renewed = _now(mention)
        value = mention.value if is_told else np.nan
        yield _Hit(value, is_total, mention.is_past or renewed is not None)
        if renewed is not None:
            yield _Hit(renewed, is_total, is_past=False)


def _now(mention: _Mention) -> float | None:
    """Return what a score has become since, where its sentence goes on to say so."""
    now = words.NOW.match(mention.after)
    if not now:
        return None
    value, rest = words.number(now["value"]), mention.after[now.end() :]
    return (
        value
        if words.NOW_ENDS.match(rest) and value <= HIGHEST_AGATSTON and value not in _YEARS
        else None
    )


def _mentions(sentence: Sentence) -> Iterator[_Mention]:
    said = sentence.text
    for stated in (words.MENTION, words.TOTAL_FIRST, words.SCAN_SAYS):
        for found in stated.finditer(said):
            yield _Mention(
                said[max(0, found.start() - _AROUND) : found.start()],
                found["name"],
                found["middle"],
                found["link"],
                found.groupdict().get("bound") or "",
                words.number(found["value"]),
                said[found.end() : found.end() + _AROUND],
                sentence,
            )
    for found in words.ZERO_FIRST.finditer(said):
        if not words.LEGEND_ENTRY.search(sentence.later):
            before = said[max(0, found.start("value") - _AROUND) : found.start("value")]
            after = said[found.end() : found.end() + _AROUND]
            yield _Mention(before, found["name"], "", "", "", 0.0, after, sentence)
    for found in words.NUMBER_FIRST.finditer(said):
        before = said[max(0, found.start() - _AROUND) : found.start()]
        is_named = re.search(r"\b(?:calci|coronar|plaque|total\s+score)", before, re.IGNORECASE)
        if is_named and not words.LIMIT_BEFORE.search(before):
            after = said[found.end() : found.end() + _AROUND]
            yield _Mention(before, "", "", "", "", words.number(found["value"]), after, sentence)


def _is_no_score(mention: _Mention) -> bool:
    """Whether the number counts, times or doses something, or is a grade or a category."""
    return (
        mention.value > HIGHEST_AGATSTON
        or not words.TAIL.match(mention.after)
        or (mention.value <= words.HIGHEST_STEP and mention.after.startswith("+"))
        or bool(words.SETTING.match(mention.after))
        or _is_legend(mention)
    )


def _is_legend(mention: _Mention) -> bool:
    """Whether a number explains what scores mean: "A calcium score of 0 implies low risk"."""
    value, after = mention.value, mention.after
    if words.RANGE.match(after) or re.match(r"\s*=", after):
        return True
    if words.LEGEND_SECTION.search(mention.sentence.section):
        return True
    if mention.bound or after.startswith("+"):
        return _is_bound_of_legend(mention)
    following = after + mention.sentence.later
    if value in words.ROUND and words.GRADED.match(after) and words.LEGEND_ENTRY.search(following):
        return True
    if value in words.ROUND and words.EXPLAINED.match(after) and not mention.has_sign:
        return True
    if mention.name.lower().endswith("scores") and not mention.has_sign:
        return True
    if not words.MEANS.match(after):
        return False
    if words.INDEFINITE.search(mention.before) and not words.HAS.search(mention.before):
        return True
    return value in words.ROUND and not words.DEFINITE.search(
        mention.before + mention.name + mention.middle
    )


def _is_bound_of_legend(mention: _Mention) -> bool:
    """Whether a limit stands for all who pass it; of one patient nothing but its end follows."""
    rest = re.sub(rf"^\+?(?:{words.UNIT})?\s*", "", mention.after, flags=re.IGNORECASE)
    if words.THERAPY.search(rest):
        return True
    is_aside = mention.middle.rstrip().endswith("(") or mention.before.rstrip().endswith("(")
    return is_aside or not re.match(r"$|[.,;)]|(?:in|on|from|with|and)\b", rest)


def _is_of_others(mention: _Mention) -> bool:
    """Whether the number is a relative's, or that of people at large."""
    said = words.INDICATION.sub(" ", mention.before)
    people = list(words.OTHER_PERSON.finditer(said))
    if people and not words.OWN.search(said[people[-1].end() :]):
        return True
    if words.OF_RELATIVE.match(mention.after) or words.LATER_OF_RELATIVE.match(mention.after):
        return True
    if words.FAMILY_SECTION.search(mention.sentence.section):
        return True
    if words.PEOPLE.search(words.COMPARED.sub(" ", said)):
        return True
    earlier = mention.sentence.earlier
    return bool(
        words.OTHER_PERSON.search(words.INDICATION.sub(" ", earlier))
        and words.SCANNED.search(earlier)
        and not words.OWN.search(said)
    )


def _is_of_other_organ(mention: _Mention) -> bool:
    """Whether it is a valve's, an aorta's, a kidney's; what names no organ is by its context."""
    if words.OF_OTHER_ORGAN.match(mention.after) or words.OTHER_ORGAN.search(mention.middle):
        return True
    if mention.is_coronary:
        return False
    said = words.NEGATED_FINDING.sub(" ", mention.before)
    return bool(
        words.OTHER_ORGAN.search(said)
        or words.OTHER_ORGAN.search(mention.sentence.section)
        or mention.sentence.report.is_valve
        or words.VALVE_NEAR.search(words.NEGATED_FINDING.sub(" ", mention.sentence.earlier))
        or not words.BEFORE_NAME.search(mention.before)
    )


def _is_not_stated(mention: _Mention) -> bool:
    """Whether it is denied, advised, supposed, set up, or guessed off another scan."""
    said = words.NEUTRAL.sub(" ", mention.before)
    section = mention.sentence.section
    clause = words.CLAUSE.split(said)[-1]
    is_denied = bool(words.NEGATION.search(clause))
    if is_denied and not (mention.value == 0 and words.NO_PLAQUE.search(clause)):
        return True
    if words.ADVICE.search(words.ADVICE_CLAUSE.split(said)[-1]):
        return True
    if words.TECHNIQUE_SECTION.search(section) or words.AFTERWARDS.search(
        mention.after.split(",")[0]
    ):
        return True
    return _is_guess(mention, said)


def _is_guess(mention: _Mention, said: str) -> bool:
    """Whether it is an estimate, a visual grade, or off a scan without gating."""
    middle = mention.middle
    if words.GUESS.search(words.ADVICE_CLAUSE.split(said)[-1] + mention.name + middle):
        return True
    if words.GUESS_AFTER.search(mention.after):
        return True
    whole = mention.before + middle + mention.after
    is_elsewhere = mention.is_past or words.GATED.search(whole)
    return mention.sentence.report.is_ungated and not is_elsewhere


_QUESTIONS = (_is_no_score, _is_of_others, _is_of_other_organ, _is_not_stated)
