"""One lake: a folder with everything a site's sweeps have found.

Comes in: the folder, the site's secret.
Goes out: a `Lake` to read, and to write while holding its lease.
Refuses: a folder that is no lake, another version's lake, a missing or wrong secret, writing
without the lease.

    LAKE/lake.json           version, wrapped data key
    LAKE/lease.sqlite        who may write
    LAKE/tables/<name>/      Delta tables under random keys
    LAKE/index/              what the crawl saw, sealed
    LAKE/vault/vault.sqlite  who the keys are, sealed
    LAKE/vault/pictures/     pictures of scored scans, sealed
    LAKE/vault/seen/         what inference saw of scored scans, sealed
    LAKE/screening.duckdb    for the people who work the list
    LAKE/research.duckdb     for epidemiologists
    LAKE.secret              beside the folder, where the environment gave no secret
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pyarrow as pa

from screening.errors import InfrastructureError, ScreeningError
from screening.lake.crypto import Keys, derive_keys
from screening.lake.delta import VACUUM_HOURS, Tables
from screening.lake.files import sweep_temporaries
from screening.lake.index import IndexStore
from screening.lake.landmark import COMMON_DAY, moved, moved_back
from screening.lake.lease import Lease, hold
from screening.lake.manifest import (
    Manifest,
    create_manifest,
    is_lake,
    open_manifest,
    refuse_foreign_folder,
    refuse_unreadable_name,
    rotate,
)
from screening.lake.parts import Fresh, Index
from screening.lake.publish import Run, Source, publish, query
from screening.lake.research import research_shift
from screening.lake.sealed import SealedFiles
from screening.lake.sqlfiles import read_relations
from screening.lake.vault import Vault
from screening.resources import sql_folder

_PRIVATE = 0o700  # what names people, even sealed, is the owner's alone


@dataclass(slots=True)
class Lake:
    """An opened lake; make it by `Lake.open`."""

    path: Path
    vault: Vault
    _manifest: Manifest = field(repr=False)
    _keys: Keys = field(repr=False)
    _tables: Tables = field(repr=False)
    _index: IndexStore = field(repr=False)
    _pictures: SealedFiles = field(repr=False)
    _seen: SealedFiles = field(repr=False)
    _lease: Lease | None = field(default=None, repr=False)

    @classmethod
    def open(
        cls, path: Path, secret: bytes | None, create: bool, default_issuer: str = ""
    ) -> "Lake":
        """Open a lake, or make it where there is none and `create` is set.

        Parameters
        ----------
        secret
            From the environment; None to use the file beside the lake.
        default_issuer
            Stands in where a scan or clinical row names no issuer of its patient number.

        Raises
        ------
        ScreeningError
            See the module's text; one line, says what to do.
        """
        path = path.resolve()
        refuse_unreadable_name(path)
        if is_lake(path):
            manifest = open_manifest(path, secret)
        else:
            refuse_foreign_folder(path)
            if not create:
                raise ScreeningError(f"there is no lake at {path}; run a sweep with --lake {path}")
            _make_folder(path, _PRIVATE)
            manifest = create_manifest(path, secret)
        _make_folder(path / "tables")
        for name in ("index", "vault", "vault/pictures"):
            _make_folder(path / name, _PRIVATE)
        keys = derive_keys(manifest.data_key)
        return cls(
            path=path,
            vault=Vault(path / "vault/vault.sqlite", keys, default_issuer),
            _manifest=manifest,
            _keys=keys,
            _tables=Tables(path / "tables"),
            _index=IndexStore(path / "index", keys.index),
            _pictures=SealedFiles(path / "vault/pictures", "picture", keys.pictures),
            _seen=SealedFiles(path / "vault/seen", "seen", keys.seen),
        )

    @property
    def secret_file(self) -> Path | None:
        """The file that holds the lake's secret; None where the environment gave it."""
        return self._manifest.secret_file

    def rotate_secret(self, new: bytes) -> None:
        """Change the site's secret; nothing but `lake.json` (and the secret's file) is written."""
        with self._writing():
            rotate(self.path, self._manifest, new)

    @contextmanager
    def lease(self, run_id: str) -> Iterator[Lease]:
        """Hold the right to write; what killed writers left behind is cleared away.

        Raises
        ------
        ScreeningError
            Naming the live driver that holds it.
        """
        with hold(self.path / "lease.sqlite", run_id, self._tables.highest_epoch()) as lease:
            # Lakes of earlier programs lack it; who only reads them need not make it.
            _make_folder(self.path / "vault/seen", _PRIVATE)
            for name in ("", "index", "vault/pictures", "vault/seen"):
                sweep_temporaries(self.path / name)
            self._lease = lease
            try:
                yield lease
            finally:
                self._lease = None

    def read(self, name: str) -> pa.Table:
        """Return a table; no rows of the right columns where it was never written."""
        return self._tables.read(name)

    def append(self, name: str, table: pa.Table, app_id: str, version: int) -> bool:
        """Commit rows once (`delta.Tables.append`); False where nothing was left to commit."""
        return self._tables.append(name, table, app_id, version, self._held())

    def replace(self, name: str, table: pa.Table) -> bool:
        """Make a table hold these rows; False where it held them already."""
        return self._tables.replace(name, table, self._held())

    def check_keys(self) -> None:
        """Raise a ScreeningError where a table's key names more than one row."""
        self._tables.check_keys()

    def maintain(self, vacuum_hours: int = VACUUM_HOURS) -> None:
        """Join small files, write checkpoints, delete files no longer needed."""
        self._tables.maintain(self._held(), vacuum_hours)

    def read_index(self) -> Index:
        """Return what the last crawl saw; its parts are read when they are asked for."""
        return self._index.read()

    def fresh(self, index: Index, n_new: int) -> Fresh:
        """Return where up to `n_new` new instances gather, beside those of an index."""
        self._held()
        return Fresh(index, n_new, self._index.spill)

    def write_index(self, index: Index) -> Index | None:
        """Keep what a crawl saw.

        Returns
        -------
        The same as it now lies on disk; None where a full disk did not take it. What is left out is
        read again by the next crawl, so it is no reason to stop.
        """
        self._held().confirm()
        try:
            return self._index.write(index)
        except InfrastructureError:
            return None

    def store_picture(self, series_key: str, png: bytes, model_digest: str = "") -> None:
        """Encrypt a picture of one series, of a score by this model."""
        self._held().confirm()
        self._pictures.store(series_key, png, model_digest)

    def store_seen(self, series_key: str, packed: bytes, model_digest: str = "") -> None:
        """Encrypt what this model saw of one series."""
        self._held().confirm()
        self._seen.store(series_key, packed, model_digest)

    def forget_images(self, series_keys: frozenset[str]) -> None:
        """Remove the pictures of these series and what models saw of them."""
        self._held()
        self._pictures.remove(series_keys)
        self._seen.remove(series_keys)

    def read_picture(self, series_key: str, model_digest: str = "") -> bytes | None:
        """Return the picture of one series by this model, None where it has none."""
        return self._pictures.read(series_key, model_digest)

    def read_seen(self, series_key: str, model_digest: str = "") -> bytes | None:
        """Return what this model saw of one series, packed; None where that was not kept.

        Raises
        ------
        ScreeningError
            The file is damaged, or of another lake.
        """
        return self._seen.read(series_key, model_digest)

    def query(
        self, view: str, as_of: date, run_id: str = "", folder: Path | None = None
    ) -> pa.Table:
        """Return one relation of `sql/` (or of `folder`), made from the tables as they stand."""
        relations = read_relations(folder or sql_folder())
        return query(self._source(), relations, view, self._run(as_of, run_id))

    def query_at(
        self, view: str, landmarks: pa.Table, today: date, given: Mapping[str, pa.Table]
    ) -> pa.Table:
        """Return one relation as it was for each person on the day of their own.

        Parameters
        ----------
        landmarks
            `landmark.LANDMARKS`: a day a person; people without one are in no row.
        today
            The day of the list: wishes not to be part of it hold that hold for it.
        given
            Tables in the place of the lake's, such as `risk` estimated anew for that day.
        """
        read = moved(self.read, landmarks, self.wishes_on(today), given)
        source = Source(self.path, read, self._research_shift)
        found = query(source, read_relations(sql_folder()), view, Run(COMMON_DAY, "", COMMON_DAY))
        return moved_back(found, landmarks)

    def publish(self, as_of: date, run_id: str, folder: Path | None = None) -> None:
        """Build `screening.duckdb` and `research.duckdb` and rename them into place."""
        self._held().confirm()
        publish(self._source(), read_relations(folder or sql_folder()), self._run(as_of, run_id))

    def wishes_on(self, as_of: date) -> date:
        """Return the day whose wishes hold for a list as of a day.

        A wish is no fact of that day's knowledge: one that had begun when the last sweep did
        holds for the past too. Dated later than both, it has not begun.
        """
        begun = [at for at in self.read("runs")["started_at"].to_pylist() if at is not None]
        days: list[date] = [at.astimezone().date() for at in begun]
        return max([as_of, *days])

    def _run(self, as_of: date, run_id: str) -> Run:
        return Run(as_of, run_id, self.wishes_on(as_of))

    def _source(self) -> Source:
        return Source(self.path, self.read, self._research_shift)

    def _research_shift(self, wishes_on: date) -> pa.Table:
        people = pa.concat_tables(
            [self.read(name).select(["person_key"]) for name in ("series", "person")]
        )
        return research_shift(self._keys.research, people, self.read("policy"), wishes_on)

    def _held(self) -> Lease:
        if self._lease is None:
            raise ScreeningError("the lake is written to only while its lease is held")
        return self._lease

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Take the lease for one short piece of work, unless it is held already."""
        if self._lease is not None:
            yield
            return
        with self.lease("maintenance"):
            yield


def _make_folder(folder: Path, mode: int = 0o777) -> None:
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        raise InfrastructureError(
            f"cannot make the lake's folder {folder}: {error.strerror}"
        ) from error
