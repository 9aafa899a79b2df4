"""An archive in object storage: `s3://bucket[/prefix]`.

Comes in: the address, the site's limits; credentials, region and endpoint from the environment,
by the names every S3 program knows (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
`AWS_ENDPOINT_URL`, …).
Goes out: the `Source` of that archive; paths are those below the prefix.
Refuses: a bucket that is not there or gives no access. What cannot be had later is `unreachable`,
never bad data.

The change mark of an object is a digest of its ETag, which changes with its content; where the
store gives none, of its time. For a header only the first bytes are fetched.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from hashlib import sha256
from typing import Any, TypeVar
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    PartialCredentialsError,
)
from s3fs import S3FileSystem

from screening.archive.frame_choice import cuts_frames
from screening.archive.header import Header, read_header
from screening.archive.listing import STATS_SCHEMA, Listing, is_left_alone, to_stats
from screening.archive.patience import ask
from screening.archive.settling import young_paths
from screening.archive.shard import LOOK_AGAIN_NS, FileRow, HeaderShard, make_shard
from screening.archive.throttle import Throttle
from screening.config import ArchiveSettings
from screening.errors import InfrastructureError, ScreeningError
from screening.reasons import Reason
from screening.tables import FILES

# They write addresses, and with them names of objects, into what they log.
for _name in ("s3fs", "fsspec", "aiobotocore", "botocore", "aiohttp"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)

Result = TypeVar("Result")

OBJECTS_PER_SHARD = 400
_HEAD_BYTES = 32 * 1024  # holds nearly every header; what is beyond is fetched when asked for
_MARK_BITS = 62
_SAYS = "archive: "
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
        if not self._ask(lambda store: store.ls(self._root, detail=False), is_first=True):
            raise ScreeningError("the archive is empty: no object below the prefix")

    def list_files(self, known: pa.Table, today: date) -> Listing:
        """List every object, page after page: a store tells a thousand in one answer, by key."""
        lots: list[pa.Table] = []
        written: list[float] = []
        ignored: list[str] = []
        for page in self._pages():
            rows: list[FileRow] = []
            for facts in page:
                path = str(facts["Key"]).removeprefix(self._prefix)
                if is_left_alone(path):
                    ignored.append(path)
                elif not path.endswith("/"):  # what programs that show folders leave behind
                    rows.append((path, int(str(facts["Size"])), _mark(facts)))
                    written.append(_written_seconds(facts))
            lots.append(to_stats(rows))
        stats = pa.concat_tables([STATS_SCHEMA.empty_table(), *lots])
        young = young_paths(
            stats["path"], np.array(written), time.time(), self.limits.settle_minutes
        )
        n = len(ignored)
        alone = [sorted(ignored), [0] * n, [0] * n, [Reason.IGNORED_FILE.value] * n]
        return Listing(stats=stats, ignored=pa.table(alone, schema=FILES.schema), young=young)

    @property
    def _prefix(self) -> str:
        """What the keys of all objects begin with."""
        below = self._root.partition("/")[2]
        return f"{below}/" if below else ""

    def _pages(self) -> Iterator[Sequence[dict[str, object]]]:
        asked = {"Bucket": self._root.partition("/")[0], "Prefix": self._prefix}
        token: dict[str, str] = {}
        while True:
            page = self._ask(partial(_page, **asked, **token))
            yield page.get("Contents", [])
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

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

        def read(store: S3FileSystem) -> Header | Reason:
            name = f"{self._root}/{path}"
            with store.open(name, "rb", block_size=_HEAD_BYTES, size=size) as file:
                return read_header(file, size)

        return self._ask(read)

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


def _page(store: S3FileSystem, **asked: str) -> dict[str, Any]:
    page: dict[str, Any] = store.call_s3("list_objects_v2", **asked)
    return page


def _content(store: S3FileSystem, name: str) -> bytes:
    content: bytes = store.cat_file(name)
    return content


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
