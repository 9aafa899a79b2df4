"""The person table, and from it the way from an mrn to a person key.

Comes in: the text columns of `person`, and the vault's resolve function.
Goes out: PERSON, birth dates, and `Link`, which gives every other table its person keys.
Refuses: rows of people without a scan (counted); where rows of one person contradict each other
the field is left empty and the contradiction counted. Nobody is guessed.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from screening.clinical.codes import Codes, normal_word
from screening.clinical.parse import bools, dates, looked_up
from screening.clinical.sieve import Sieve
from screening.reasons import Reason
from screening.tables import PERSON

Resolve = Callable[[pa.Table], pa.Array]

BIRTH_DATES_SCHEMA = pa.schema([("person_key", pa.string()), ("birth_date", pa.date32())])

_FIELDS = ("sex", "birth_date", "race", "death_date")


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """Person keys by normalised mrn.

    key : null where the person has no scan; is_ambiguous : the mrn stands for several people
    """

    mrn: pa.Array
    key: pa.Array
    is_ambiguous: NDArray[np.bool_]
    pairs: pa.Table  # every (mrn, key) with a key, ambiguous or not

    def is_shared(self, mrn: pa.Array) -> NDArray[np.bool_]:
        """Whether each row's mrn stands for several people."""
        place = pc.index_in(normal_mrn(mrn), value_set=self.mrn)
        if not len(self.mrn):
            return np.zeros(len(mrn), dtype=np.bool_)
        at = pc.fill_null(place, 0).to_numpy(zero_copy_only=False)
        return np.asarray(self.is_ambiguous[at] & bools(place.is_valid()), dtype=np.bool_)

    def resolve(self, mrn: pa.Array, sieve: Sieve) -> pa.Array:
        """Person key of each row; rows without exactly one person are refused in `sieve`."""
        place = pc.index_in(normal_mrn(mrn), value_set=self.mrn)
        known = bools(place.is_valid())
        sieve.refuse(~known, Reason.NO_SCAN, "mrn not in the person table")
        at = pc.fill_null(place, 0).to_numpy(zero_copy_only=False)
        if len(self.mrn):
            sieve.refuse(self.is_ambiguous[at], Reason.IDENTITY_CONFLICT, "mrn of several people")
        keys = self.key.take(place)
        sieve.refuse(bools(keys.is_null()), Reason.NO_SCAN, "person without a scan")
        return keys


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """What the person table gave."""

    person: pa.Table
    birth_dates: pa.Table
    link: Link
    rejections: pa.Table


def normal_mrn(mrn: pa.Array) -> pa.Array:
    """Spelling under which the site's tables are joined with each other.

    As the vault compares numbers: no blanks, capitals, and no leading zeros where there are
    digits only, because systems pad them to different widths.
    """
    compact = pc.utf8_upper(pc.replace_substring_regex(mrn, r"\s+", ""))
    return pc.replace_substring_regex(compact, r"^0+(\d+)$", r"\1")


def read_people(table: pa.Table, resolve: Resolve, codes: Codes) -> People:
    """Turn the text columns of `person` into PERSON and the link for the other tables."""
    table = table.combine_chunks()
    issuer, mrn = _column(table, "issuer"), _column(table, "mrn")
    keys = resolve(pa.table({"issuer": issuer, "mrn": mrn}))
    if isinstance(keys, pa.ChunkedArray):
        keys = keys.combine_chunks()
    sieve = Sieve("person", table.num_rows)
    sieve.refuse(bools(pc.equal(mrn, "")), Reason.BAD_VALUE, "mrn")
    sieve.refuse(bools(keys.is_null()), Reason.NO_SCAN, "person without a scan")
    link = _link(issuer, mrn, keys)
    # The other tables name no issuer: of people who share a number nobody can tell whose
    # infarction it was. Without a record nothing is flagged by mistake.
    sieve.refuse(link.is_shared(mrn), Reason.IDENTITY_CONFLICT, "mrn of several people")
    born, died = dates(_column(table, "birth_date")), dates(_column(table, "death_date"))
    # Who has an unreadable date of death may be dead: without a record the flag cannot be given.
    sieve.refuse(died.is_bad | died.is_partial, Reason.BAD_VALUE, "death_date")
    sieve.remark(born.is_bad | born.is_partial, Reason.BAD_VALUE, "birth_date, kept without")
    keep = sieve.keep
    rows = pa.table(
        {
            "person_key": keys.filter(pa.array(keep)),
            "sex": _words(table, "sex", codes, sieve),
            "race": _words(table, "race", codes, sieve),
            "birth_date": born.arrow(keep),
            "death_date": died.arrow(keep),
        }
    )
    merged = _merge(rows, sieve)
    person = merged.select(PERSON.schema.names)
    has_birth = merged.filter(pc.is_valid(merged.column("birth_date")))
    return People(
        person=PERSON.check(person),
        birth_dates=has_birth.select(BIRTH_DATES_SCHEMA.names).cast(BIRTH_DATES_SCHEMA),
        link=link,
        rejections=sieve.counts(),
    )


def _column(table: pa.Table, name: str) -> pa.Array:
    column = table.column(name)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _words(table: pa.Table, name: str, codes: Codes, sieve: Sieve) -> pa.Array:
    """Words of the code list for the kept rows; an unknown word is counted and left empty."""
    texts = _column(table, name)
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
    )
    extra = grouped.column("person_key_count").to_numpy() - 1
    merged = {"person_key": grouped.column("person_key")}
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


def _link(issuer: pa.Array, mrn: pa.Array, keys: pa.Array) -> Link:
    """From the mrn alone, as the other tables have it, to the person."""
    normal = normal_mrn(mrn)
    # Someone without a scan is somebody all the same: their issuer tells them apart.
    somebody = pc.if_else(
        keys.is_valid(),
        pc.binary_join_element_wise("key", pc.fill_null(keys, ""), " "),
        pc.binary_join_element_wise("issuer", pc.utf8_upper(issuer), " "),
    )
    pairs = pa.table({"mrn": normal, "somebody": somebody, "key": keys})
    pairs = pairs.filter(pc.not_equal(pairs.column("mrn"), ""))
    by_mrn = pairs.group_by("mrn", use_threads=False).aggregate(
        [("somebody", "count_distinct"), ("key", "min")]
    )
    return Link(
        mrn=_column(by_mrn, "mrn"),
        key=_column(by_mrn, "key_min"),
        is_ambiguous=by_mrn.column("somebody_count_distinct").to_numpy() > 1,
        pairs=pairs.filter(pairs.column("key").is_valid()).select(["mrn", "key"]),
    )
