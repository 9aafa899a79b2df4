"""An archive in object storage: `s3://bucket[/prefix]`.

Comes in: the address, the site's limits; credentials, region and endpoint from the environment,
by the names every S3 program knows (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
`AWS_ENDPOINT_URL`, …).
Goes out: the `Source` of that archive; paths are those below the prefix.
Refuses: a bucket that is not there or gives no access. What cannot be had later is `unreachable`,
never bad data.

The change mark of an object is a digest of its ETag, which changes with its content; where the
store gives none, of its time. For a header only the first bytes are fetched. Every request to the
store is counted in the pace: none is made by the library on its own (no HEAD before a GET).
"""

import io
import logging
import os
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    PartialCredentialsError,
)
from numpy.typing import NDArray
from s3fs import S3FileSystem

from screening.archive.by_folder import waiting_studies
from screening.archive.damaged import damaged_studies
from screening.archive.frame_choice import cuts_frames
from screening.archive.header import Header, read_header
from screening.archive.listing import (
    NOT_LISTED,
    STATS_SCHEMA,
    Listing,
    Missed,
    Reader,
    is_left_alone,
    to_stats,
    with_unlisted,
)
from screening.archive.patience import ask
from screening.archive.settling import young_paths
from screening.archive.shard import LOOK_AGAIN_NS, FileRow, HeaderShard, make_shard
from screening.archive.throttle import Throttle
from screening.config import ArchiveSettings
from screening.errors import InfrastructureError, ScreeningError
from screening.reasons import Reason
from screening.tables import FILES

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# They write addresses, and with them names of objects, into what they log.
for _name in ("s3fs", "fsspec", "aiobotocore", "botocore", "aiohttp"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)

Result = TypeVar("Result")

OBJECTS_PER_SHARD = 400
_HEAD_BYTES = 32 * 1024  # holds nearly every header; what is beyond is fetched when asked for
_MARK_BITS = 62
_SAYS = "archive: "
_CUT_SHORT = "the object store gave the same {} of its listing again"
_NO_TOKEN = "the object store said that its listing goes on, and not where"  # noqa: S105 - no secret
# A store is made for many at once, and asked once an object: a PACS's pace would cost nights.
_UNLESS_SET = {"connections": 32, "requests_per_second": 0.0}
# S3 itself, and stores that speak its language.
_DENIED = (
    "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "401", "403",
)  # fmt: skip
_GONE = ("NoSuchBucket", "NoSuchKey", "404")
_stores: dict[ArchiveSettings, S3FileSystem] = {}  # of this process


def check_address(url: str) -> str:
    """Return the address as it is used; no store is asked.

    Raises
    ------
    ScreeningError
        when it names no bucket, or holds credentials
    """
    parts = urlsplit(url)
    if parts.username or parts.password or "@" in parts.netloc:
        raise ScreeningError(
            "archive: credentials do not belong into the address; set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY"
        )
    if not parts.netloc:
        raise ScreeningError("archive: give a bucket as s3://bucket/prefix")
    return url.rstrip("/")


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """One bucket, or what lies below a prefix of it."""

    address: str
    limits: ArchiveSettings

    @property
    def longest_read_seconds(self) -> float:
        """As the site's limits say."""
        return self.limits.longest_read_seconds

    @property
    def _root(self) -> str:
        return self.address.partition("://")[2]

    def check(self) -> None:
        """Ask what lies at the address, so that what is wrong is told before a lake is made."""
        first = self._ask(partial(_page, **self._asked, MaxKeys=1), is_first=True)
        if not first.get("Contents"):
            raise ScreeningError(
                "the archive is empty: the object store has nothing there; check the address"
            )

    def list_files(self, known: pa.Table, today: date) -> Listing:
        """List every object, page after page: a store tells a thousand in one answer, by key."""
        found = _Objects(self._prefix)
        cut_short = ""
        for page in self._pages():
            if isinstance(page, str):
                cut_short = page
            else:
                found.take(page)
        stats, written = found.once()
        young = young_paths(stats["path"], written, time.time(), self.limits.settle_minutes)
        lost = []
        if cut_short:
            lost = [f"{found.last_path.rpartition('/')[0]}/{NOT_LISTED}".lstrip("/")]
            stats = with_unlisted(stats, known, found.ignored)
        rows = dict.fromkeys(found.ignored, Reason.IGNORED_FILE.value)
        rows |= dict.fromkeys(lost, Reason.UNREACHABLE.value)
        n, paths = len(rows), sorted(rows)
        ignored = [paths, [0] * n, [0] * n, [rows[path] for path in paths]]
        return Listing(stats, pa.table(ignored, schema=FILES.schema), young, cut_short)

    @property
    def _prefix(self) -> str:
        """What the keys of all objects begin with."""
        below = self._root.partition("/")[2]
        return f"{below}/" if below else ""

    @property
    def _asked(self) -> dict[str, str]:
        return {"Bucket": self._root.partition("/")[0], "Prefix": self._prefix}

    def _pages(self) -> Iterator[Sequence[dict[str, object]] | str]:
        """Yield pages to the last, or at the end why there is none: a store must get on."""
        seen: set[object] = set()
        token: dict[str, str] = {}
        while True:
            page = self._ask(partial(_page, **self._asked, **token))
            contents = page.get("Contents", [])
            yield contents
            if not page.get("IsTruncated"):
                return
            following = page.get("NextContinuationToken")
            keys = hash(tuple(str(facts["Key"]) for facts in contents))
            if not following:
                yield _NO_TOKEN
                return
            if following in seen or (contents and keys in seen):
                yield _CUT_SHORT.format("token" if following in seen else "page")
                return
            seen |= {following, keys}
            token = {"ContinuationToken": following}

    def shards(self, new: pa.Table) -> list[pa.Table]:
        """Split into equal numbers of objects."""
        starts = range(0, new.num_rows, OBJECTS_PER_SHARD)
        return [new.slice(start, OBJECTS_PER_SHARD) for start in starts]

    def read_headers(self, stats: pa.Table) -> HeaderShard:
        """Read the headers of listed objects; what is not given is a row `unreachable`."""
        columns = (stats.column(name).to_pylist() for name in ("path", "size_bytes", "mtime_ns"))
        instances: list[tuple[FileRow, Header]] = []
        others: list[tuple[str, int, int, str]] = []
        for row in zip(*columns, strict=True):
            try:
                found = self._header(row)
            except InfrastructureError:
                others.append((row[0], row[1], LOOK_AGAIN_NS, Reason.UNREACHABLE.value))
                continue
            if isinstance(found, Header):
                instances.append((row, found))
            else:
                others.append((*row, found.value))
        return make_shard(instances, others)

    def _header(self, row: FileRow) -> Header | Reason:
        path, size, _ = row
        part = _Ranges(lambda start, end: self._bytes(path, start, end), size)
        return read_header(io.BufferedReader(part, _HEAD_BYTES), size)

    def _bytes(self, path: str, start: int, end: int) -> bytes:
        name = f"{self._root}/{path}"
        return self._ask(lambda store: _content(store, name, start=start, end=end))

    def waiting(self, read: Reader, missed: Missed) -> frozenset[str]:
        """Return whose study waits for what was not delivered or is damaged."""
        return waiting_studies(read, missed) | damaged_studies(read, missed)

    def has_changed(self, path: str, mark: int) -> bool:
        """Return no: whether files are still being written, the settling time tells."""
        return False

    @cuts_frames
    def read_bytes(self, paths: Sequence[str]) -> list[bytes]:
        """Read whole objects, in the order asked for."""
        throttle = self._throttle()
        files: list[bytes] = []
        for number, path in enumerate(paths, start=1):
            try:
                content = self._ask(partial(_content, name=f"{self._root}/{path}"), throttle)
            except InfrastructureError as error:
                raise InfrastructureError(
                    f"file {number} of {len(paths)}: {str(error).removeprefix(_SAYS)}"
                ) from None
            throttle.received(len(content))
            files.append(content)
        return files

    def _ask(
        self,
        question: Callable[[S3FileSystem], Result],
        own: Throttle | None = None,
        *,
        is_first: bool = False,
    ) -> Result:
        """Ask within the limits; an error becomes one line without any object's name."""
        throttle = own or self._throttle()

        def gently() -> Result:
            with throttle.connection():
                throttle.request()
                return question(_store(self.limits))

        patience = 0.0 if is_first else self.limits.patience_seconds
        try:
            return ask(self.address, gently, _may_pass, patience)
        except (OSError, BotoCoreError, ClientError) as error:
            raise _told(error) from None

    def _throttle(self) -> Throttle:
        server = os.environ.get("AWS_ENDPOINT_URL", self._root.split("/")[0])
        unset = _UNLESS_SET.keys() - self.limits.model_fields_set
        own = self.limits.model_copy(update={name: _UNLESS_SET[name] for name in unset})
        return Throttle(server, own)


def _page(store: S3FileSystem, **asked: str | int) -> dict[str, Any]:
    page: dict[str, Any] = store.call_s3("list_objects_v2", **asked)
    return page


def _content(store: S3FileSystem, name: str, **part: int) -> bytes:
    """Fetch an object, or a part of it, in one request: several at once begin with a HEAD."""
    content: bytes = store.cat_file(name, max_concurrency=1, **part)
    return content


class _Ranges(io.RawIOBase):
    """An object as a file that is fetched a stretch at a time."""

    def __init__(self, fetch: Callable[[int, int], bytes], size: int) -> None:
        self._fetch, self._size, self._at = fetch, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        begin = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, begin + offset)
        return self._at

    def readinto(self, buffer: "WriteableBuffer") -> int:
        target = memoryview(buffer).cast("B")
        end = min(self._at + len(target), self._size)
        content = self._fetch(self._at, end) if end > self._at else b""
        target[: len(content)] = content
        self._at += len(content)
        return len(content)


@dataclass(slots=True)
class _Objects:
    """What a store lists below a prefix."""

    prefix: str
    lots: list[pa.Table] = field(default_factory=list)
    written: "array[float]" = field(default_factory=lambda: array("d"))
    ignored: list[str] = field(default_factory=list)
    last_path: str = ""

    def take(self, page: Sequence[dict[str, object]]) -> None:
        """Take one page."""
        rows: list[FileRow] = []
        for facts in page:
            path = self.last_path = str(facts["Key"]).removeprefix(self.prefix)
            if is_left_alone(path):
                self.ignored.append(path)
            elif not path.endswith("/"):  # what programs that show folders leave behind
                rows.append((path, int(str(facts["Size"])), _mark(facts)))
                self.written.append(_written_seconds(facts))
        self.lots.append(to_stats(rows))

    def once(self) -> tuple[pa.Table, NDArray[np.float64]]:
        """Return all by path, each key once, as it was listed last, and when it was written."""
        stats = pa.concat_tables([STATS_SCHEMA.empty_table(), *self.lots])
        written = np.array(self.written)
        paths = stats["path"]
        if len(paths) < 2 or pc.all(pc.less(paths[:-1], paths[1:])).as_py():
            return stats, written
        order = pc.sort_indices(stats, sort_keys=[("path", "ascending")])  # stable
        paths = paths.take(order)
        is_last = np.append(pc.not_equal(paths[:-1], paths[1:]).to_numpy(), True)
        kept = order.to_numpy()[is_last]
        return stats.take(pa.array(kept)), written[kept]


def _store(limits: ArchiveSettings) -> S3FileSystem:
    if limits not in _stores:
        # Without credentials the library would ask a cloud's own address, which hospitals lack.
        os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
        _stores[limits] = S3FileSystem(
            use_listings_cache=False,
            skip_instance_cache=True,
            client_kwargs={"verify": limits.ca_file} if limits.ca_file else None,
            config_kwargs={
                "connect_timeout": limits.timeout_seconds,
                "read_timeout": limits.timeout_seconds,
                "retries": {"max_attempts": 1},  # `patience` asks again
            },
        )
        _stores[limits].retries = 1
    return _stores[limits]


def _mark(facts: dict[str, object]) -> int:
    text = str(facts.get("ETag") or facts.get("LastModified") or "")
    return int.from_bytes(sha256(text.encode()).digest()[:8], "big") >> (64 - _MARK_BITS)


def _written_seconds(facts: dict[str, object]) -> float:
    """Return when an object was written, seconds since 1970; 0 where the store does not tell."""
    written = facts.get("LastModified")
    return written.timestamp() if isinstance(written, datetime) else 0.0


def _code(error: BaseException) -> str:
    """Return the store's own error code, from the error or from what caused it."""
    for each in (error, error.__cause__):
        if isinstance(each, ClientError):
            return str(each.response.get("Error", {}).get("Code", ""))
    return ""


def _is_denied(error: BaseException) -> bool:
    without = (NoCredentialsError, PartialCredentialsError, PermissionError)
    return isinstance(error, without) or _code(error) in _DENIED


def _may_pass(error: BaseException) -> bool:
    if not isinstance(error, OSError | BotoCoreError | ClientError):
        return False
    return not (_is_denied(error) or isinstance(error, FileNotFoundError) or _code(error) in _GONE)


def _told(error: BaseException) -> InfrastructureError:
    if _is_denied(error):
        return InfrastructureError(
            "archive: the object store gives no access; check AWS_ACCESS_KEY_ID, "
            "AWS_SECRET_ACCESS_KEY and the bucket's rules"
        )
    if isinstance(error, FileNotFoundError) or _code(error) in _GONE:
        return InfrastructureError("archive: the object store has nothing there; check the address")
    return InfrastructureError(
        "archive: the object store cannot be reached; check AWS_ENDPOINT_URL, network and store"
    )
