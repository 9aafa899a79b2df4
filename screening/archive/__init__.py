"""The archive: which files there are, what their headers say, and later their bytes.

Comes in: an archive's address (a folder, as a path or a `file://` URL).
Goes out: `Listing` (files with size and time), `HeaderShard` (one row an instance, one row a
file that is none, with the reason), and the bytes of a series' files.
Refuses: other kinds of address, and paths that lead out of the archive. A file that is not
DICOM, damaged or cut short is a row, never an exception; an archive that cannot be reached
is an `InfrastructureError`, so that nothing is blamed on its data.
"""

from screening.archive.listing import Listing, is_empty, keep_apart, list_files, resolve
from screening.archive.reading import read_bytes
from screening.archive.shard import HeaderShard, read_headers

__all__ = [
    "HeaderShard",
    "Listing",
    "is_empty",
    "keep_apart",
    "list_files",
    "read_bytes",
    "read_headers",
    "resolve",
]
