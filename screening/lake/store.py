"""The vault's file: SQLite, values sealed, looked up by keyed digests.

Comes in: identifiers and facts of people, in the clear, one transaction at a time.
Goes out: the random keys they were given, facts again.
Refuses: nothing of its own; a full or broken disk is an `InfrastructureError`.

Nothing in the file is readable without the lake's secret but random keys, the kind of an
identifier, the days of entries and the number of people shown in an audited look.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from screening.errors import InfrastructureError
from screening.lake.crypto import Keys, lookup_digest, random_key, seal, unseal

_BUSY_SECONDS = 30.0

# identifier: a number, UID or birth date of the outside world (`value`, sealed) and the key it was
#   given; `lookup` is its digest, `number` the digest of a person's number without its issuer.
# fact: what the clinical record says of a person, sealed.
# audit: every time identity was shown.
_TABLES = """
CREATE TABLE IF NOT EXISTS identifier (
    kind TEXT NOT NULL, lookup BLOB NOT NULL, number BLOB, key TEXT NOT NULL,
    value BLOB NOT NULL, valid_from TEXT NOT NULL, PRIMARY KEY (kind, lookup)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS identifier_number ON identifier (number) WHERE number IS NOT NULL;
CREATE INDEX IF NOT EXISTS identifier_key ON identifier (key);
CREATE TABLE IF NOT EXISTS fact (
    person_key TEXT NOT NULL, what TEXT NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (person_key, what)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS audit (
    id INTEGER PRIMARY KEY, at TEXT NOT NULL, who BLOB NOT NULL, reason BLOB NOT NULL,
    people INTEGER NOT NULL);
"""

Fact = Literal["clinical_birth_date"]


@dataclass(frozen=True, slots=True)
class Number:
    """A person's number as it is compared and as it was written.

    `study_uid` is set instead of a number where the scan carries none.
    """

    issuer: str
    mrn: str
    patient_id: str
    study_uid: str = ""


@dataclass(frozen=True, slots=True)
class Store:
    """The vault inside one transaction."""

    connection: sqlite3.Connection
    keys: Keys = field(repr=False)

    def person_keys(self, numbers: Iterable[Number]) -> dict[Number, str]:
        """Give every number its person's key, a fresh one at first sight."""
        found = {}
        for who in numbers:
            value = json.dumps([who.issuer, who.patient_id])
            if who.mrn:
                lookup, number = self._person_lookup(who.issuer, who.mrn), self._number(who.mrn)
            else:
                lookup, number = self._digest("person of a study", who.study_uid), None
            found[who] = self._key("person", lookup, value, random_key("p"), number)
        return found

    def study_keys(self, uids: Iterable[str]) -> dict[str, str]:
        """Give every StudyInstanceUID its key."""
        return {u: self._key("study", self._digest("study", u), u, random_key("t")) for u in uids}

    def series_keys(self, uids: Iterable[str]) -> dict[str, str]:
        """Give every SeriesInstanceUID its key."""
        return {u: self._key("series", self._digest("series", u), u, random_key("s")) for u in uids}

    def birth_keys(self, days: Iterable[str]) -> dict[str, str]:
        """Give every birth date its key, the same for whoever was born that day."""
        return {d: self._key("birth", self._digest("birth", d), d, random_key("b")) for d in days}

    def birth_dates(self, birth_keys: Iterable[str]) -> dict[str, str]:
        """Return the birth dates of keys."""
        found = {}
        for key in birth_keys:
            lookup, value = self.connection.execute(
                "SELECT lookup, value FROM identifier WHERE key = ?", (key,)
            ).fetchone()
            found[key] = self._unseal(value, lookup)
        return found

    def find_series(self, uids: Iterable[str]) -> dict[str, str]:
        """Return the keys of the series that were ever seen, by SeriesInstanceUID."""
        found = {}
        for uid in uids:
            row = self.connection.execute(
                "SELECT key FROM identifier WHERE kind = 'series' AND lookup = ?",
                (self._digest("series", uid),),
            ).fetchone()
            if row is not None:
                found[uid] = str(row[0])
        return found

    def keep_accession(self, accession: str, study_key: str) -> None:
        """Remember a study's accession number."""
        self._key(
            "accession", self._digest("accession", study_key, accession), accession, study_key
        )

    def holders(self, mrn: str) -> dict[str, str]:
        """Return who has a normalised number: keys of people by the issuer, as scans name it."""
        holders: dict[str, str] = {}
        for lookup, key, value in self.connection.execute(
            "SELECT lookup, key, value FROM identifier WHERE number = ?", (self._number(mrn),)
        ):
            holders[json.loads(self._unseal(value, lookup))[0]] = key
        return holders

    def find(self, issuer: str, mrn: str) -> str | None:
        """Find the person of a normalised number; None where there is none, or more than one."""
        holders = self.holders(mrn)
        if not issuer:
            return next(iter(holders.values())) if len(holders) == 1 else None
        return holders.get(issuer, holders.get(""))

    def facts(self, what: Fact, person_keys: Iterable[str]) -> dict[str, str]:
        """Return one kind of fact of these people, where it is known."""
        found = {}
        for key in set(person_keys):
            row = self.connection.execute(
                "SELECT value FROM fact WHERE person_key = ? AND what = ?", (key, what)
            ).fetchone()
            if row is not None:
                found[key] = self._unseal(row[0], f"{what} {key}".encode())
        return found

    def set_fact(self, what: Fact, person_key: str, value: str | None) -> None:
        """Store a fact of a person, or forget it."""
        if value is None:
            self.connection.execute(
                "DELETE FROM fact WHERE person_key = ? AND what = ?", (person_key, what)
            )
            return
        sealed = self._seal(value, f"{what} {person_key}".encode())
        self.connection.execute(
            "INSERT OR REPLACE INTO fact VALUES (?, ?, ?)", (person_key, what, sealed)
        )

    def people_with(self, what: Fact) -> frozenset[str]:
        """Return the people of whom a kind of fact is known."""
        rows = self.connection.execute("SELECT person_key FROM fact WHERE what = ?", (what,))
        return frozenset(row[0] for row in rows)

    def identity(self, person_key: str) -> tuple[str, str] | None:
        """Return issuer and PatientID as written; None for an unknown key."""
        row = self.connection.execute(
            "SELECT lookup, value FROM identifier WHERE key = ? AND kind = 'person'", (person_key,)
        ).fetchone()
        if row is None:
            return None
        issuer, patient_id = json.loads(self._unseal(row[1], row[0]))
        return issuer, patient_id

    def audit(self, who: str, reason: str, people: int) -> None:
        """Note that identity was shown."""
        self.connection.execute(
            "INSERT INTO audit (at, who, reason, people) VALUES (?, ?, ?, ?)",
            (_now(), self._seal(who, b"who"), self._seal(reason, b"reason"), people),
        )

    def audits(self) -> Iterator[tuple[str, str, str, int]]:
        """Give every look at identity: when, who, why, how many people."""
        rows = self.connection.execute("SELECT at, who, reason, people FROM audit ORDER BY id")
        for at, who, reason, people in rows:
            yield at, self._unseal(who, b"who"), self._unseal(reason, b"reason"), people

    def _key(
        self, kind: str, lookup: bytes, value: str, fresh: str, number: bytes | None = None
    ) -> str:
        """Return the key an identifier has, else give it `fresh`."""
        row = self.connection.execute(
            "SELECT key FROM identifier WHERE kind = ? AND lookup = ?", (kind, lookup)
        ).fetchone()
        if row is not None:
            return str(row[0])
        self.connection.execute(
            "INSERT INTO identifier VALUES (?, ?, ?, ?, ?, ?)",
            (kind, lookup, number, fresh, self._seal(value, lookup), _now()),
        )
        return fresh

    def _person_lookup(self, issuer: str, mrn: str) -> bytes:
        return self._digest("person", issuer, mrn)

    def _number(self, mrn: str) -> bytes:
        return self._digest("number", mrn)

    def _digest(self, *parts: str) -> bytes:
        return lookup_digest(self.keys.lookup, *parts)

    def _seal(self, value: str, context: bytes) -> bytes:
        return seal(self.keys.vault, value.encode(), context)

    def _unseal(self, sealed: bytes, context: bytes) -> str:
        return unseal(self.keys.vault, sealed, context).decode()


@contextmanager
def transaction(file: Path, keys: Keys) -> Iterator[Store]:
    """Run a block as one transaction: all of it is on disk afterwards, or none of it."""
    with _connected(file) as vault, _begun(vault):
        yield Store(vault, keys)


def make_tables(file: Path) -> None:
    """Make the tables where they are missing; only the owner may read the file."""
    if not file.exists():
        file.touch(mode=0o600)
    with _connected(file) as vault:
        # One transaction makes all tables, so the last one tells; a look disturbs no writer.
        made = vault.execute("SELECT count(*) FROM sqlite_master WHERE name = 'audit'").fetchone()
        if made == (0,):
            with _begun(vault):
                for statement in _TABLES.split(";"):
                    vault.execute(statement)


@contextmanager
def _begun(vault: sqlite3.Connection) -> Iterator[None]:
    vault.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        vault.execute("ROLLBACK")
        raise
    vault.execute("COMMIT")


@contextmanager
def _connected(file: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(file, timeout=_BUSY_SECONDS, isolation_level=None)) as vault:
            vault.execute("PRAGMA journal_mode = DELETE")
            vault.execute("PRAGMA synchronous = FULL")
            yield vault
    except sqlite3.Error as error:
        raise InfrastructureError(
            f"the vault cannot be read or written ({type(error).__name__}); "
            "check the disk and its rights"
        ) from error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
