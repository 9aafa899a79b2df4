"""The headers of a shard of files, as two tables.

Comes in: an archive's address and rows of a `Listing`.
Goes out: `HeaderShard`: each file is one row of `instances` or one row of `files`.
Refuses: nothing a file can do; an archive that went away is an `InfrastructureError`.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from screening.archive.header import Header, read_header
from screening.archive.tags import COLUMNS
from screening.errors import InfrastructureError
from screening.reasons import Reason
from screening.tables import FILES, INSTANCES_RAW

# A file that the operating system would not open is looked at again next time: with this
# time on its row, no later listing finds it unchanged.
LOOK_AGAIN_NS = -1

FileRow = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class HeaderShard:
    """What a shard of files turned out to be; n rows in = n rows out over both tables.

    instances : `INSTANCES_RAW`
    files : `FILES`, those that are no usable instance
    """

    instances: pa.Table = field(repr=False)
    files: pa.Table = field(repr=False)


def read_headers(address: str, stats: pa.Table) -> HeaderShard:
    """Read the headers of the files in `stats`.

    Parameters
    ----------
    address : the archive's folder, as `resolve_folder` returns it
    stats : columns path, size_bytes, mtime_ns, as in `Listing.stats`

    Raises
    ------
    InfrastructureError
        when a file cannot be opened and the archive itself is gone too
    """
    instances: list[tuple[FileRow, Header]] = []
    others: list[tuple[str, int, int, str]] = []
    columns = (stats.column(name).to_pylist() for name in ("path", "size_bytes", "mtime_ns"))
    for row in zip(*columns, strict=True):
        found = _read_one(address, row)
        if isinstance(found, Header):
            instances.append((row, found))
        elif found is None:
            others.append((row[0], row[1], LOOK_AGAIN_NS, Reason.UNREADABLE.value))
        else:
            others.append((*row, found.value))
    return make_shard(instances, others)


def make_shard(
    instances: list[tuple[FileRow, Header]], others: list[tuple[str, int, int, str]]
) -> HeaderShard:
    """Make both tables: headers under their file's row, and `FILES` rows.

    A header with a value that no column can hold is unreadable: it must not cost the others.
    """
    try:
        return HeaderShard(_instance_table(instances), _file_table(others))
    except (ValueError, TypeError, OverflowError, pa.ArrowException):
        if len(instances) == 1:
            ((row, _),) = instances
            return HeaderShard(
                INSTANCES_RAW.empty(), _file_table([*others, (*row, Reason.UNREADABLE.value)])
            )
    half = len(instances) // 2
    first, rest = make_shard(instances[:half], others), make_shard(instances[half:], [])
    return HeaderShard(
        pa.concat_tables([first.instances, rest.instances]),
        pa.concat_tables([first.files, rest.files]),
    )


def _read_one(address: str, row: FileRow) -> Header | Reason | None:
    """One file's header, the reason why not, or None when it could not be opened or read."""
    try:
        with open(f"{address}/{row[0]}", "rb", buffering=0) as file:  # noqa: PTH123 - hot loop
            return read_header(file, os.fstat(file.fileno()).st_size)
    except OSError:
        if not Path(address).is_dir():
            raise InfrastructureError(
                "archive: its folder has gone away while files were read; check the mount"
            ) from None
        return None


def _instance_table(rows: list[tuple[FileRow, Header]]) -> pa.Table:
    headers = [header.values for _, header in rows]
    columns: dict[str, list[object]] = {
        "path": [row[0] for row, _ in rows],
        "size_bytes": [row[1] for row, _ in rows],
        "mtime_ns": [row[2] for row, _ in rows],
        "pixel_bytes": [header.pixel_bytes for _, header in rows],
        "frame_positions_mm": [header.frame_positions or None for _, header in rows],
        "frame_kinds": [header.frame_kinds or None for _, header in rows],
        "rejection": [header.note.code for _, header in rows],
        "rejected_instances": [list(header.note.instances) for _, header in rows],
    }
    columns |= {name: [read(h) for h in headers] for name, read in COLUMNS.items()}
    _name_the_nameless(columns)
    schema = INSTANCES_RAW.schema
    return pa.table([pa.array(columns[f.name], f.type) for f in schema], schema=schema)


def _name_the_nameless(columns: dict[str, list[object]]) -> None:
    """Fill empty UIDs of de-identified files: each file an instance, each folder a series.

    Without this, instances without a name would pass for copies of one another. The paths are
    identity as UIDs are; the vault turns both into keys.
    """
    paths = [str(p) for p in columns["path"]]
    places = [
        f"folder:{path.rpartition('/')[0]}:{frame}"
        for path, frame in zip(paths, columns["frame_of_reference_uid"], strict=True)
    ]
    for name, stand_in in (
        ("sop_instance_uid", [f"file:{p}" for p in paths]),
        ("series_instance_uid", places),
        ("study_instance_uid", places),
    ):
        columns[name] = [uid or s for uid, s in zip(columns[name], stand_in, strict=True)]


def _file_table(rows: list[tuple[str, int, int, str]]) -> pa.Table:
    columns = [list(c) for c in zip(*rows, strict=True)] or [[], [], [], []]
    return pa.table(columns, schema=FILES.schema)
