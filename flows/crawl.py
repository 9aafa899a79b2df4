"""Stage one: what is in the archive, and what is new since the last sweep.

Comes in: the archive and the encrypted index of the last sweep.
Goes out: every instance under the vault's keys, every other file with its reason.
Refuses: an archive without any file.

What is listed but cannot be had tonight stays as the last sweep knew it, and its study waits; so
does what was an image and is empty or damaged now, what lies in a folder that may not be opened,
and what a listing that was cut short left out.
Headers are read by workers: a file that ends its reader costs that process, and is `unreadable`.
This process holds path, size and time of every file, and the rest of some files at a time.
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
from screening.lake import AsBefore, Fresh, Index, Lake, Matched, as_before, compare, known_files
from screening.reasons import Reason
from screening.tables import FILES, INSTANCES_RAW

# Into so many pieces the files are cut that were with a worker that died, to find who did it.
_PIECES = 20
# Headers held at once before they are put on disk, part by part.
_BLOCK_FILES = 200_000
_CUT = (Reason.TRUNCATED_FILE, Reason.UNREADABLE)  # begin as DICOM
_EMPTY = "the archive is empty: nothing is listed; check the address"


@dataclass(frozen=True, slots=True)
class Shard:
    """Some files whose headers one task reads; its repr shows no path."""

    source: archive.Source = field(repr=False)
    stats: pa.Table = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Crawled:
    """The archive as it is tonight."""

    index: Index  # its instances, in parts
    files: pa.Table  # FILES
    n_seen: int
    n_new: int
    waiting: frozenset[str] = frozenset()  # keys of studies of which something was not delivered
    is_kept: bool = True  # the index, for the next sweep
    n_shut: int = 0  # folders and files that could not be opened
    arriving: frozenset[str] = frozenset()  # keys of studies that are still being received
    cut_short: str = ""  # why the listing ended before its end
    n_spoilt: int = 0  # files that were images in the last sweep and are damaged

    @property
    def instances(self) -> pa.Table:
        """All INSTANCES at once, for archives that are known to be small."""
        return self.index.instances


def _read_shard(shard: Shard) -> archive.HeaderShard:
    return shard.source.read_headers(shard.stats)


def _list(index: Index, source: archive.Source, today: date) -> tuple[archive.Listing, Matched]:
    """List the archive, and tell what is new or changed."""
    known = known_files(index)
    listing = source.list_files(known, today)
    if listing.stats.num_rows + listing.ignored.num_rows == 0:
        raise ScreeningError(_EMPTY)
    return listing, compare(index, known, listing.stats)


def _read_new(
    lake: Lake, cluster: Cluster | None, source: archive.Source, new: pa.Table, fresh: Fresh
) -> pa.Table:
    """Read the headers of new files, some shards at a time; return the FILES that are none."""
    files = [FILES.empty()]
    for start in range(0, new.num_rows, _BLOCK_FILES):
        block = new.slice(start, _BLOCK_FILES)
        shards = [Shard(source, stats) for stats in source.shards(block)]
        read = list(
            _read_by_workers(cluster.client, shards) if cluster else map(_read_shard, shards)
        )
        raw = pa.concat_tables([INSTANCES_RAW.empty(), *(r.instances for r in read)])
        is_last = start + _BLOCK_FILES >= new.num_rows
        fresh.add(lake.vault.pseudonymise(raw), is_last)
        files += [r.files for r in read]
    return pa.concat_tables(files)


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


def _arriving(index: Index, young: frozenset[str]) -> frozenset[str]:
    """Return the keys of the studies that young files belong to."""
    paths = pa.array(sorted(young), pa.string())
    found: set[str] = set()
    for part in index.read(("path", "study_key")) if young else ():
        is_young = pc.is_in(part["path"], value_set=paths)
        found.update(part.filter(is_young)["study_key"].to_pylist())
    return frozenset(found)


def _undelivered(every: pa.Table) -> pa.ChunkedArray:
    """Return the paths of what was listed, but could not be read tonight."""
    is_unreachable = pc.equal(every["reason"], Reason.UNREACHABLE.value)
    is_asked_again = pc.equal(every["mtime_ns"], archive.LOOK_AGAIN_NS)
    return every.filter(pc.or_(is_unreachable, is_asked_again))["path"]


def _of_reason(files: pa.Table, *reasons: Reason) -> pa.ChunkedArray:
    """Return the paths of files that are no images for one of these reasons."""
    return files.filter(pc.is_in(files["reason"], value_set=pa.array([r.value for r in reasons])))[
        "path"
    ]


def _missed(
    files: pa.Table, undelivered: pa.ChunkedArray, shut: frozenset[str], before: AsBefore
) -> archive.Missed:
    """Tell what was not delivered; what was an image and is none now counts as that."""
    was = frozenset(before.paths.to_pylist())
    late = frozenset(undelivered.to_pylist())
    damaged = frozenset(_of_reason(files, *_CUT).to_pylist()) - late
    strange = frozenset(_of_reason(files, Reason.NOT_DICOM).to_pylist())
    return archive.Missed(late | ((damaged | strange) & was), shut, damaged - was, strange - was)


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
    listing, found = _list(index, source, today)
    n_listed, n_new = listing.stats.num_rows + listing.ignored.num_rows, found.new.num_rows
    ignored, young = FILES.check(listing.ignored), listing.young
    cut_short = listing.cut_short
    del listing  # of a large archive, much
    fresh = lake.fresh(index, n_new)
    files = pa.concat_tables([found.files, _read_new(lake, cluster, source, found.new, fresh)])
    every = pa.concat_tables([files, ignored])
    undelivered, shut = _undelivered(every), _shut(ignored)
    spoilt = _of_reason(files, *_CUT, Reason.NOT_DICOM)
    before = as_before(index, pa.chunked_array([*undelivered.chunks, *spoilt.chunks]), shut)
    missed = _missed(files, undelivered, shut, before)
    files = files.filter(pc.invert(pc.is_in(files["path"], value_set=before.paths)))
    stays = found.stays | before.stays
    tonight = index.renewed(stays, fresh, files.sort_by("path"))
    is_kept = True
    if n_new or not stays.all():
        kept = lake.write_index(tonight)
        is_kept, tonight = kept is not None, kept or tonight
    return Crawled(
        tonight,
        pa.concat_tables([tonight.files, ignored]),
        n_listed + before.n_behind,
        n_new,
        source.waiting(tonight.read, missed) if missed else frozenset(),
        is_kept,
        len(shut),
        _arriving(tonight, young),
        cut_short,
        int(pc.sum(pc.is_in(spoilt, value_set=before.paths)).as_py() or 0),
    )
