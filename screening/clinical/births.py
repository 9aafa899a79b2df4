"""Birth dates that cannot be, by the day of the list, by a scan, or by what its headers tell twice.

Comes in: `ClinicalTables`, the days of the scans and of the list, the birth dates that PatientAge
of a scan confirms. Goes out: the same without such birth dates; deaths before a scan counted too.
Refuses: nothing; the person stays, without that birth date, and is counted. Who died before a scan
of theirs stays deceased: number and record may be of two people.
"""

from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from screening.clinical.headers import MAXIMUM_AGE_YEARS
from screening.clinical.read import ClinicalTables
from screening.clinical.sieve import counted
from screening.reasons import Reason
from screening.tables import CLINICAL_REJECTIONS

Days = NDArray[np.datetime64]
# OUR OWN: one wrong digit of the decade, and all smaller slips, are the record's to correct.
MAXIMUM_SLIP_YEARS = 10
_DETAIL = f"birth_date: below 0 or above {MAXIMUM_AGE_YEARS} years at a scan, kept without"
_OTHER = (
    f"birth_date: more than {MAXIMUM_SLIP_YEARS} years from the one that a scan's headers tell and "
    "their PatientAge confirms, kept without"
)
_DEAD = "death_date: before a scan of the person, kept as deceased"
_UNBORN = "birth_date: after the day of the list, kept without"


def without_impossible_births(
    read: ClinicalTables, scans: pa.Table, as_of: date, witnessed: pa.Table
) -> ClinicalTables:
    """Take out the birth dates that the day of the list or a scan of the person does not allow.

    Parameters
    ----------
    read : what the site handed over
    scans : columns `person_key` and `index_date`, null where a scan has no date
    as_of : the day of the list
    witnessed : columns `person_key` and `birth_date`, of headers whose PatientAge fits it
    """
    unborn = pc.greater(read.birth_dates.column("birth_date"), pa.scalar(as_of))
    read = _without(read, read.birth_dates.filter(unborn).column("person_key"), _UNBORN)
    dated = scans.select(["person_key", "index_date"]).drop_null()
    ends = dated.group_by("person_key", use_threads=False).aggregate(
        [("index_date", "min"), ("index_date", "max")]
    )
    read = _with_deaths_counted(read, ends)
    both = read.birth_dates.join(ends, keys="person_key", join_type="inner").combine_chunks()
    born, first, last = _days(both, "birth_date", "index_date_min", "index_date_max")
    bad = (born > first) | (_later(born, MAXIMUM_AGE_YEARS) < last)
    read = _without(read, both.filter(pa.array(bad)).column("person_key"), _DETAIL)
    return _without(read, _contradicted(read.birth_dates, witnessed, ends), _OTHER)


def _contradicted(stated: pa.Table, witnessed: pa.Table, ends: pa.Table) -> pa.ChunkedArray:
    """Return the people whose record is further from their headers than a slip of the pen."""
    told = witnessed.rename_columns(["person_key", "header_date"])
    both = stated.join(told, keys="person_key", join_type="inner")
    both = both.join(ends, keys="person_key", join_type="inner").combine_chunks()
    born, header, last = _days(both, "birth_date", "header_date", "index_date_max")
    # Scanners reckon PatientAge from the birth date: of 1900-01-01 the two are no witnesses.
    is_witness = _later(header, MAXIMUM_AGE_YEARS) >= last
    apart = _later(np.minimum(born, header), MAXIMUM_SLIP_YEARS) < np.maximum(born, header)
    return both.filter(pa.array(is_witness & apart)).column("person_key")


def _days(table: pa.Table, *names: str) -> list[Days]:
    return [table.column(name).to_numpy().astype("datetime64[D]") for name in names]


def _later(days: Days, years: int) -> Days:
    """Return the first of the month after the same month so many years later."""
    months = days.astype("datetime64[M]") + np.timedelta64(12 * years + 1, "M")
    return months.astype("datetime64[D]")


def _with_deaths_counted(read: ClinicalTables, ends: pa.Table) -> ClinicalTables:
    """Count who died before a scan of theirs was taken; `ends`: first and last scan a person."""
    both = read.person.select(["person_key", "death_date"]).join(ends, keys="person_key")
    is_before = pc.less(both.column("death_date"), both.column("index_date_max"))
    return _counted(read, pc.sum(is_before).as_py() or 0, Reason.IDENTITY_CONFLICT, _DEAD)


def _counted(read: ClinicalTables, n: int, reason: Reason, detail: str) -> ClinicalTables:
    if not n:
        return read
    rows = pa.concat_tables([read.rejections, counted("person", {(reason, detail): n})])
    return replace(read, rejections=CLINICAL_REJECTIONS.check(rows))


def _without(read: ClinicalTables, people: pa.ChunkedArray, detail: str) -> ClinicalTables:
    if not len(people):
        return read
    is_bad = pc.is_in(read.birth_dates.column("person_key"), value_set=people.combine_chunks())
    read = _counted(read, len(people), Reason.BAD_VALUE, detail)
    return replace(read, birth_dates=read.birth_dates.filter(pc.invert(is_bad)))
