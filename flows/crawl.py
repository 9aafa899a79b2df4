"""Stage one: what is in the archive, and what is new since the last sweep.

Comes in: the archive's address and the encrypted index of the last sweep.
Goes out: every instance under the vault's keys, every other file with its reason.
Refuses: an archive without any file.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
from distributed import as_completed

from flows.cluster import Cluster
from screening import archive
from screening.errors import ScreeningError
from screening.lake import Lake
from screening.tables import FILES, INSTANCES, INSTANCES_RAW

FILES_PER_SHARD = 400
_EMPTY = "the archive is empty: no file below its folder; check the address"
_WHO = ("path", "size_bytes", "mtime_ns")


@dataclass(frozen=True, slots=True)
class Shard:
    """Some files whose headers one task reads; its repr shows no path."""

    address: str = field(repr=False)
    stats: pa.Table = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Crawled:
    """The archive as it is tonight."""

    instances: pa.Table  # INSTANCES
    files: pa.Table  # FILES
    n_seen: int
    n_new: int


def _read_shard(shard: Shard) -> archive.HeaderShard:
    return archive.read_headers(shard.address, shard.stats)


def _split(known: pa.Table, listed: pa.Table) -> pa.Table:
    """Return the rows of `known` whose file is still there, unchanged."""
    place = pa.array(range(known.num_rows), pa.int64())
    keyed = known.select(list(_WHO)).append_column("place", place)
    kept = keyed.join(listed.select(list(_WHO)), keys=list(_WHO), join_type="inner")
    return known.take(kept.sort_by("place")["place"])


def _unknown(listed: pa.Table, known: Sequence[pa.Table]) -> pa.Table:
    """Return the listed files that no index row describes as they are now."""
    rest = listed
    for table in known:
        rest = rest.join(table.select(list(_WHO)), keys=list(_WHO), join_type="left anti")
    return rest.sort_by("path")


def _read_new(cluster: Cluster, address: str, new: pa.Table) -> archive.HeaderShard:
    """Read the headers of new files, in shards over the workers."""
    shards = [
        Shard(address, new.slice(start, FILES_PER_SHARD))
        for start in range(0, new.num_rows, FILES_PER_SHARD)
    ]
    if len(shards) <= 1:
        read = [_read_shard(s) for s in shards]
    else:
        futures = cluster.client.map(_read_shard, shards, pure=False)
        read = [future.result() for future in as_completed(futures)]
    return archive.HeaderShard(
        instances=pa.concat_tables([INSTANCES_RAW.empty(), *(r.instances for r in read)]),
        files=pa.concat_tables([FILES.empty(), *(r.files for r in read)]),
    )


def check_archive(url: str, lake: Path) -> None:
    """Refuse an archive that cannot be swept into this lake, before the lake is made."""
    address = archive.resolve(url)
    archive.keep_apart(address, lake)
    if archive.is_empty(address):
        raise ScreeningError(_EMPTY)


def crawl(lake: Lake, cluster: Cluster, address: str) -> Crawled:
    """List the archive, open only what is new or changed, and bring the index up to date."""
    listing = archive.list_files(address)
    n_seen = listing.stats.num_rows + listing.ignored.num_rows
    if n_seen == 0:
        raise ScreeningError(_EMPTY)
    index = lake.read_index()
    kept_instances = _split(index.instances, listing.stats)
    kept_files = _split(index.files, listing.stats)
    new = _unknown(listing.stats, (kept_instances, kept_files))
    read = _read_new(cluster, address, new)
    fresh = lake.vault.pseudonymise(read.instances)
    instances = pa.concat_tables([kept_instances, fresh]).sort_by("path")
    files = pa.concat_tables([kept_files, read.files]).sort_by("path")
    if new.num_rows or instances.num_rows != index.instances.num_rows:
        lake.write_index(INSTANCES.check(instances), FILES.check(files))
    every = pa.concat_tables([files, FILES.check(listing.ignored)])
    return Crawled(instances, every, n_seen, new.num_rows)
