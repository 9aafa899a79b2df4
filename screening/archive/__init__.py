"""The archive: which files there are, what their headers say, and later their bytes.

Comes in: an archive's address (a folder, an object store, a DICOMweb or DIMSE server).
Goes out: a `Source`, one interface to all: `Listing` (files with size and change mark),
`HeaderShard` (one row an instance, one row a file that is none, with the reason), and the bytes of
a series' files.
Refuses: other kinds of address, and paths that lead out of the archive. A file that is not
DICOM, damaged or cut short is a row, never an exception; an archive that cannot be reached
is an `InfrastructureError`, so that nothing is blamed on its data.
"""

from screening.archive.listing import Listing, Missed, keep_apart, list_files, resolve_folder
from screening.archive.reading import read_bytes
from screening.archive.settling import nothing_rests
from screening.archive.shard import LOOK_AGAIN_NS, HeaderShard, read_headers
from screening.archive.source import Source, open_source, resolve

__all__ = [
    "LOOK_AGAIN_NS",
    "HeaderShard",
    "Listing",
    "Missed",
    "Source",
    "keep_apart",
    "list_files",
    "nothing_rests",
    "open_source",
    "read_bytes",
    "read_headers",
    "resolve",
    "resolve_folder",
]
