"""The identity vault: the one place that knows who a key is.

Comes in: instances as the archive read them; numbers and birth dates of the clinical record.
Goes out: the same instances under random keys; keys for numbers; ages; for a stated reason,
the numbers again, or whose key a number is.
Refuses: to guess. A number that fits two people fits nobody; identity without a reason is not
shown.

One number (issuer, normalised PatientID) is one person, for ever the same key. A study
without a PatientID is a person of its own: two such studies are never merged. The default
issuer stands in where a scan or a clinical row names none; set it before the first sweep.
"""

import getpass
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path

import pyarrow as pa

from screening import scan_dates
from screening.errors import ScreeningError
from screening.lake.crypto import Keys, lookup_digest
from screening.lake.identifiers import compared_name, normalise_mrn
from screening.lake.store import Number, Store, make_tables, transaction
from screening.scan_dates import completed_years, is_same_age
from screening.tables import AGES, INSTANCES, INSTANCES_RAW

IDENTITIES = pa.schema(
    [("person_key", pa.string()), ("issuer", pa.string()), ("patient_id", pa.string())]
)

BIRTHS = pa.schema([("person_key", pa.string()), ("birth_date", pa.date32())])
WITNESSED_BY = ("person_key", "index_date", "age_said")


@dataclass(frozen=True, slots=True)
class Vault:
    """The identity vault of one lake."""

    file: Path
    keys: Keys = field(repr=False)
    default_issuer: str = ""

    def __post_init__(self) -> None:
        make_tables(self.file)

    @staticmethod
    def normalise_mrn(text: str | None) -> str:
        """Bring a patient number into the form in which it is compared (`identifiers.py`)."""
        return normalise_mrn(text)

    @staticmethod
    def compared_names(raw: pa.Table) -> list[str]:
        """Return the names of rows without a birth date: with one, they are a matter of spelling.

        raw : INSTANCES_RAW
        """
        names, births = _texts(raw, "patient_name"), raw["birth_date"].to_pylist()
        return ["" if b else compared_name(name) for name, b in zip(names, births, strict=True)]

    def pseudonymise(self, raw: pa.Table) -> pa.Table:
        """Replace identity by keys.

        Parameters
        ----------
        raw
            INSTANCES_RAW.

        Returns
        -------
        INSTANCES, sorted by path. `age_years` is completed years from the header's birth date,
        else the age the header states, which `age_said` keeps.
        """
        raw = INSTANCES_RAW.check(raw).sort_by("path")
        studies, series = _texts(raw, "study_instance_uid"), _texts(raw, "series_instance_uid")
        written = zip(_texts(raw, "issuer"), _texts(raw, "patient_id"), studies, strict=True)
        people = self._numbers(list(written))
        accessions = sorted(set(zip(_texts(raw, "accession"), studies, strict=True)))
        with self._transaction() as store:
            # In a fixed order, so that a rerun after a kill does the same work.
            person_of = store.person_keys(sorted(set(people), key=_order))
            study_of = store.study_keys(sorted(set(studies)))
            series_of = store.series_keys(sorted(set(series)))
            for accession, study in accessions:
                if accession:
                    store.keep_accession(accession, study_of[study])
            person_keys = [person_of[who] for who in people]
            births = [day.isoformat() if day else "" for day in raw["birth_date"].to_pylist()]
            birth_of = {"": "", **store.birth_keys(sorted(set(births) - {""}))}
        given = {
            "age_years": pa.array(_header_ages(raw), pa.float64()),
            "age_said": raw["age_years"],
            "days_said": pa.array(_ages_on_days(raw), pa.string()),
            "person_key": pa.array(person_keys, pa.string()),
            "birth_key": pa.array([birth_of[day] for day in births], pa.string()),
            "study_key": pa.array([study_of[uid] for uid in studies], pa.string()),
            "series_key": pa.array([series_of[uid] for uid in series], pa.string()),
            "instance_digest": pa.array(
                self._digests(_texts(raw, "sop_instance_uid")), pa.string()
            ),
            "frame_digest": self._told("frame", _texts(raw, "frame_of_reference_uid")),
            "name_digest": self._told("name", self.compared_names(raw)),
            "rejected_instances": pa.array(
                [self._digests(uids or []) for uids in raw["rejected_instances"].to_pylist()],
                pa.list_(pa.string()),
            ),
        }
        names = INSTANCES.schema.names
        return INSTANCES.check(pa.table({n: given.get(n, _column(raw, n)) for n in names}))

    def person_keys(self, identifiers: pa.Table) -> pa.Array:
        """Find the people of clinical rows.

        Parameters
        ----------
        identifiers
            Columns `issuer` and `mrn`, both text, either may be null.

        Returns
        -------
        One key a row, null where no scan carries the number or where it fits two people.
        A row with an issuer (its own, else the default one) means the number of that
        issuer, or else the same number from scans that name no issuer. A row without any
        issuer means the one person who has the number, whoever issued it.
        """
        issuers, mrns = _texts(identifiers, "issuer"), _texts(identifiers, "mrn")
        pairs = [
            (self._issuer(issuer), normalise_mrn(mrn))
            for issuer, mrn in zip(issuers, mrns, strict=True)
        ]
        with self._transaction() as store:
            found = {pair: store.find(*pair) for pair in sorted(set(pairs)) if pair[1]}
        shared = _claimed_twice(found)
        keys = [found.get(pair) for pair in pairs]
        return pa.array([None if key in shared else key for key in keys], pa.string())

    def series_keys(self, uids: pa.Array) -> pa.Array:
        """Return the keys of series by their SeriesInstanceUID; null where never seen."""
        asked = [text or "" for text in uids.to_pylist()]
        with self._transaction() as store:
            known = store.find_series([uid for uid in asked if uid])
        return pa.array([known.get(uid) for uid in asked], pa.string())

    def store_birth_dates(self, birth_dates: pa.Table) -> None:
        """Keep the clinical record's birth dates (`person_key`, `birth_date`), sealed.

        They replace all of an earlier record: what that no longer says is forgotten. Two
        different dates for one person leave none.
        """
        days = [day.isoformat() if day else None for day in birth_dates["birth_date"].to_pylist()]
        stated = _stated(_texts(birth_dates, "person_key"), days)
        with self._transaction() as store:
            for key in sorted(store.people_with("clinical_birth_date").difference(stated)):
                store.set_fact("clinical_birth_date", key, None)
            known = store.facts("clinical_birth_date", stated)
            for key, values in sorted(stated.items()):
                day = min(values) if len(values) == 1 else None
                if key and day != known.get(key):
                    store.set_fact("clinical_birth_date", key, day)

    def ages(self, scans: pa.Table, birth_key_of: Mapping[str, str]) -> pa.Table:
        """Give each scan the person's age in completed years, from the best source there is.

        Parameters
        ----------
        scans
            Columns `series_key`, `person_key`, `index_date`, `age_years` (the header's),
            `header_doubts`.
        birth_key_of
            Of people, the birth date of their headers.

        Returns
        -------
        AGES: by the clinical birth date, else the header's, unless its age is doubted, else the
        header's age. Both are null where nothing is known.
        """
        keys = _texts(scans, "person_key")
        with self._transaction() as store:
            clinical = store.facts("clinical_birth_date", keys)
            born = {key: birth_key_of[key] for key in set(keys) & birth_key_of.keys()}
            days = store.birth_dates(sorted(set(born.values())))
        ages: list[float | None] = []
        sources: list[str | None] = []
        names = ("index_date", "age_years", "header_doubts")
        rows = zip(keys, *(scans[name].to_pylist() for name in names), strict=True)
        for key, on, stated, doubts in rows:
            by_header = None if "age" in (doubts or ()) else _day(days.get(born.get(key, "")))
            candidates = (
                (completed_years(_day(clinical.get(key)), on), "clinical_birth_date"),
                (completed_years(by_header, on), "dicom_birth_date"),
                (stated, "dicom_age"),
            )
            age, source = next((c for c in candidates if c[0] is not None), (None, None))
            ages.append(age)
            sources.append(source)
        columns = {
            "series_key": scans["series_key"],
            "person_key": scans["person_key"],
            "age_years": pa.array(ages, pa.float64()),
            "age_source": pa.array(sources, pa.string()),
        }
        return AGES.check(pa.table(columns))

    def header_births(self, birth_key_of: Mapping[str, str]) -> pa.Table:
        """Return the headers' birth dates, `person_key` and `birth_date`: one row a person.

        birth_key_of : as of `ages`
        """
        with self._transaction() as store:
            days = store.birth_dates(sorted(set(birth_key_of.values())))
        rows = [
            {"person_key": key, "birth_date": _day(days.get(birth))}
            for key, birth in sorted(birth_key_of.items())
        ]
        return pa.Table.from_pylist(rows, schema=BIRTHS).drop_null()

    def witnessed_births(self, scans: pa.Table, birth_key_of: Mapping[str, str]) -> pa.Table:
        """Return the headers' birth dates that PatientAge of a scan confirms.

        Parameters
        ----------
        scans
            Columns `person_key`, `index_date`, `age_said` (PatientAge).
        birth_key_of
            As of `ages`.

        Returns
        -------
        `person_key`, `birth_date`: one row a person.
        """
        keys = sorted(set(_texts(scans, "person_key")) & birth_key_of.keys())
        with self._transaction() as store:
            days = store.birth_dates(sorted({birth_key_of[key] for key in keys}))
        born = {key: _day(days.get(birth_key_of[key])) for key in keys}
        rows = zip(*(scans[n].to_pylist() for n in WITNESSED_BY), strict=True)
        found = {
            key: born[key]
            for key, on, age in rows
            if key in born and is_same_age(completed_years(born[key], on), age)
        }
        return pa.Table.from_pylist(
            [{"person_key": key, "birth_date": day} for key, day in sorted(found.items())],
            schema=BIRTHS,
        )

    def identify(self, person_keys: Iterable[str], reason: str) -> pa.Table:
        """Show the numbers behind keys; who asked, when, why and for how many is kept.

        Returns
        -------
        `person_key`, `issuer`, `patient_id` as written, in the order of the keys; empty text
        where the person's scans carry no number. Unknown keys are left out.

        Raises
        ------
        ScreeningError
            Without a reason.
        """
        _require_reason(reason)
        rows = []
        with self._transaction() as store:
            for key in dict.fromkeys(person_keys):
                found = store.identity(key)
                if found is not None:
                    rows.append({"person_key": key, "issuer": found[0], "patient_id": found[1]})
            store.audit(getpass.getuser(), reason, len(rows))
        return pa.Table.from_pylist(rows, schema=IDENTITIES)

    def look_up(self, patient_id: str, issuer: str | None, reason: str) -> tuple[str, ...]:
        """Return the people who have a number; who asked, when, why and for how many is kept.

        Parameters
        ----------
        issuer
            The one who gave the number, empty for scans that name none; None for whoever it is.

        Raises
        ------
        ScreeningError
            Without a reason.
        """
        _require_reason(reason)
        mrn = normalise_mrn(patient_id)
        with self._transaction() as store:
            holders = store.holders(mrn) if mrn else {}
            is_meant = None if issuer is None else self._issuer(issuer)
            found = sorted(key for of, key in holders.items() if is_meant in (None, of))
            store.audit(getpass.getuser(), reason, len(found))
        return tuple(found)

    def _transaction(self) -> AbstractContextManager[Store]:
        return transaction(self.file, self.keys)

    def _issuer(self, issuer: str) -> str:
        return (issuer.strip() or self.default_issuer.strip()).upper()

    def _numbers(self, written: list[tuple[str, str, str]]) -> list[Number]:
        """Turn (issuer, PatientID, StudyInstanceUID) of each row into the number it means."""
        known: dict[tuple[str, str, str], Number] = {}
        for row in set(written):
            issuer, patient_id, study = row
            mrn = normalise_mrn(patient_id)
            # The first spelling of a number is kept; the comparison is on the normalised one.
            known[row] = Number(self._issuer(issuer), mrn, patient_id, "" if mrn else study)
        return [known[row] for row in written]

    def _told(self, kind: str, texts: Sequence[str]) -> pa.Array:
        """Digest each text once; empty of an empty one."""
        digests = self.keys.digests
        of = {t: lookup_digest(digests, kind, t).hex() if t else "" for t in set(texts)}
        return pa.array([of[t] for t in texts], pa.string())

    def _digests(self, uids: Sequence[str]) -> list[str]:
        return [lookup_digest(self.keys.digests, "instance", uid).hex() for uid in uids]


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise ScreeningError("showing identity needs a reason; give --reason TEXT")


def _order(who: Number) -> tuple[str, str, str, str]:
    return who.issuer, who.mrn, who.patient_id, who.study_uid


def _texts(table: pa.Table, name: str) -> list[str]:
    return [value or "" for value in table.column(name).to_pylist()]


def _column(table: pa.Table, name: str) -> pa.ChunkedArray | None:
    return table.column(name) if name in table.column_names else None


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _stated(person_keys: list[str], values: list[str | None]) -> dict[str, set[str]]:
    """Collect what is stated of each person, leaving out what is empty."""
    stated: dict[str, set[str]] = {}
    for key, value in set(zip(person_keys, values, strict=True)):
        if value:
            stated.setdefault(key, set()).add(value)
    return stated


def _claimed_twice(found: dict[tuple[str, str], str | None]) -> set[str]:
    """Return the people whom numbers of two issuers both claim: nobody knows whose scan it is."""
    claims: dict[str, int] = {}
    for (issuer, _), key in found.items():
        if issuer and key:
            claims[key] = claims.get(key, 0) + 1
    return {key for key, n in claims.items() if n > 1}


def _header_ages(raw: pa.Table) -> list[float | None]:
    columns = [raw.column(n).to_pylist() for n in ("age_years", "birth_date", "acquired_on")]
    return [
        age if (years := completed_years(born, on)) is None else years
        for age, born, on in zip(*columns, strict=True)
    ]


def _ages_on_days(raw: pa.Table) -> list[str | None]:
    """Put the age behind each of the dates that contradict one another."""
    columns = [raw.column(n).to_pylist() for n in ("days_said", "birth_date")]
    return [
        scan_dates.with_ages(said, partial(completed_years, born)) if said else None
        for said, born in zip(*columns, strict=True)
    ]
