"""Stage one: what is in the archive, and what is new since the last sweep.

Comes in: the archive and the encrypted index of the last sweep.
Goes out: every instance under the vault's keys, every other file with its reason.
Refuses: an archive without any file.

What is listed but cannot be had tonight stays as the last sweep knew it, and its study waits; so
does what lies in a folder that may not be opened.
Headers are read by workers: a file that ends its reader costs that process, and is `unreadable`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from distributed import Client, Future, as_completed
from distributed.scheduler import KilledWorker

from flows.cluster import Cluster
from screening import archive
from screening.config import ArchiveSettings
from screening.errors import ScreeningError
from screening.lake import Lake
from screening.reasons import Reason
from screening.tables import FILES, INSTANCES, INSTANCES_RAW

# Into so many pieces the files are cut that were with a worker that died, to find who did it.
_PIECES = 20
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
    is_kept: bool = True  # in the index, for the next sweep
    n_shut: int = 0  # folders and files that could not be opened
    arriving: frozenset[str] = frozenset()  # keys of studies that are still being received


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


def _read_new(
    cluster: Cluster | None, source: archive.Source, new: pa.Table
) -> archive.HeaderShard:
    """Read the headers of new files, in shards over the workers."""
    shards = [Shard(source, stats) for stats in source.shards(new)]
    if cluster is None or not shards:
        read = [_read_shard(s) for s in shards]
    else:
        read = list(_read_by_workers(cluster.client, shards))
    return archive.HeaderShard(
        instances=pa.concat_tables([INSTANCES_RAW.empty(), *(r.instances for r in read)]),
        files=pa.concat_tables([FILES.empty(), *(r.files for r in read)]),
    )


def _read_by_workers(client: Client, shards: Sequence[Shard]) -> Iterator[archive.HeaderShard]:
    """Read every shard; those that were with a worker that died in ever smaller pieces.

    A single file that was there too is tried once more, alone, before it is blamed.
    """
    while shards:
        futures = dict(zip(client.map(_read_shard, shards, pure=False), shards, strict=True))
        suspects = []
        for future in as_completed(list(futures)):
            found = _unless_worker_died(future)
            if found is None:
                suspects.append(futures[future])
            else:
                yield found
        shards = [piece for suspect in suspects for piece in _pieces(suspect)]
        for single in (s for s in suspects if s.stats.num_rows == 1):
            alone = client.submit(_read_shard, single, pure=False)
            yield _unless_worker_died(alone) or _unreadable(single)


def _unless_worker_died(future: "Future[archive.HeaderShard]") -> archive.HeaderShard | None:
    """Return what was read; None where the worker died of it, or later with the result in it."""
    try:
        found: archive.HeaderShard = future.result()
    except KilledWorker:
        return None
    return found


def _pieces(shard: Shard) -> list[Shard]:
    """Cut a shard; nothing of one that cannot be cut."""
    n = shard.stats.num_rows
    step = max(1, -(-n // _PIECES))
    starts = range(0, n, step) if n > 1 else ()
    return [Shard(shard.source, shard.stats.slice(start, step)) for start in starts]


def _unreadable(shard: Shard) -> archive.HeaderShard:
    """Blame a file; it is not looked at again until it changes."""
    reason = pa.array([Reason.UNREADABLE.value] * shard.stats.num_rows, pa.string())
    rows = FILES.check(shard.stats.append_column("reason", reason))
    return archive.HeaderShard(INSTANCES_RAW.empty(), rows)


def _shut(ignored: pa.Table) -> frozenset[str]:
    """Return the folders and files that could not be opened tonight."""
    is_shut = pc.equal(ignored["reason"], Reason.UNREADABLE.value)
    return frozenset(ignored.filter(is_shut)["path"].to_pylist())


def _behind(instances: pa.Table, shut: frozenset[str]) -> pa.Table:
    """Return what the last sweep knew below folders that are shut: it need not be gone."""
    if not shut:
        return instances.slice(0, 0)
    is_behind = [
        any(path.startswith(f"{folder}/") for folder in shut)
        for path in instances["path"].to_pylist()
    ]
    return instances.filter(pa.array(is_behind, pa.bool_()))


def _arriving(instances: pa.Table, young: frozenset[str]) -> frozenset[str]:
    """Return the keys of the studies that young files belong to."""
    is_young = pc.is_in(instances["path"], value_set=pa.array(sorted(young), pa.string()))
    return frozenset(instances.filter(is_young)["study_key"].to_pylist())


def check_archive(url: str, lake: Path, limits: ArchiveSettings) -> None:
    """Refuse an archive that cannot be swept into this lake, before the lake is made."""
    address = archive.resolve(url)
    archive.keep_apart(address, lake)
    archive.open_source(address, limits).check()


def crawl(lake: Lake, cluster: Cluster | None, source: archive.Source, today: date) -> Crawled:
    """List the archive, open only what is new or changed, and bring the index up to date.

    Without a cluster headers are read in this process, one shard after another.
    """
    index = lake.read_index()
    known = pa.concat_tables([t.select(list(_WHO)) for t in (index.instances, index.files)])
    listing = source.list_files(known, today)
    n_listed = listing.stats.num_rows + listing.ignored.num_rows
    if n_listed == 0:
        raise ScreeningError(_EMPTY)
    kept_instances = _split(index.instances, listing.stats)
    kept_files = _split(index.files, listing.stats)
    new = _unknown(listing.stats, (kept_instances, kept_files))
    read = _read_new(cluster, source, new)
    fresh = lake.vault.pseudonymise(read.instances)
    missed = pa.concat_tables([kept_files, read.files, FILES.check(listing.ignored)])
    missed = missed.filter(pc.equal(missed["reason"], Reason.UNREACHABLE.value))["path"]
    shut = _shut(listing.ignored)
    behind = _behind(index.instances, shut)
    as_before = pa.concat_tables(
        [index.instances.filter(pc.is_in(index.instances["path"], value_set=missed)), behind]
    )
    files = pa.concat_tables([kept_files, read.files])
    files = files.filter(pc.invert(pc.is_in(files["path"], value_set=as_before["path"])))
    instances = pa.concat_tables([kept_instances, as_before, fresh]).sort_by("path")
    files = files.sort_by("path")
    is_kept = True
    if new.num_rows or instances.num_rows != index.instances.num_rows:
        is_kept = lake.write_index(INSTANCES.check(instances), FILES.check(files))
    every = pa.concat_tables([files, FILES.check(listing.ignored)])
    waiting = archive.waiting_studies(instances, missed)
    n_seen = n_listed + behind.num_rows
    arriving = _arriving(instances, listing.young)
    return Crawled(instances, every, n_seen, new.num_rows, waiting, is_kept, len(shut), arriving)
