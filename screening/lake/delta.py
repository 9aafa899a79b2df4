"""The lake's tables: Parquet under a Delta log.

Comes in: Arrow tables declared in `tables.LAKE_TABLES`, a lease.
Goes out: committed tables; the same tables read again.
Refuses: columns other than declared, a key twice in one table, a driver whose lease is past.

Three guards keep results exactly once. The log's application transaction is read first and a
repeat is skipped (deltalake records it but does not refuse). A disposition whose key
exists is dropped, unless the one there is only `pending`. Every commit carries the
lease's epoch as an application transaction: a driver with a past epoch is refused, and two
writers at one moment conflict in the log.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError
from pyarrow.fs import LocalFileSystem, SubTreeFileSystem

from screening.errors import InfrastructureError, ScreeningError
from screening.lake.files import sync_file, sync_folder
from screening.lake.lease import Lease
from screening.lake.ledger import Ledger
from screening.reasons import State
from screening.schema import Table
from screening.tables import DISPOSITIONS, LAKE_TABLES

EPOCH_ID = "lease_epoch"
COMPACT_FROM_FILES = 16
VACUUM_HOURS = 168  # a week: longer than any reader keeps a table open
_CONFIGURATION = {
    "delta.checkpointInterval": "20",
    "delta.logRetentionDuration": "interval 30 days",
}


@dataclass(slots=True)
class Tables:
    """The folder of Delta tables."""

    folder: Path
    _ledger: Ledger = field(default_factory=Ledger)

    def read(self, name: str) -> pa.Table:
        """Return the whole table; no rows where it was never written."""
        declared = _declared(name)
        with _naming(name):
            table = self._existing(name)
            return declared.empty() if table is None else _content(declared, table)

    def append(self, name: str, rows: pa.Table, app_id: str, version: int, lease: Lease) -> bool:
        """Commit `rows` once.

        Returns
        -------
        False where the transaction is already in the log or every row was there already.
        """
        declared = _declared(name)
        rows = declared.check(rows)
        with _naming(name):
            table = self._open(declared, lease)
            done = table.transaction_version(app_id)
            if done is not None and done >= version:
                return False
            properties = _properties(lease, Transaction(app_id, version, None))
            if name == DISPOSITIONS.name:
                return self._append_dispositions(table, rows, properties)
            if rows.num_rows:
                _write(table, rows, properties)
        return bool(rows.num_rows)

    def replace(self, name: str, rows: pa.Table, lease: Lease) -> bool:
        """Make the table hold these rows, in one commit.

        Returns
        -------
        False where it held exactly these already.
        """
        declared = _declared(name)
        rows = _in_key_order(declared, declared.check(rows))
        _require_unique(declared, rows)
        with _naming(name):
            table = self._open(declared, lease)
            if _in_key_order(declared, _content(declared, table)).equals(rows):
                return False
            _write(table, rows, _properties(lease), mode="overwrite")
        return True

    def check_keys(self) -> None:
        """Check that every table's key names one row.

        Raises
        ------
        ScreeningError
            Naming the table and the number of rows too many.
        """
        for name, declared in LAKE_TABLES.items():
            with _naming(name):
                table = self._existing(name)
                if table is not None:
                    keys = _rows(table, declared.key)
                    _require_unique(declared, keys)

    def maintain(self, lease: Lease, vacuum_hours: int = VACUUM_HOURS) -> None:
        """Join small files, write a checkpoint, delete files no version of the week needs."""
        for name, declared in LAKE_TABLES.items():
            if self._existing(name) is None:
                continue
            with _naming(name):
                table = self._open(declared, lease)
                before = table.version()
                if len(table.file_uris()) >= COMPACT_FROM_FILES:
                    table.optimize.compact(commit_properties=_properties(lease))
                    table.create_checkpoint()
                    table.cleanup_metadata()
                _vacuum(table, self.folder / name, vacuum_hours)
                _settle(table, before)

    def highest_epoch(self) -> int:
        """Return the newest epoch any table was written under, 0 for none."""
        epochs = [0]
        for name in LAKE_TABLES:
            with _naming(name):
                table = self._existing(name)
                epochs.append((table and table.transaction_version(EPOCH_ID)) or 0)
        return max(epochs)

    def _append_dispositions(
        self, table: DeltaTable, rows: pa.Table, properties: CommitProperties
    ) -> bool:
        version = table.version()
        if self._ledger.version != version:
            self._ledger.load(version, _rows(table, Ledger.COLUMNS))
        new, better = self._ledger.sort_out(rows)
        if better.num_rows:
            _merge(table, pa.concat_tables([new, better]), properties)
        elif new.num_rows:
            _write(table, new, properties)
        else:
            return False
        self._ledger.note(version + 1, pa.concat_tables([new, better]))
        return True

    def _existing(self, name: str) -> DeltaTable | None:
        path = self.folder / name
        return DeltaTable(path) if DeltaTable.is_deltatable(str(path)) else None

    def _open(self, declared: Table, lease: Lease) -> DeltaTable:
        """Open a table for writing, made where it is missing, unless a newer driver wrote it."""
        lease.confirm()
        table = self._existing(declared.name)
        if table is None:
            table = DeltaTable.create(
                self.folder / declared.name,
                declared.schema,
                mode="ignore",
                configuration=_CONFIGURATION,
            )
            _settle(table, -1)
        epoch = table.transaction_version(EPOCH_ID)
        if epoch is not None and epoch > lease.epoch:
            raise _fenced(declared.name)
        return table


def _folder(table: DeltaTable) -> Path:
    return Path(url2pathname(urlsplit(table.table_uri).path))


def _rows(table: DeltaTable, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a table through Arrow's own file system.

    The library's default one calls back into Python from Arrow's threads, which at times aborts
    the interpreter while it ends (seen in 4 of 72 small programs; in 0 of 60 this way).
    """
    files = SubTreeFileSystem(str(_folder(table)), LocalFileSystem())
    return table.to_pyarrow_table(columns=list(columns) if columns else None, filesystem=files)


def _declared(name: str) -> Table:
    if name not in LAKE_TABLES:
        raise ScreeningError(f"the lake has no table {name}; it has {', '.join(LAKE_TABLES)}")
    return LAKE_TABLES[name]


def _content(declared: Table, table: DeltaTable) -> pa.Table:
    """Read a table; a column declared after it was written is empty."""
    data = _rows(table)
    for column in declared.columns:
        if column.name not in data.column_names:
            data = data.append_column(column.name, pa.nulls(data.num_rows, column.type))
    return declared.check(data)


def _in_key_order(declared: Table, rows: pa.Table) -> pa.Table:
    return rows.sort_by([(name, "ascending") for name in declared.key]).combine_chunks()


def _require_unique(declared: Table, rows: pa.Table) -> None:
    repeated = rows.num_rows - rows.group_by(list(declared.key)).aggregate([]).num_rows
    if repeated:
        raise ScreeningError(
            f"table {declared.name}: {repeated} rows repeat a key ({', '.join(declared.key)})"
        )


def _properties(lease: Lease, *transactions: Transaction) -> CommitProperties:
    return CommitProperties(
        custom_metadata={"run_id": lease.run_id, "epoch": str(lease.epoch)},
        app_transactions=[Transaction(EPOCH_ID, lease.epoch, None), *transactions],
    )


def _write(
    table: DeltaTable, rows: pa.Table, properties: CommitProperties, mode: str = "append"
) -> None:
    before = table.version()
    if mode == "append":
        write_deltalake(
            table, rows, mode="append", schema_mode="merge", commit_properties=properties
        )
    else:
        write_deltalake(
            table, rows, mode="overwrite", schema_mode="overwrite", commit_properties=properties
        )
    _settle(table, before)


def _merge(table: DeltaTable, rows: pa.Table, properties: CommitProperties) -> None:
    """Insert new dispositions and overwrite those that give way (`Ledger`), in one commit."""
    before = table.version()
    same_key = " AND ".join(f"old.{name} = new.{name}" for name in DISPOSITIONS.key)
    (
        table.merge(
            rows,
            same_key,
            source_alias="new",
            target_alias="old",
            merge_schema=True,
            commit_properties=properties,
        )
        .when_matched_update_all(
            predicate=f"old.state = '{State.PENDING}' OR coalesce(old.scoring_version, 0) = 0"
        )
        .when_not_matched_insert_all()
        .execute()
    )
    _settle(table, before)


def _settle(table: DeltaTable, before: int) -> None:
    """Force what was committed after version `before` to disk.

    The library leaves that to the system: a power cut seconds later could leave an empty log
    entry, and with it a table nobody can open.
    """
    folder = _folder(table)
    log = folder / "_delta_log"
    for version in range(before + 1, table.version() + 1):
        entry = log / f"{version:020d}.json"
        for line in entry.read_text(encoding="utf-8").splitlines():
            added = json.loads(line).get("add")
            if added is not None:
                sync_file(folder / unquote(added["path"]))
        for file in log.glob(f"{version:020d}*"):
            sync_file(file)
    sync_folder(folder)
    sync_folder(log)


def _vacuum(table: DeltaTable, folder: Path, hours: int) -> None:
    """Delete files that no version younger than `hours` needs, those of killed writers too.

    Deleting writes to the log, and the library names again what is long gone; so ask first
    and look: idle nights leave no trace.
    """
    named = table.vacuum(hours, dry_run=True, enforce_retention_duration=False, full=True)
    if any((folder / name).exists() for name in named):
        table.vacuum(hours, dry_run=False, enforce_retention_duration=False, full=True)


def _fenced(name: str) -> ScreeningError:
    return ScreeningError(
        f"table {name}: another driver writes to this lake; this one has stopped and wrote nothing"
    )


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Turn the library's errors into one line that names the table."""
    try:
        yield
    except CommitFailedError as error:
        raise _fenced(name) from error
    except (DeltaError, OSError) as error:
        raise InfrastructureError(
            f"table {name} cannot be read or written ({type(error).__name__}); "
            "check the disk and its rights"
        ) from error
