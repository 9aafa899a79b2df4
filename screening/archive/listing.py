"""Walk a folder tree: every file's path, size and time, in a fixed order.

Comes in: the address of an archive.
Goes out: `Listing`: files to look into, and files left alone with the reason.
Refuses: addresses that are no folder, schemes other than a path or `file://`.

A repeated crawl spends its time here, so the walk does one `stat` a file and nothing else.
"""

import os
import stat
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from screening.errors import InfrastructureError, ScreeningError
from screening.reasons import Reason
from screening.tables import FILES

SUPPORTED = "a folder's path, or file:///folder"
STATS_SCHEMA = pa.schema(
    [("path", pa.string()), ("size_bytes", pa.int64()), ("mtime_ns", pa.int64())]
)

NOT_LISTED = "?"  # stands for what a listing did not come to
_MEDIA_INDEX = "DICOMDIR"
# What file systems keep at their root, shut to most: no study lies there.
_OF_THE_SYSTEM = frozenset({"lost+found", "System Volume Information", "$RECYCLE.BIN"})
_AT_ONCE = 50_000  # rows held as Python objects

# Gives some columns of all `INSTANCES`, a part at a time; a series lies whole in one part.
Reader = Callable[[Sequence[str]], Iterator[pa.Table]]
_Row = tuple[str, int, int]
_Seen = tuple[str, int, int, int]  # and when it was written
_IgnoredRow = tuple[str, int, int, str]


@dataclass(frozen=True, slots=True)
class Listing:
    """What a walk found, both tables sorted by path.

    stats : columns path (below the root), size_bytes, mtime_ns; files whose header is worth
        reading. Of a server that is asked by study what did not change comes first, as it is known
    ignored : `FILES` rows; hidden files, DICOMDIR, links to folders or out of the archive, special
        files and what is the file system's own (`ignored_file`), folders and files that may not be
        opened, links that lead out to nothing (`unreadable`). A hidden or denied folder is one row:
        what lies inside is not counted.
    young : paths of `stats` that may have company coming: their studies are still being received
    written_ns : int64 (n,), when each of `stats` was last written or moved; of a folder alone
    cut_short : why the listing ended before its end; empty of a whole one. What it did not come to
        is in `stats` as it is known
    """

    stats: pa.Table = field(repr=False)
    ignored: pa.Table = field(repr=False)
    young: frozenset[str] = field(default=frozenset(), repr=False)
    cut_short: str = ""
    written_ns: NDArray[np.int64] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Missed:
    """What was not delivered tonight; its repr shows no path.

    files : listed, but not to be read
    shut : folders that may not be opened
    damaged : never read before, and begins as DICOM but cannot be read
    strange : never read before, and no DICOM
    """

    files: frozenset[str] = field(default=frozenset(), repr=False)
    shut: frozenset[str] = field(default=frozenset(), repr=False)
    damaged: frozenset[str] = field(default=frozenset(), repr=False)
    strange: frozenset[str] = field(default=frozenset(), repr=False)

    def __bool__(self) -> bool:
        """Whether anything was."""
        return bool(self.files or self.shut or self.damaged or self.strange)


@dataclass(slots=True)
class _Found:
    root: str
    lots: list[pa.Table] = field(default_factory=list)
    rows: list[_Row] = field(default_factory=list)
    written_ns: "array[int]" = field(default_factory=lambda: array("q"))
    ignored: list[_IgnoredRow] = field(default_factory=list)

    def ignore(self, path: str, reason: Reason = Reason.IGNORED_FILE) -> None:
        self.ignored.append((_storable(path), 0, 0, reason.value))

    def keep(self, rows: list[_Seen]) -> None:
        """Take files in order; as columns they need a quarter of the memory."""
        self.rows += [row[:3] for row in rows]
        self.written_ns.extend(row[3] for row in rows)
        if len(self.rows) >= _AT_ONCE:
            self.lots.append(to_stats(self.rows))
            self.rows = []


def resolve_folder(url: str) -> str:
    """Return the absolute folder that `url` names.

    Raises
    ------
    ScreeningError
        when the scheme is not supported, or there is no such folder
    """
    scheme = urlsplit(url).scheme if "://" in url else ""
    if scheme not in ("", "file"):
        raise ScreeningError(f"archive scheme {scheme}:// is not supported; give {SUPPORTED}")
    if scheme and urlsplit(url).netloc not in ("", "localhost"):
        raise ScreeningError(f"archive on another host is not supported; give {SUPPORTED}")
    folder = Path(unquote(urlsplit(url).path) if scheme else url).expanduser()
    if not folder.exists():
        raise ScreeningError(f"archive {url}: there is no such folder; give {SUPPORTED}")
    if not folder.is_dir():
        raise ScreeningError(f"archive {url}: this is not a folder; give {SUPPORTED}")
    return str(folder.resolve())


def is_empty(address: str) -> bool:
    """Whether no file at all lies below the archive's root; stops at the first."""
    return not any(files for _, _, files in os.walk(address))


def keep_apart(address: str, lake: Path) -> None:
    """Refuse a lake inside its archive, or an archive inside its lake.

    Raises
    ------
    ScreeningError
        The archive is only read; what the sweep writes must lie elsewhere.
    """
    if "://" in address:
        return
    archive, lake = Path(address), lake.resolve()
    if archive == lake or archive in lake.parents or lake in archive.parents:
        raise ScreeningError("the lake and the archive lie in one another; give --lake elsewhere")


def list_files(address: str) -> Listing:
    """Walk the archive at `address`.

    Returns
    -------
    Listing, both tables sorted by path

    Raises
    ------
    ScreeningError
        as `resolve_folder`
    InfrastructureError
        when the archive's own folder cannot be listed
    """
    found = _Found(resolve_folder(address))
    ahead: list[str | list[_Seen]] = [""]  # folders and runs of files, the next one last
    while ahead:
        item = ahead.pop()
        if isinstance(item, str):
            ahead += reversed(_in_order(*_walk(item, found)))
        else:
            found.keep(item)
    found.ignored.sort()
    ignored = list(zip(*found.ignored, strict=True)) or [(), (), (), ()]
    return Listing(
        stats=pa.concat_tables([*found.lots, to_stats(found.rows)]),
        ignored=pa.table([list(c) for c in ignored], schema=FILES.schema),
        written_ns=np.array(found.written_ns, np.int64),
    )


def is_left_alone(path: str) -> bool:
    """Whether a file is left alone for its name or its folder's: hidden, or an index of media.

    A folder's path ends with a slash: one that is called like an index is none.
    """
    parts = path.split("/")
    return parts[-1] == _MEDIA_INDEX or any(p[:1] == "." or p in _OF_THE_SYSTEM for p in parts)


def with_unlisted(stats: pa.Table, known: pa.Table, ignored: Sequence[str]) -> pa.Table:
    """Add what is known and was not listed: nobody can say that it is gone."""
    listed = pa.concat_arrays([*stats["path"].chunks, pa.array(ignored, pa.string())])
    is_listed = pc.is_in(known["path"], value_set=listed)
    return pa.concat_tables([stats, known.filter(pc.invert(is_listed)).cast(STATS_SCHEMA)])


def to_stats(rows: Sequence[_Row]) -> pa.Table:
    """Return some files as columns."""
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    return pa.table([list(c) for c in columns], schema=STATS_SCHEMA)


def _walk(below: str, found: _Found) -> tuple[list[_Seen], list[str]]:
    """Return files and folders of one folder; `below` is empty or ends with a slash."""
    files: list[_Seen] = []
    folders: list[str] = []
    try:
        with os.scandir(os.path.join(found.root, below)) as entries:  # noqa: PTH118 - hot loop
            for entry in entries:
                name = entry.name
                path = below + name
                if name[:1] == "." or name in _OF_THE_SYSTEM:
                    found.ignore(path)
                elif entry.is_dir(follow_symlinks=False):
                    folders.append(path + "/")
                elif name == _MEDIA_INDEX:
                    found.ignore(path)
                elif entry.is_symlink():
                    _take_link(entry, path, files, found)
                else:
                    _take_file(entry, path, files, found)
    except OSError as error:
        if not below:
            raise InfrastructureError(
                f"archive: the folder cannot be listed ({error.strerror}); check access and mount"
            ) from None
        found.ignore(below.rstrip("/"), Reason.UNREADABLE)
    return files, folders


def _in_order(files: list[_Seen], folders: list[str]) -> list[str | list[_Seen]]:
    """Return one folder's folders, and between them runs of files, by path.

    So the whole walk goes by path, and nothing need be sorted but one folder at a time.
    """
    files.sort()
    ordered: list[str | list[_Seen]] = []
    start = 0
    for folder in sorted(folders):
        stop = bisect_left(files, (folder,), start)
        ordered += [files[start:stop], folder]
        start = stop
    return [*ordered, files[start:]]


def _take_file(entry: os.DirEntry[str], path: str, files: list[_Seen], found: _Found) -> None:
    try:
        facts = entry.stat()
    except OSError:
        found.ignore(path, Reason.UNREADABLE)
        return
    if stat.S_ISREG(facts.st_mode):
        _keep(facts, path, files, found)
    else:
        found.ignore(path)


def _take_link(entry: os.DirEntry[str], path: str, files: list[_Seen], found: _Found) -> None:
    """Take a link to a file below the root; links to folders would be walked twice.

    Where the target cannot be seen (storage that is offline) a file is missing. Below the root it
    is listed all the same: whoever reads it finds that it cannot be had, and asks again.
    """
    target = os.path.realpath(entry.path)
    is_inside = target.startswith(found.root.rstrip("/") + "/")
    try:
        is_file = stat.S_ISREG(os.stat(target).st_mode)  # noqa: PTH116 - a text, no path
    except OSError:
        if is_inside:
            _keep(entry.stat(follow_symlinks=False), path, files, found)
        else:
            found.ignore(path, Reason.UNREADABLE)
        return
    if is_inside and is_file:
        _take_file(entry, path, files, found)
    else:
        found.ignore(path)


def _keep(facts: os.stat_result, path: str, files: list[_Seen], found: _Found) -> None:
    if not path.isascii() and _storable(path) != path:
        found.ignore(path, Reason.UNREADABLE)  # a name that is no text cannot be asked for again
    else:
        files.append((path, facts.st_size, facts.st_mtime_ns, written_ns(facts)))


def written_ns(facts: os.stat_result) -> int:
    """Return when a file came to be as it is, ns since 1970.

    Copying programs set its modification time back (`cp -p`, `rsync -t`), its change time they
    cannot.
    """
    modified, changed = facts.st_mtime_ns, facts.st_ctime_ns
    return modified if modified > changed else changed  # max() costs a call a file


def _storable(path: str) -> str:
    """Return the path as text, bytes that are no UTF-8 written as escapes."""
    return path.encode("utf-8", "backslashreplace").decode()
