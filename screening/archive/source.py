"""The one interface to where scans live, and which home an address names.

Comes in: an archive's address and the site's limits.
Goes out: a `Source`.
Refuses: an address of no known kind.
"""

from collections.abc import Sequence
from datetime import date
from importlib.util import find_spec
from typing import Protocol
from urllib.parse import urlsplit

import pyarrow as pa

from screening.archive.folder import Folder
from screening.archive.listing import Listing, Missed, Reader, resolve_folder
from screening.archive.shard import HeaderShard
from screening.config import ArchiveSettings
from screening.errors import ScreeningError

SUPPORTED = (
    "a folder's path, file:///folder, s3://bucket/prefix, https://host/dicom-web, "
    "dicom://AET@host:port or dicom-tls://AET@host:port"
)


class Source(Protocol):
    """An archive. It is small and frozen: workers get a copy, connections are made where used."""

    @property
    def longest_read_seconds(self) -> float:
        """How long reading one series may take beside the time a scan may take."""

    def check(self) -> None:
        """Refuse an archive that is not there, gives no access, or is empty."""

    def list_files(self, known: pa.Table, today: date) -> Listing:
        """List what is there now.

        Parameters
        ----------
        known : columns path, size_bytes, mtime_ns as the last crawl left them
        today : the night's date
        """

    def shards(self, new: pa.Table) -> list[pa.Table]:
        """Split listed rows, sorted by path, into what one task reads."""

    def read_headers(self, stats: pa.Table) -> HeaderShard:
        """Read the headers of listed rows: each is one row of one of the two tables."""

    def waiting(self, read: Reader, missed: Missed) -> frozenset[str]:
        """Return the keys of the studies that something undelivered belongs to, or may."""

    def has_changed(self, path: str, mark: int) -> bool:
        """Whether a server now tells something else of a file's study; files alone tell nothing.

        Parameters
        ----------
        path, mark : of a file of it, as it was listed
        """

    def read_bytes(self, paths: Sequence[str]) -> list[bytes]:
        """Read whole files, in the order asked for; InfrastructureError where one is not given."""


def resolve(url: str) -> str:
    """Return the address as it is kept for the night; no server is asked.

    Raises
    ------
    ScreeningError
        when there is no such folder, or an address is not one
    """
    match _scheme(url):
        case "" | "file":
            return resolve_folder(url)
        case "http" | "https":
            from screening.archive import dicomweb

            return dicomweb.check_address(url)
        case "dicom" | "dicom-tls":
            from screening.archive import dimse

            return dimse.check_address(url)
        case "s3":
            _need_s3()
            from screening.archive import s3

            return s3.check_address(url)
        case scheme:
            raise ScreeningError(f"archive scheme {scheme}:// is not supported; give {SUPPORTED}")


def open_source(address: str, limits: ArchiveSettings) -> Source:
    """Return the archive at an address as `resolve` gave it; nothing is asked yet."""
    match _scheme(address):
        case "http" | "https":
            from screening.archive.dicomweb import DicomWeb

            return DicomWeb(address, limits)
        case "dicom" | "dicom-tls":
            from screening.archive.dimse import Dimse

            return Dimse(address, limits)
        case "s3":
            from screening.archive.s3 import ObjectStore

            return ObjectStore(address, limits)
        case _:
            return Folder(address, limits.settle_minutes)


def _need_s3() -> None:
    """Refuse where the libraries of an extra are missing."""
    if find_spec("s3fs") is None:
        raise ScreeningError(
            "archive: s3:// needs a library that is not installed; pip install 'screening[s3]'"
        )


def _scheme(url: str) -> str:
    return urlsplit(url).scheme.lower() if "://" in url else ""
