"""From the way a row names its person to the person's key.

Comes in: the rows of `person` with their keys. Goes out: `Link`.
Refuses: rows that name nobody with a scan, or a number that stands for several people.

A row names its person as a server does (`subject`), by issuer and number, or by the number alone.
Only the last can stand for several people. A subject with numbers of several issuers may have
scans under several keys: what is known of it is known of each.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from screening.clinical.files import SUBJECT
from screening.clinical.parse import bools
from screening.clinical.sieve import Sieve
from screening.reasons import Reason

WHO = "who"


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """Person keys by how rows name people.

    key : null where the person has no scan; is_ambiguous : the number stands for several people
    pairs : every (who, key) with a key, ambiguous or not
    torn : keys under which the rows of `person` tell of two people, or of another than was scanned
    """

    who: pa.Array
    key: pa.Array
    is_ambiguous: NDArray[np.bool_]
    pairs: pa.Table
    torn: pa.Array

    def is_shared(self, who: pa.Array) -> NDArray[np.bool_]:
        """Whether each row's number stands for several people."""
        place = pc.index_in(who, value_set=self.who)
        if not len(self.who):
            return np.zeros(len(who), dtype=np.bool_)
        at = pc.fill_null(place, 0).to_numpy(zero_copy_only=False)
        return np.asarray(self.is_ambiguous[at] & bools(place.is_valid()), dtype=np.bool_)

    def resolve(self, who: pa.Array, sieve: Sieve) -> pa.Array:
        """Person key of each row; rows without exactly one person are refused in `sieve`."""
        place = pc.index_in(who, value_set=self.who)
        known = bools(place.is_valid())
        sieve.refuse(~known, Reason.NO_SCAN, "mrn not in the person table")
        at = pc.fill_null(place, 0).to_numpy(zero_copy_only=False)
        if len(self.who):
            sieve.refuse(self.is_ambiguous[at], Reason.IDENTITY_CONFLICT, "mrn of several people")
        keys = self.key.take(place)
        is_torn = bools(pc.is_in(keys, value_set=self.torn)) & bools(keys.is_valid())
        sieve.refuse(is_torn, Reason.IDENTITY_CONFLICT, "mrn of several people")
        sieve.refuse(bools(keys.is_null()), Reason.NO_SCAN, "person without a scan")
        return keys

    def spread(self, table: pa.Table) -> pa.Table:
        """Name the person of each row in a column `who`; one row for each key of a subject."""
        named = table.append_column(WHO, who_of(table))
        subjects = self.pairs.filter(pc.starts_with(self.pairs.column(WHO), "s:"))
        counts = subjects.group_by(WHO, use_threads=False).aggregate([("key", "count")])
        several = counts.filter(pc.greater(counts.column("key_count"), 1)).column(WHO)
        if not len(several):
            return named
        is_several = pc.is_in(named.column(WHO), value_set=several.combine_chunks())
        more = named.filter(is_several).join(subjects, keys=WHO, join_type="inner")
        by_key = pc.binary_join_element_wise("k:", more.column("key"), "")
        more = more.drop_columns([WHO, "key"]).append_column(WHO, by_key)
        return pa.concat_tables(
            [named.filter(pc.invert(is_several)), more.select(named.schema.names)]
        )


def normal_mrn(mrn: pa.Array) -> pa.Array:
    """Spelling under which the site's tables are joined with each other.

    As the vault compares numbers: no blanks, capitals, and no leading zeros where there are
    digits only, because systems pad them to different widths.
    """
    return pc.replace_substring_regex(written_mrn(mrn), r"^0+(\d+)$", r"\1")


def written_mrn(mrn: pa.Array) -> pa.Array:
    """Spelling with the zeros a system pads with, so that two people can be told apart by them."""
    return pc.utf8_upper(pc.replace_substring_regex(mrn, r"\s+", ""))


def who_of(table: pa.Table) -> pa.Array:
    """Return how each row of a table names its person."""
    return pc.if_else(
        pc.not_equal(column(table, SUBJECT), ""),
        _by_subject(table),
        pc.if_else(pc.not_equal(column(table, "issuer"), ""), _by_issuer(table), _by_mrn(table)),
    )


def make_link(table: pa.Table, keys: pa.Array, torn: pa.Array) -> Link:
    """Make the link from the text columns of `person` and the key of each row.

    torn : keys under which the rows of `person` tell of two people
    """
    # Someone without a scan is somebody all the same: subject or issuer tells them apart.
    apart = pc.if_else(
        pc.not_equal(column(table, SUBJECT), ""), _by_subject(table), _by_issuer(table)
    )
    somebody = pc.if_else(
        keys.is_valid(),
        pc.binary_join_element_wise("key", pc.fill_null(keys, ""), " "),
        apart,
    )
    ways = (_by_mrn(table), _by_issuer(table), _by_subject(table))
    by_key = pc.binary_join_element_wise("k:", pc.fill_null(keys, ""), "")
    rows = pa.concat_tables(
        [pa.table({WHO: way, "somebody": somebody, "key": keys}) for way in (*ways, by_key)]
    )
    rows = rows.filter(pc.greater(pc.utf8_length(rows.column(WHO)), 2))
    found = rows.group_by(WHO, use_threads=False).aggregate(
        [("somebody", "count_distinct"), ("key", "min")]
    )
    is_number = bools(pc.starts_with(column(found, WHO), "m:"))
    several = found.column("somebody_count_distinct").to_numpy() > 1
    pairs = rows.filter(rows.column("key").is_valid()).select([WHO, "key"])
    return Link(
        who=column(found, WHO),
        key=column(found, "key_min"),
        is_ambiguous=several & is_number,
        pairs=pairs.group_by([WHO, "key"], use_threads=False).aggregate([]),
        torn=torn,
    )


def column(table: pa.Table, name: str) -> pa.Array:
    """Return one column in one piece; empty text where the table has none of that name."""
    if name not in table.column_names:
        return pa.array([""] * table.num_rows, pa.string())
    found = table.column(name)
    return pa.concat_arrays(found.chunks) if found.num_chunks else pa.array([], found.type)


def _by_subject(table: pa.Table) -> pa.Array:
    return pc.binary_join_element_wise("s:", column(table, SUBJECT), "")


def _by_mrn(table: pa.Table) -> pa.Array:
    return pc.binary_join_element_wise("m:", normal_mrn(column(table, "mrn")), "")


def _by_issuer(table: pa.Table) -> pa.Array:
    issuer, mrn = pc.utf8_upper(column(table, "issuer")), normal_mrn(column(table, "mrn"))
    whole = pc.binary_join_element_wise("i:", issuer, "|", mrn, "")
    return pc.if_else(pc.equal(mrn, ""), "", whole)
