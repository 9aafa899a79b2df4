"""The person table, and from it the way from an mrn to a person key.

Comes in: the text columns of `person`, and the vault's resolve function.
Goes out: PERSON, birth dates, who has no record as it may be another's, and the `Link` that gives
every other table its person keys.
Refuses: rows of people without a scan (counted); where rows of one person contradict each other
the field is left empty and the contradiction counted; where they contradict each other twice
(`_torn`), they are two people under one number, and neither has a record; so where they contradict
the headers of the scans twice (`headers.py`). Nobody is guessed.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from screening.clinical.codes import Codes, normal_word
from screening.clinical.headers import Headers, of_another
from screening.clinical.link import Link, column, make_link, normal_mrn, who_of, written_mrn
from screening.clinical.parse import Bools, bools, dates, looked_up
from screening.clinical.sieve import Sieve
from screening.reasons import Reason
from screening.tables import AMBIGUOUS, PERSON

Resolve = Callable[[pa.Table], pa.Array]

BIRTH_DATES_SCHEMA = pa.schema([("person_key", pa.string()), ("birth_date", pa.date32())])

_FIELDS = ("sex", "birth_date", "race", "death_date")
_SHARED = "mrn of several people"
_TORN = "two people under one number"
_OTHER = "another sex and year of birth than the scans' headers tell"
_OTHER_SEX = "sex: another than the scans' headers tell, neither used"


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """What the person table gave."""

    person: pa.Table
    birth_dates: pa.Table
    ambiguous: pa.Table
    link: Link
    rejections: pa.Table


def read_people(
    table: pa.Table,
    resolve: Resolve,
    codes: Codes,
    headers: Headers,
    *,
    facts_name_issuer: bool = False,
) -> People:
    """Turn the text columns of `person` into PERSON and the link for the other tables.

    headers : what the headers of the scans tell of their people
    facts_name_issuer : the other tables say who issued a number, so that two people may share it
    """
    table = table.combine_chunks()
    issuer, mrn = column(table, "issuer"), column(table, "mrn")
    keys = resolve(pa.table({"issuer": issuer, "mrn": mrn}))
    if isinstance(keys, pa.ChunkedArray):
        keys = keys.combine_chunks()
    sieve = Sieve("person", table.num_rows)
    sieve.refuse(bools(pc.equal(mrn, "")), Reason.BAD_VALUE, "mrn")
    sieve.refuse(bools(keys.is_null()), Reason.NO_SCAN, "person without a scan")
    torn = _torn(table, keys, codes)
    sieve.refuse(bools(pc.is_in(keys, value_set=torn)), Reason.IDENTITY_CONFLICT, _TORN)
    other = of_another(table, keys, codes, headers)
    sieve.refuse(bools(pc.is_in(keys, value_set=other)), Reason.IDENTITY_CONFLICT, _OTHER)
    torn = pa.concat_arrays([torn, other])
    link = make_link(table, keys, torn)
    if not facts_name_issuer:
        # Of people who share a number nobody can tell whose infarction it was. Without a record
        # nothing is flagged by mistake.
        sieve.refuse(link.is_shared(_by_number(table)), Reason.IDENTITY_CONFLICT, _SHARED)
    life = _life(table, codes, sieve)
    keep = sieve.keep
    rows = pa.table(
        {
            "person_key": keys.filter(pa.array(keep)),
            "sex": _words(table, "sex", codes, sieve),
            "race": _words(table, "race", codes, sieve),
            "birth_date": pa.array(life.born[keep], pa.date32()),
            "death_date": pa.array(life.died[keep], pa.date32()),
            "is_deceased": pa.array(life.is_dead[keep], pa.bool_()),
        }
    )
    merged = _merge(rows, sieve)
    person = merged.select(PERSON.schema.names)
    sieve.refuse_number(_n_of_other_sex(person, headers), Reason.IDENTITY_CONFLICT, _OTHER_SEX)
    is_ambiguous = bools(pc.is_in(keys, value_set=torn)) | link.is_shared(_by_number(table))
    has_birth = merged.filter(pc.is_valid(merged.column("birth_date")))
    return People(
        person=PERSON.check(person),
        birth_dates=has_birth.select(BIRTH_DATES_SCHEMA.names).cast(BIRTH_DATES_SCHEMA),
        ambiguous=_without_record(keys, is_ambiguous, merged),
        link=link,
        rejections=sieve.counts(),
    )


def _n_of_other_sex(person: pa.Table, headers: Headers) -> int:
    said = (column(person, name).to_pylist() for name in ("person_key", "sex"))
    return sum(map(headers.contradicts_sex, *said))


def _without_record(keys: pa.Array, is_ambiguous: Bools, person: pa.Table) -> pa.Table:
    """Name the people with a scan who have no record only because it may be another's."""
    found = pc.unique(keys.filter(pa.array(is_ambiguous)).drop_null())
    has_one = pc.is_in(found, value_set=column(person, "person_key"))
    rows = pa.table({"person_key": found.filter(pc.invert(has_one)).cast(pa.string())})
    return AMBIGUOUS.check(rows.sort_by("person_key"))


def _torn(table: pa.Table, keys: pa.Array, codes: Codes) -> pa.Array:
    """Return the keys whose rows contradict each other twice: another person.

    Of sex and year of birth one may be a slip of the pen, both are not: a number was given again.
    Where a number is also written with and without zeros in front, one of sex, birth (its year, or
    its day where stated) and being dead is enough: a system writes its own numbers in one way.
    """
    sexes = looked_up(column(table, "sex"), lambda t: codes.words.get(("sex", normal_word(t))))
    born, died = dates(column(table, "birth_date")), column(table, "death_date")
    rows = pa.table(
        {
            "key": keys,
            "sex": pa.array([s or None for s in sexes], pa.string()),
            "year": pa.array(born.first.astype("datetime64[Y]").astype("datetime64[D]")),
            "day": pa.array(born.days),
            "is_dead": pc.not_equal(died, ""),
            "number": normal_mrn(column(table, "mrn")),
            "spelling": written_mrn(column(table, "mrn")),
        }
    ).filter(keys.is_valid())
    names = rows.column_names[1:]
    found = rows.group_by("key", use_threads=False).aggregate(
        [(n, "count_distinct") for n in names]
    )
    n_of = {name: found.column(f"{name}_count_distinct") for name in names}
    sex, year, day, dead = (pc.greater(n_of[n], 1) for n in ("sex", "year", "day", "is_dead"))
    padded = pc.greater(n_of["spelling"], n_of["number"])
    other = pc.and_(padded, pc.or_(pc.or_(sex, dead), pc.or_(year, day)))
    return column(found.filter(pc.or_(pc.and_(sex, year), other)), "key")


@dataclass(frozen=True, slots=True, eq=False)
class _Life:
    """Days of birth and death, NaT unknown, and who is dead."""

    born: NDArray[np.datetime64]
    died: NDArray[np.datetime64]
    is_dead: NDArray[np.bool_]


def _life(table: pa.Table, codes: Codes, sieve: Sieve) -> _Life:
    born, died = dates(column(table, "birth_date")), dates(column(table, "death_date"))
    said = looked_up(
        column(table, "death_date"), lambda t: codes.words.get(("death", normal_word(t)))
    )
    is_dead = np.array([w is not None for w in said], dtype=np.bool_) | ~np.isnat(died.first)
    # Who has an unreadable date of death may be dead: without a record the flag cannot be given.
    sieve.refuse(died.is_bad & ~is_dead, Reason.BAD_VALUE, "death_date")
    sieve.remark(is_dead & died.is_missing, Reason.BAD_VALUE, "death_date, dead without a day")
    sieve.remark(born.is_bad | born.is_partial, Reason.BAD_VALUE, "birth_date, kept without")
    with np.errstate(invalid="ignore"):
        is_after = born.days > died.last
    sieve.remark(is_after, Reason.BAD_VALUE, "birth_date after death_date, kept without")
    return _Life(np.where(is_after, np.datetime64("NaT", "D"), born.days), died.days, is_dead)


def _by_number(table: pa.Table) -> pa.Array:
    """Name each row's person as rows without an issuer do."""
    return who_of(table.drop_columns(["issuer"]))


def _words(table: pa.Table, name: str, codes: Codes, sieve: Sieve) -> pa.Array:
    """Words of the code list for the kept rows; an unknown word is counted and left empty."""
    texts = column(table, name)
    found = looked_up(texts, lambda t: codes.words.get((name, normal_word(t))) if t else "")
    unknown = np.array([f is None for f in found], dtype=np.bool_)
    sieve.remark(unknown, Reason.BAD_VALUE, f"{name}, kept without")
    # Empty becomes null so that it cannot contradict a value in another row of the person.
    return pa.array([f or None for f in found[sieve.keep]], pa.string())


def _merge(rows: pa.Table, sieve: Sieve) -> pa.Table:
    """One row a person; a field in which rows differ is left empty (the earliest death stays)."""
    grouped = rows.group_by("person_key", use_threads=False).aggregate(
        [("person_key", "count")]
        + [(field, how) for field in _FIELDS for how in ("min", "count_distinct")]
        + [("is_deceased", "max")]
    )
    extra = grouped.column("person_key_count").to_numpy() - 1
    merged = {
        "person_key": grouped.column("person_key"),
        "is_deceased": grouped.column("is_deceased_max"),
    }
    undecided = np.ones(len(extra), dtype=np.bool_)
    for field in _FIELDS:
        differs = grouped.column(f"{field}_count_distinct").to_numpy() > 1
        value = grouped.column(f"{field}_min")
        if field != "death_date":
            value = pc.if_else(pa.array(differs), pa.scalar(None, value.type), value)
        merged[field] = value
        hit = differs & undecided
        sieve.refuse_number(int(extra[hit].sum()), Reason.IDENTITY_CONFLICT, f"{field} differs")
        undecided &= ~differs
    sieve.refuse_number(int(extra[undecided].sum()), Reason.DUPLICATE_ROW, "same person again")
    for field in ("sex", "race"):
        merged[field] = pc.fill_null(merged[field], "")
    return pa.table(merged).sort_by("person_key")
