"""Whether the record under a number is of the person who was scanned, as the scans' headers tell.

Comes in: the text columns of `person` with their keys; of the scans days, ages, sexes and births.
Goes out: `Headers`; the keys whose record is another person's.
Refuses: to guess. One of sex and year of birth may be a slip of the pen, or of the scanner's desk;
where both differ it is two people. What headers leave open, or contradict themselves in, tells
nothing, nor does a birth that makes its person older than anybody: it stands for "unknown".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from screening.clinical.codes import Codes, normal_word
from screening.clinical.link import column
from screening.clinical.parse import dates, looked_up

# OUR OWN: older people are too few for any night, and a year of birth is mistyped by a century.
MAXIMUM_AGE_YEARS = 110


@dataclass(frozen=True, slots=True)
class Headers:
    """What the headers of each person's scans tell, by person key.

    sex_of : F or M, of those whose headers tell one of them
    years_of : the years of birth that a header's birth date or PatientAge allows
    """

    sex_of: Mapping[str, str] = field(default_factory=dict)
    years_of: Mapping[str, set[int]] = field(default_factory=dict)

    def contradicts_sex(self, key: str, sex: str) -> bool:
        """Whether a record's sex is another than the headers'."""
        return sex != "" and self.sex_of.get(key, sex) != sex

    def contradicts_year(self, key: str, year: int) -> bool:
        """Whether a record's year of birth is none that the headers allow."""
        years = self.years_of.get(key)
        return years is not None and year not in years


def headers_of(sex_of: Mapping[str, str], scans: pa.Table, births: pa.Table) -> Headers:
    """Gather what headers tell.

    Parameters
    ----------
    sex_of : of people, the one sex of their headers
    scans : columns `person_key`, `index_date`, `age_said` (PatientAge)
    births : columns `person_key`, `birth_date`: the one birth date of their headers
    """
    years_of: dict[str, set[int]] = {}
    last: dict[str, int] = {}
    names = ("person_key", "index_date", "age_said")
    for key, on, age in zip(*(scans[name].to_pylist() for name in names), strict=True):
        if on is None:
            continue
        last[key] = max(last.get(key, on.year), on.year)
        if age is not None and age <= MAXIMUM_AGE_YEARS:
            years_of.setdefault(key, set()).update((on.year - int(age) - 1, on.year - int(age)))
    for key, born in zip(*(births[n].to_pylist() for n in births.column_names), strict=True):
        if last.get(key, born.year) - born.year <= MAXIMUM_AGE_YEARS:
            years_of.setdefault(key, set()).add(born.year)
    return Headers(sex_of, years_of)


def of_another(table: pa.Table, keys: pa.Array, codes: Codes, headers: Headers) -> pa.Array:
    """Return the keys whose rows of `person` contradict the headers twice: another person.

    A year of birth alone is enough for it. One row that agrees is.
    """
    sexes, years = set[str](), set[str]()
    agree = set[str]()
    for key, sex, year in _rows(table, keys, codes):
        if sex:
            (sexes if headers.contradicts_sex(key, sex) else agree).add(key)
        if year is not None:
            (years if headers.contradicts_year(key, year) else agree).add(key)
    return pa.array(sorted((sexes & years) - agree), pa.string())


def _rows(table: pa.Table, keys: pa.Array, codes: Codes) -> Iterator[tuple[str, str, int | None]]:
    sexes = looked_up(column(table, "sex"), lambda t: codes.words.get(("sex", normal_word(t))))
    days = dates(column(table, "birth_date")).first
    years = (None if day is None else day.year for day in days.astype(object))
    for key, sex, year in zip(keys.to_pylist(), sexes, years, strict=True):
        if key is not None:
            yield key, sex or "", year
