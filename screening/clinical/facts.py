"""Observations, events and policies of the people who have a scan.

Comes in: the text columns of one clinical table and the `Link` to person keys.
Goes out: OBSERVATION, EVENT or POLICY with the counts of what was not taken.
Refuses: rows it cannot read, with a reason; a whole observation table without one known unit
(ScreeningError). Only texts that the code lists know are stored.
"""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from screening.clinical.codes import Codes, normal_unit, normal_word
from screening.clinical.drugs import drugs_of
from screening.clinical.link import WHO, Link, column, who_of
from screening.clinical.lipid_days import Measured, refuse_odd_days
from screening.clinical.parse import bools, dates, looked_up, numbers
from screening.clinical.people import Resolve
from screening.clinical.reports import FORMAL_AGATSTON, without_score
from screening.clinical.sieve import Sieve, Taken, without_copied_facts, without_copies
from screening.errors import ScreeningError
from screening.reasons import Reason
from screening.schema import Table
from screening.tables import EVENT, OBSERVATION, POLICY

Bools = NDArray[np.bool_]

SMOKER = "smoker"
# Codes of formal scores that no procedure code tells of.
OBSERVATION_CODE = "observation"
_LIMIT = r"^(?:[<>]=?|[≥≤≧≦~])\s*"


def read_observations(table: pa.Table, link: Link, codes: Codes, decimal: str = ".") -> Taken:
    """Turn the text columns of `observation` into OBSERVATION, in canonical units."""
    table = link.spread(table)
    columns = {name: column(table, name) for name in table.column_names}
    sieve = Sieve("observation", table.num_rows)
    quantity = {m.concept: m.quantity for m in codes.measurements.values()}
    concept = looked_up(columns["code"], lambda c: _measured(codes, c))
    factor = _factors(concept, quantity, columns["unit"], codes)
    _check_any_unit(concept, factor)
    keys = link.resolve(columns[WHO], sieve)
    is_used = np.array([c is not None for c in concept], dtype=np.bool_)
    sieve.refuse(~is_used, Reason.CODE_NOT_USED, "code_not_used")
    when = dates(columns["effective_at"])
    sieve.refuse(when.is_missing, Reason.BAD_VALUE, "effective_at")
    value = _values(concept, columns["value"], codes, sieve, decimal)
    for name in sorted(quantity):
        of_concept = concept == name
        unknown = of_concept & np.isnan(factor)
        sieve.refuse(unknown, Reason.UNIT_UNKNOWN, f"{name}: unit not in codes/units.csv")
        value = np.where(of_concept & ~unknown, value * factor, value)
        limit = codes.ranges.get(name)
        if limit is not None:
            outside = of_concept & ~((value >= limit.low) & (value <= limit.high))
            sieve.refuse(outside, Reason(limit.reason), f"{name} outside {limit.low}..{limit.high}")
    _refuse_swaps(concept, value, columns["unit"], codes, sieve)
    refuse_odd_days(Measured(keys, concept, value, columns["unit"], when.days), sieve)
    keep = sieve.keep
    rows = {
        "person_key": keys.filter(pa.array(keep)),
        "concept": pa.array(concept[keep], pa.string()),
        "value": pa.array(value[keep], pa.float64()),
        "effective_on": when.arrow(keep),
    }
    return _taken(OBSERVATION, rows, sieve)


def _measured(codes: Codes, code: str) -> str | None:
    found = codes.measurement(code)
    return found.concept if found else None


def _factors(
    concept: NDArray[np.object_], quantity: dict[str, str], units: pa.Array, codes: Codes
) -> NDArray[np.float64]:
    """Factor to the canonical unit of each row's concept; NaN where the unit is unknown."""
    unit = looked_up(units, normal_unit)
    factor = np.full(len(unit), np.nan)
    for name, kind in quantity.items():
        of_concept = concept == name
        if name == SMOKER:
            factor[of_concept] = 1.0  # an answer has no unit
            continue
        for spelling in {u for q, u in codes.factors if q == kind}:
            factor[of_concept & (unit == spelling)] = codes.factors[(kind, spelling)]
    return factor


def _refuse_swaps(
    concept: NDArray[np.object_], value: NDArray[np.float64], units: pa.Array, codes: Codes,
    sieve: Sieve,
) -> None:  # fmt: skip
    """Refuse rare values that would be ordinary ones in another unit (`codes/unit_swaps.csv`)."""
    unit = looked_up(units, normal_unit)
    for swap in codes.swaps:
        is_rare = (value <= swap.at_most) | (value >= swap.at_least)
        other = value * swap.factor
        is_ordinary = (other >= swap.ordinary_low) & (other <= swap.ordinary_high)
        mixed_up = (concept == swap.concept) & (unit == swap.unit) & is_rare & is_ordinary
        sieve.refuse(mixed_up, Reason.UNIT_SUSPECT, f"{swap.concept}: ordinary in another unit")


def _check_any_unit(concept: NDArray[np.object_], factor: NDArray[np.float64]) -> None:
    needs = np.array([c is not None and c != SMOKER for c in concept], dtype=np.bool_)
    if needs.any() and np.isnan(factor[needs]).all():
        raise ScreeningError(
            f"clinical table observation: not one of {int(needs.sum())} measured values has a "
            "known unit; give UCUM units such as mg/dL, mmol/L, mm[Hg] in the column unit"
        )


def _values(
    concept: NDArray[np.object_], texts: pa.Array, codes: Codes, sieve: Sieve, decimal: str
) -> NDArray[np.float64]:
    """Numbers as given; smoking answers as 0 or 1."""
    value = numbers(texts, decimal)
    answers = looked_up(texts, lambda t: normal_word(t.rpartition("|")[2]))
    is_smoking = concept == SMOKER
    said = np.array(
        [codes.smoking.get(a) if s else None for a, s in zip(answers, is_smoking, strict=True)],
        dtype=np.float64,
    )
    no_answer = np.array([a in codes.smoking for a in answers], dtype=np.bool_) & np.isnan(said)
    sieve.refuse(is_smoking & no_answer, Reason.CODE_NOT_USED, "smoking status unknown")
    value = np.where(is_smoking, said, value)
    for name in sorted({c for c in concept if c is not None}):
        sieve.refuse((concept == name) & np.isnan(value), Reason.BAD_VALUE, f"{name}: value")
    return value


def read_events(
    source: str, table: pa.Table, start: str, stop: str | None, link: Link, codes: Codes
) -> Taken:
    """Turn the text columns of `condition`, `medication` or `procedure` into EVENT.

    A fact whose start is not given or cannot be read is kept without date: an infarction is an
    infarction. An unreadable start is counted as well. An unreadable end is refused. Of a
    condition `started_by` is no earlier than the day on which it was recorded.
    """
    table = link.spread(table)
    sieve = Sieve(source, table.num_rows)
    keys = link.resolve(column(table, WHO), sieve)
    code = column(table, "code")
    if source == "medication":
        drugs = drugs_of(table, codes)
        concepts, intensity = drugs.concepts, drugs.intensity
    else:
        concepts = _concepts(source, code, codes)
        intensity = np.full(len(concepts), "", dtype=object)
    is_used = np.array([bool(c) for c in concepts], dtype=np.bool_)
    sieve.refuse(~is_used, Reason.CODE_NOT_USED, "code_not_used")
    if source == "condition":
        _refuse_no_facts(code, codes, sieve)
    begun = dates(column(table, start))
    empty = pa.array([""] * table.num_rows, pa.string())
    ended = dates(column(table, stop) if stop else empty)
    sieve.refuse(ended.is_bad | ended.is_partial, Reason.BAD_VALUE, stop or "")
    with np.errstate(invalid="ignore"):
        backwards = ended.days < begun.first
    sieve.refuse(backwards, Reason.BAD_VALUE, f"{stop} before {start}")
    sieve.remark(begun.is_bad, Reason.BAD_VALUE, f"{start}, kept without")
    known_by = _known_by(table, begun.last, sieve)
    keep = sieve.keep
    concept = np.array([next(iter(c), None) for c in concepts], dtype=object)
    # Only what the lists know as a code is stored: by a medicine's name alone, its concept.
    stored = looked_up(code, lambda c: codes.split(c)[1] if codes.rule(source, c) else None)
    rows = {
        "person_key": keys.filter(pa.array(keep)),
        "concept": pa.array(concept[keep], pa.string()),
        "code": pa.array(np.where(stored == None, concept, stored)[keep], pa.string()),  # noqa: E711
        "started_on": pa.array(begun.first[keep], pa.date32()),
        "stopped_on": ended.arrow(keep),
        "started_by": pa.array(known_by[keep], pa.date32()),
        "intensity": pa.array(intensity[keep], pa.string()),
    }
    taken = _taken(EVENT, rows, sieve)
    return Taken(_with_second_facts(taken.rows, pa.table(rows), concepts[keep]), taken.rejections)


def _refuse_no_facts(code: pa.Array, codes: Codes, sieve: Sieve) -> None:
    """Refuse what its own code says was excluded or only suspected."""
    why = looked_up(code, codes.no_fact)
    for detail in sorted(set(why)):
        if detail:
            sieve.refuse(why == detail, Reason.VOID_RECORD, detail)


def _known_by(
    table: pa.Table, begun_by: NDArray[np.datetime64], sieve: Sieve
) -> NDArray[np.datetime64]:
    """Return the later of onset and record: what was written down later nobody knew before."""
    if "recorded_at" not in table.column_names:
        return begun_by
    recorded = dates(column(table, "recorded_at"))
    sieve.remark(recorded.is_bad, Reason.BAD_VALUE, "recorded_at, kept without")
    later: NDArray[np.datetime64] = np.fmax(begun_by, recorded.last)
    return later


def _concepts(source: str, code: pa.Array, codes: Codes) -> NDArray[np.object_]:
    """Return a tuple a row."""
    known = {c: codes.concepts(source, c) for c in code.unique().to_pylist()}
    found = np.empty(len(code), dtype=object)
    for place, one in enumerate(code.to_pylist()):  # numpy would unpack a list of tuples
        found[place] = known[one]
    return found


def _with_second_facts(one: pa.Table, rows: pa.Table, concepts: NDArray[np.object_]) -> pa.Table:
    """Add what codes of two facts tell beside the first; the rows are already counted."""
    place = np.array([i for i, c in enumerate(concepts) for _ in c[1:]], dtype=np.int64)
    second = pa.array([name for c in concepts for name in c[1:]], pa.string())
    more = rows.take(pa.array(place)).set_column(1, "concept", second)
    return EVENT.check(without_copied_facts(pa.concat_tables([one, more])))


def observed_scores(table: pa.Table, link: Link, codes: Codes, decimal: str = ".") -> pa.Table:
    """Return the formal scores among the rows of `observation`, as EVENT.

    A score is its own evidence, also where its value cannot be taken: as a limit ("> 400"), in an
    unknown unit, without a day.
    """
    measures = looked_up(column(table, "code"), lambda c: _measured(codes, c))
    table = link.spread(table.filter(pa.array(measures == FORMAL_AGATSTON)))
    keys = link.resolve(column(table, WHO), Sieve("observation", table.num_rows))
    bare = pc.replace_substring_regex(column(table, "value"), _LIMIT, "")
    is_score = bools(keys.is_valid()) & (numbers(bare, decimal) >= 0)
    when = dates(column(table, "effective_at")).arrow(is_score)
    found = without_score(keys.filter(pa.array(is_score)), OBSERVATION_CODE, when)
    return without_copied_facts(found)


def read_policies(table: pa.Table, link: Link, codes: Codes, resolve: Resolve) -> Taken:
    """Turn `person_policy` into POLICY. In doubt the wish is honoured.

    An mrn of several people speaks for each of them, and one that `person` lacks for whoever has
    a scan under it; an unknown scope is taken for the widest; an unreadable date for always.
    """
    sieve = Sieve("person_policy", table.num_rows)
    rows = _speaks_for(table, link, resolve)
    place = rows.column("place").to_numpy()
    sieve.refuse(~np.isin(np.arange(table.num_rows), place), Reason.NO_SCAN, "no scan")
    scope = looked_up(column(table, "scope"), lambda s: codes.words.get(("scope", normal_word(s))))
    unknown = np.array([s is None for s in scope], dtype=np.bool_)
    sieve.remark(unknown, Reason.BAD_VALUE, "scope unknown, honoured as opt_out_all")
    scope[unknown] = "opt_out_all"
    since = dates(column(table, "from"))
    sieve.remark(since.is_bad | since.is_partial, Reason.BAD_VALUE, "from, honoured as always")
    sieve.refuse(scope == "", Reason.CODE_NOT_USED, "scope without restriction")
    place = place[sieve.keep[place]]
    taken = rows.filter(pa.array(sieve.keep[rows.column("place").to_numpy()]))
    found = {
        "person_key": taken.column("key"),
        "scope": pa.array(scope[place], pa.string()),
        # No date sorts as the earliest, so that it wins over a dated copy.
        "valid_from": pa.array(
            np.where(since.is_missing, np.datetime64(date.min), since.days)[place], pa.date32()
        ),
    }
    one = without_copies(pa.table(found), POLICY.key)
    since_ever = pc.equal(one.column("valid_from"), pa.scalar(date.min))
    dated = pc.if_else(since_ever, pa.scalar(None, pa.date32()), one.column("valid_from"))
    sieve.refuse_number(len(place) - one.num_rows, Reason.DUPLICATE_ROW, "same wish again")
    return Taken(POLICY.check(one.set_column(2, "valid_from", dated)), sieve.counts())


def _speaks_for(table: pa.Table, link: Link, resolve: Resolve) -> pa.Table:
    """Return rows of `place` (in the table) and `key`: whom each wish concerns."""
    named = pa.table({WHO: who_of(table), "place": pa.array(np.arange(table.num_rows))})
    by_record = named.join(link.pairs, keys=WHO, join_type="inner").select(["place", "key"])
    is_unknown = pc.invert(pc.is_in(named.column("place"), value_set=by_record.column("place")))
    unknown = table.filter(is_unknown)
    if not unknown.num_rows:
        return by_record
    by_scan = pa.table(
        {
            "place": named.column("place").filter(is_unknown),
            "key": resolve(pa.table({n: column(unknown, n) for n in ("issuer", "mrn")})),
        }
    )
    return pa.concat_tables([by_record, by_scan.filter(by_scan.column("key").is_valid())])


def _taken(kind: Table, rows: dict[str, pa.Array], sieve: Sieve) -> Taken:
    table = pa.table(rows)
    one = without_copied_facts(table) if kind is EVENT else without_copies(table, kind.key)
    sieve.refuse_number(table.num_rows - one.num_rows, Reason.DUPLICATE_ROW, "same fact again")
    return Taken(kind.check(one), sieve.counts())
