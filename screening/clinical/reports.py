"""Formal calcium scores in the text of reports and in a site's own list.

Comes in: report texts, or the rows of `formal_score`. Goes out: EVENT (that there was one) and
OBSERVATION (its value, where it is dated); the texts never leave this room.
Refuses: texts without a score (`report_scores` says what is one), rows of nobody with a scan.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from screening.clinical.link import WHO, Link, column
from screening.clinical.parse import bools, dates, numbers
from screening.clinical.report_scores import HIGHEST_AGATSTON, formal_scores
from screening.clinical.sieve import Sieve, Taken, without_copied_facts
from screening.reasons import Reason
from screening.tables import EVENT, OBSERVATION

FORMAL_SCORE = "formal_calcium_score"
FORMAL_AGATSTON = "formal_agatston"
REPORT_CODE = "report_text"
LIST_CODE = "site_list"


def read_reports(table: pa.Table, link: Link) -> tuple[Taken, pa.Table]:
    """Find the formal calcium scores that reports speak of.

    Returns
    -------
    EVENT with the counts of the other texts, and OBSERVATION: the dated values
    """
    table = link.spread(table)
    sieve = Sieve("report_text", table.num_rows)
    keys = link.resolve(column(table, WHO), sieve)
    reported = formal_scores(column(table, "text"))
    sieve.refuse(~reported.is_there, Reason.CODE_NOT_USED, "no formal calcium score in the text")
    return _found(table, keys, reported.value, REPORT_CODE, sieve)


def read_score_list(table: pa.Table, link: Link, decimal: str) -> tuple[Taken, pa.Table]:
    """Take a site's own list of people who were formally scored; the value may be unknown."""
    table = link.spread(table)
    sieve = Sieve("formal_score", table.num_rows)
    keys = link.resolve(column(table, WHO), sieve)
    value = numbers(column(table, "agatston"), decimal)
    bad = np.isnan(value) & ~bools(pc.equal(column(table, "agatston"), ""))
    bad |= (value < 0) | (value > HIGHEST_AGATSTON)
    sieve.remark(bad, Reason.BAD_VALUE, "agatston, kept without")
    return _found(table, keys, np.where(bad, np.nan, value), LIST_CODE, sieve)


def without_score(keys: pa.Array, code: str, on: pa.Array) -> pa.Table:
    """Return EVENT: that there was a formal score, on these days."""
    n = len(keys)
    return EVENT.check(
        pa.table(
            {
                "person_key": keys,
                "concept": pa.array([FORMAL_SCORE] * n, pa.string()),
                "code": pa.array([code] * n, pa.string()),
                "started_on": on,
                "stopped_on": pa.nulls(n, pa.date32()),
                "started_by": on,
                "intensity": pa.array([""] * n, pa.string()),
            }
        )
    )


def _found(
    table: pa.Table, keys: pa.Array, value: NDArray[np.float64], code: str, sieve: Sieve
) -> tuple[Taken, pa.Table]:
    when = dates(column(table, "at"))
    sieve.remark(when.is_bad, Reason.BAD_VALUE, "at, kept without")
    keep = sieve.keep
    events = without_score(keys.filter(pa.array(keep)), code, when.arrow(keep))
    one = without_copied_facts(events)
    sieve.refuse_number(events.num_rows - one.num_rows, Reason.DUPLICATE_ROW, "same fact again")
    is_dated = keep & ~np.isnan(value) & ~when.is_missing
    dated = pa.table(
        {
            "person_key": keys.filter(pa.array(is_dated)),
            "concept": pa.array([FORMAL_AGATSTON] * int(is_dated.sum()), pa.string()),
            "value": pa.array(value[is_dated], pa.float64()),
            "effective_on": when.arrow(is_dated),
        }
    )
    return Taken(one, sieve.counts()), OBSERVATION.check(dated)
