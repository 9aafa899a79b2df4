"""Reading an archive whose paths are `study/series/instance` a series at a time.

Comes in: listed instances, and a way to ask for one series.
Goes out: shards that keep a series whole, `HeaderShard`, the bytes of files.
Refuses: files of a series that the server does not give, as `InfrastructureError`: they are
`unreachable`, whatever the reason, and nothing is blamed on the data.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby

import pyarrow as pa

from screening.archive.frame_choice import cuts_frames
from screening.archive.header import Header
from screening.archive.shard import FileRow, HeaderShard, make_shard
from screening.archive.study_marks import look_again, name_of_copy
from screening.archive.tags import AT
from screening.errors import InfrastructureError
from screening.header_values import text
from screening.reasons import Reason

SHARD_INSTANCES = 400

# study, series, wanted SOP Instance UIDs -> what was found, by SOP Instance UID
HeadersOf = Callable[[str, str, Sequence[str]], Mapping[str, Header | Reason]]
FilesOf = Callable[[str, str], Iterator[tuple[str, bytes]]]


def series_shards(new: pa.Table) -> list[pa.Table]:
    """Split rows sorted by path where a series ends, each shard of some hundred instances."""
    cuts, begin, at = [], 0, 0
    for _, paths in groupby(new.column("path").to_pylist(), _folder):
        at += len(list(paths))
        if at - begin >= SHARD_INSTANCES:
            cuts.append((begin, at))
            begin = at
    if at > begin:
        cuts.append((begin, at))
    return [new.slice(first, last - first) for first, last in cuts]


def read_by_series(headers_of: HeadersOf, stats: pa.Table) -> HeaderShard:
    """Ask for the headers of every series; what is not given is a row `unreachable`.

    It carries a mark that no listing has, so that it is asked for again next time.
    """
    columns = (stats.column(name).to_pylist() for name in ("path", "size_bytes", "mtime_ns"))
    instances: list[tuple[FileRow, Header]] = []
    others: list[tuple[str, int, int, str]] = []
    for folder, group in groupby(zip(*columns, strict=True), lambda row: _folder(row[0])):
        rows = list(group)
        study, series = folder.split("/")
        try:
            found = headers_of(study, series, [_name(row[0]) for row in rows])
        except InfrastructureError:
            found = {}
        for row in rows:
            header = found.get(_name(row[0]))
            if isinstance(header, Header):
                instances.append((row, header))
            elif header is None:
                others.append((row[0], row[1], look_again(row[2]), Reason.UNREACHABLE.value))
            else:
                others.append((*row, header.value))
    return make_shard(instances, others)


def by_name(found: Iterable[tuple[str, Header | Reason]]) -> dict[str, Header | Reason]:
    """Return what was read of images under their names in the listing.

    What came twice for one patient is one, the later; of several patients each has their own, in
    the order of their numbers, so that it is the same every night.
    """
    of_sop: dict[str, dict[tuple[str, ...], Header | Reason]] = defaultdict(dict)
    for sop, header in found:
        of_sop[sop][_who(header)] = header
    return {
        name_of_copy(sop, number): several[who]
        for sop, several in of_sop.items()
        for number, who in enumerate(sorted(several))
    }


def _who(header: Header | Reason) -> tuple[str, ...]:
    if not isinstance(header, Header):
        return ()
    return tuple(text(header.values[AT[name]]) for name in ("issuer", "patient_id", "patient_name"))


@cuts_frames
def read_series_bytes(files_of: FilesOf, paths: Sequence[str]) -> list[bytes]:
    """Return the files in the order asked for.

    Raises
    ------
    InfrastructureError
        when one of them is not given
    """
    wanted = set(paths)
    found: dict[str, bytes] = {}
    for folder in sorted({_folder(path) for path in paths}):
        study, series = folder.split("/")
        for sop, content in files_of(study, series):
            path = f"{folder}/{sop}"
            if path in wanted:
                found[path] = content
    if len(found) < len(wanted):
        raise InfrastructureError(
            f"archive: of {len(wanted)} files of a series the server gave {len(found)}"
        )
    return [found[path] for path in paths]


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _name(path: str) -> str:
    return path.rpartition("/")[2]
