"""Stage one: what is in the archive, and what is new since the last sweep.

Comes in: the archive and the encrypted index of the last sweep.
Goes out: every instance under the vault's keys, every other file with its reason.
Refuses: an archive without any file.

What is listed but cannot be had tonight stays as the last sweep knew it, and its study waits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from distributed import as_completed

from flows.cluster import Cluster
from screening import archive
from screening.config import ArchiveSettings
from screening.errors import ScreeningError
from screening.lake import Lake
from screening.reasons import Reason
from screening.tables import FILES, INSTANCES, INSTANCES_RAW

_EMPTY = "the archive is empty: nothing is listed; check the address"
_WHO = ("path", "size_bytes", "mtime_ns")


@dataclass(frozen=True, slots=True)
class Shard:
    """Some files whose headers one task reads; its repr shows no path."""

    source: archive.Source = field(repr=False)
    stats: pa.Table = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Crawled:
    """The archive as it is tonight."""

    instances: pa.Table  # INSTANCES
    files: pa.Table  # FILES
    n_seen: int
    n_new: int
    waiting: frozenset[str] = frozenset()  # keys of studies of which something was not delivered


def _read_shard(shard: Shard) -> archive.HeaderShard:
    return shard.source.read_headers(shard.stats)


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


def _read_new(cluster: Cluster, source: archive.Source, new: pa.Table) -> archive.HeaderShard:
    """Read the headers of new files, in shards over the workers."""
    shards = [Shard(source, stats) for stats in source.shards(new)]
    if len(shards) <= 1:
        read = [_read_shard(s) for s in shards]
    else:
        futures = cluster.client.map(_read_shard, shards, pure=False)
        read = [future.result() for future in as_completed(futures)]
    return archive.HeaderShard(
        instances=pa.concat_tables([INSTANCES_RAW.empty(), *(r.instances for r in read)]),
        files=pa.concat_tables([FILES.empty(), *(r.files for r in read)]),
    )


def check_archive(url: str, lake: Path, limits: ArchiveSettings) -> None:
    """Refuse an archive that cannot be swept into this lake, before the lake is made."""
    address = archive.resolve(url)
    archive.keep_apart(address, lake)
    archive.open_source(address, limits).check()


def crawl(lake: Lake, cluster: Cluster, source: archive.Source, today: date) -> Crawled:
    """List the archive, open only what is new or changed, and bring the index up to date."""
    index = lake.read_index()
    known = pa.concat_tables([t.select(list(_WHO)) for t in (index.instances, index.files)])
    listing = source.list_files(known, today)
    n_seen = listing.stats.num_rows + listing.ignored.num_rows
    if n_seen == 0:
        raise ScreeningError(_EMPTY)
    kept_instances = _split(index.instances, listing.stats)
    kept_files = _split(index.files, listing.stats)
    new = _unknown(listing.stats, (kept_instances, kept_files))
    read = _read_new(cluster, source, new)
    fresh = lake.vault.pseudonymise(read.instances)
    missed = pa.concat_tables([kept_files, read.files, FILES.check(listing.ignored)])
    missed = missed.filter(pc.equal(missed["reason"], Reason.UNREACHABLE.value))["path"]
    as_before = index.instances.filter(pc.is_in(index.instances["path"], value_set=missed))
    files = pa.concat_tables([kept_files, read.files])
    files = files.filter(pc.invert(pc.is_in(files["path"], value_set=as_before["path"])))
    instances = pa.concat_tables([kept_instances, as_before, fresh]).sort_by("path")
    files = files.sort_by("path")
    if new.num_rows or instances.num_rows != index.instances.num_rows:
        lake.write_index(INSTANCES.check(instances), FILES.check(files))
    every = pa.concat_tables([files, FILES.check(listing.ignored)])
    waiting = archive.waiting_studies(instances, missed)
    return Crawled(instances, every, n_seen, new.num_rows, waiting)
