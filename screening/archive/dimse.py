"""An archive behind DIMSE: C-FIND lists, C-GET gives headers and files.

Comes in: `dicom://AET@host:port` or, with TLS, `dicom-tls://AET@host:port`; the site's limits.
Goes out: the `Source` of that archive; paths are `study/series/instance`.
Refuses: a peer that is not there or does not take our AE title. What it cannot deliver later is
`unreachable`, never bad data.

DIMSE has no way to ask for a whole header without its pixels that archives commonly know (PS3.4,
annex Z is rare). So a series of CT is fetched to read its headers, and its pixels are let go at
once; so is one of structured reports, which may tell a calcium score. Of other modalities C-FIND
tells enough to say what they are.
"""

import io
import logging
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TypeVar, cast
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pynetdicom
from pydicom.dataset import Dataset
from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.presentation import build_role

from screening.archive.by_study import has_changed, list_by_study, waiting_studies
from screening.archive.calcium_report import STRUCTURED_REPORTS
from screening.archive.credentials import tls_context
from screening.archive.header import Header, read_header, read_values
from screening.archive.listing import Listing, Missed, Reader
from screening.archive.patience import ask
from screening.archive.questions import Answer, Dates, QuestionError
from screening.archive.rejection import KEY_OBJECT_SELECTION
from screening.archive.series_of import by_name, read_by_series, read_series_bytes, series_shards
from screening.archive.shard import HeaderShard
from screening.archive.study_marks import STUDY_FACTS, STUDY_TIME, StudyFacts, one_a_study, told
from screening.archive.tags import day
from screening.archive.throttle import Throttle
from screening.config import ArchiveSettings
from screening.errors import InfrastructureError, ScreeningError
from screening.reasons import Reason

# It logs UIDs and names.
logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)

Result = TypeVar("Result")

# Study Root Query/Retrieve Information Model (PS3.4, annex C.4).
_FIND, _GET = "1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.5.1.4.1.2.2.3"
TLS_SCHEME = "dicom-tls"
_PORTS = {"dicom": 104, TLS_SCHEME: 2762}  # as registered
_MAX_PDU_BYTES = 256 * 1024
_AET_LENGTH = 16
_PENDING, _SUCCESS = (0xFF00, 0xFF01), 0x0000
_FULL = (0xFE00, 0xA700, 0xA701)  # cancelled by the peer, out of resources: there is more
_HEADERS_FROM = ("CT", "KO")  # whose series are fetched for their headers; KO: rejection notes

# What series of CT hold, as it is stored: one context a syntax, so that the peer need not decode.
_CT = [f"1.2.840.10008.5.1.4.1.1.{tail}" for tail in ("2", "2.1", "2.2")]
_CAPTURES = [f"1.2.840.10008.5.1.4.1.1.{tail}" for tail in ("7", "7.1", "7.2", "7.3", "7.4")]
_PLAIN = [f"1.2.840.10008.1.2{tail}" for tail in (".1", "", ".1.99", ".2")]
_JPEG = [f"1.2.840.10008.1.2.4.{n}" for n in (50, 51, 57, 70, 80, 81, 90, 91, 201, 202, 203)]
_RLE = "1.2.840.10008.1.2.5"
_STORED = [(c, s) for c in _CT for s in (*_PLAIN, *_JPEG, _RLE)] + [
    (c, s) for c in _CAPTURES for s in (*_PLAIN[:2], *_JPEG[:1], *_JPEG[3:4], _RLE)
]
_DOCUMENTS = (KEY_OBJECT_SELECTION, *sorted(STRUCTURED_REPORTS))
_STORED += [(c, s) for c in _DOCUMENTS for s in _PLAIN[:2]]

_ROLES = (*_CT, *_CAPTURES, *_DOCUMENTS)
_OF_STUDY = (*STUDY_FACTS, STUDY_TIME[0])
_OF_SERIES = ("Modality", "SeriesDescription", "BodyPartExamined", "ProtocolName", "SeriesDate")
_OF_IMAGE = (
    "SOPClassUID",
    "SOPInstanceUID",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "ImageType",
    "PatientID",
)


class _SilentError(Exception):
    """The peer did not answer, or went away."""


class _NoError(Exception):
    """The peer answered with a refusal."""


def check_address(url: str) -> str:
    """Return the address as it is used; no peer is asked.

    Raises
    ------
    ScreeningError
        when AE title or host is missing, or there is more than those and a port
    """
    how = "archive: give a DICOM peer as dicom://AET@host:port"
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
    except ValueError:
        raise ScreeningError(how) from None
    title = unquote(parts.username or "").strip()
    is_plain = not (parts.password or parts.path.strip("/") or parts.query or parts.fragment)
    if not title or len(title) > _AET_LENGTH or not parts.hostname or not is_plain:
        raise ScreeningError(f"{how}; an AE title has 1 to {_AET_LENGTH} characters")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{parts.username}@{host}:{port}"


@dataclass(frozen=True, slots=True)
class Dimse:
    """One DICOM peer."""

    address: str
    limits: ArchiveSettings

    @property
    def longest_read_seconds(self) -> float:
        """As the site's limits say."""
        return self.limits.longest_read_seconds

    def check(self) -> None:
        """Ask for a day to come, so that what is wrong is told before a lake is made."""
        self._ask(lambda peer: _find(peer, "STUDY", {"StudyDate": "21991231"}), is_first=True)

    def list_files(self, known: pa.Table, today: date) -> Listing:
        """List by study and date; see `by_study`."""
        return list_by_study(self, known, today, self.limits)

    def shards(self, new: pa.Table) -> list[pa.Table]:
        """Split by series, which are read whole."""
        return series_shards(new)

    def read_headers(self, stats: pa.Table) -> HeaderShard:
        """Read the headers of listed instances, a series at a time."""
        return read_by_series(self._headers, stats)

    def waiting(self, read: Reader, missed: Missed) -> frozenset[str]:
        """Return whose study waits for what was not delivered; see `by_study`."""
        return waiting_studies(read, missed)

    def has_changed(self, path: str, mark: int) -> bool:
        """Ask for the study once more; see `by_study`."""
        return has_changed(self, path, mark)

    def read_bytes(self, paths: Sequence[str]) -> list[bytes]:
        """Read files, a series at a time."""
        return read_series_bytes(self._files, paths)

    def studies(self, dates: Dates) -> Answer:
        """Return the studies of these days."""
        keys = dict.fromkeys(_OF_STUDY, "")
        if dates.first or dates.last:
            first, last = (f"{d:%Y%m%d}" if d else "" for d in (dates.first, dates.last))
            keys["StudyDate"] = first if first == last else f"{first}-{last}"
        found, is_whole = self._ask(lambda peer: _find(peer, "STUDY", keys))
        return Answer(one_a_study({_study_facts(study) for study in found}), is_whole)

    def study(self, uid: str) -> StudyFacts | None:
        """Return what the peer tells of one study now."""
        keys = dict.fromkeys(_OF_STUDY, "") | {"StudyInstanceUID": uid}
        found, _ = self._ask(lambda peer: _find(peer, "STUDY", keys))
        mine = one_a_study({_study_facts(each) for each in found})
        return mine[0] if mine else None

    def every_day(self) -> tuple[Mapping[str, date | None], bool | None]:
        """Return UID and day of every study."""
        found, is_whole = self._ask(lambda peer: _find(peer, "STUDY", {"StudyDate": ""}))
        days = {_text(each, "StudyInstanceUID"): day(_text(each, "StudyDate")) for each in found}
        return days, is_whole

    def instances(self, study: str) -> tuple[Sequence[tuple[str, str]], bool]:
        """Return series and SOP Instance UID of a study's instances, asked series by series."""

        def listed(peer: Association) -> tuple[list[tuple[str, str]], bool]:
            of_series, is_whole = _find(peer, "SERIES", {"StudyInstanceUID": study})
            found = []
            for series in sorted({_text(each, "SeriesInstanceUID") for each in of_series}):
                keys = {"StudyInstanceUID": study, "SeriesInstanceUID": series}
                images, is_all = _find(
                    peer, "IMAGE", keys | {"SOPInstanceUID": "", "PatientID": ""}
                )
                pairs = {(_text(e, "SOPInstanceUID"), _text(e, "PatientID")) for e in images}
                found += [(series, sop) for sop, _ in pairs]
                is_whole &= is_all
            return found, is_whole

        return self._ask(listed)

    def _headers(self, study: str, series: str, _: Sequence[str]) -> dict[str, Header | Reason]:
        keys = {"StudyInstanceUID": study}
        of_study = self._ask(lambda p: _find(p, "STUDY", dict.fromkeys(STUDY_FACTS, "") | keys))[0]
        keys["SeriesInstanceUID"] = series
        about = dict.fromkeys(_OF_SERIES, "") | keys
        of_series = self._ask(lambda p: _find(p, "SERIES", about))[0]
        if not of_series or not of_study:
            return {}
        found: list[tuple[str, Header | Reason]] = []
        if _text(of_series[0], "Modality") not in _HEADERS_FROM:
            about = dict.fromkeys(_OF_IMAGE, "") | keys
            images = self._ask(lambda p: _find(p, "IMAGE", about))[0]
            found = [
                (_text(image, "SOPInstanceUID"), _merged(_of(image, of_study), of_series[0], image))
                for image in images
            ]
            if not _may_tell_a_score(of_series[0], images):
                return by_name(found)

        def read(sop: str, content: bytes) -> None:
            found.append((sop, read_header(io.BytesIO(content), len(content))))

        self._get(keys, read)
        return by_name(found)

    def _files(self, study: str, series: str) -> Iterator[tuple[str, bytes]]:
        found: dict[str, bytes] = {}
        keys = {"StudyInstanceUID": study, "SeriesInstanceUID": series}
        self._get(keys, found.__setitem__)
        yield from found.items()

    def _get(self, keys: dict[str, str], take: Callable[[str, bytes], None]) -> None:
        """Fetch one series; `take` is given each file as it arrives."""
        throttle = self._throttle()

        def stored(event: evt.Event) -> int:
            content = event.encoded_dataset()
            request = cast(C_STORE, event.request)
            take(str(request.AffectedSOPInstanceUID), content)
            throttle.received(len(content))  # the peer sends no more before this returns
            return _SUCCESS

        def fetch(peer: Association) -> None:
            identifier = _identifier("SERIES", keys)
            for status, _ in peer.send_c_get(identifier, _GET):
                if not status:
                    raise _SilentError

        self._ask(fetch, stored, throttle)

    def _ask(
        self,
        question: Callable[[Association], Result],
        stored: Callable[[evt.Event], int] | None = None,
        own: Throttle | None = None,
        *,
        is_first: bool = False,
    ) -> Result:
        """Ask within the limits, in an association of its own."""
        throttle = own or self._throttle()

        def gently() -> Result:
            with throttle.connection():
                throttle.request()
                with self._association(stored) as peer:
                    return question(peer)

        patience = 0.0 if is_first else self.limits.patience_seconds
        try:
            return ask(self.address, gently, lambda e: isinstance(e, _SilentError), patience)
        except _SilentError:
            raise InfrastructureError(
                "archive: the DICOM peer cannot be reached, or went silent; check address, "
                "network, peer and both AE titles"
            ) from None
        except _NoError:
            raise InfrastructureError(
                "archive: the DICOM peer refuses; check both AE titles, and that ours may C-FIND "
                "and C-GET"
            ) from None
        except (RuntimeError, ValueError):
            raise InfrastructureError(
                "archive: the DICOM peer offers no C-FIND or C-GET for studies"
            ) from None

    @contextmanager
    def _association(self, stored: Callable[[evt.Event], int] | None) -> Iterator[Association]:
        parts = urlsplit(self.address)
        entity = _entity(self.limits, is_storing=stored is not None)
        peer = entity.associate(
            parts.hostname or "",
            parts.port or 0,
            ae_title=unquote(parts.username or ""),
            ext_neg=[build_role(c, scp_role=True) for c in _ROLES] if stored else None,
            evt_handlers=[(evt.EVT_C_STORE, stored)] if stored else None,
            max_pdu=_MAX_PDU_BYTES,
            tls_args=_tls(self.limits, self.address),
        )
        if not peer.is_established:
            raise _NoError if peer.is_rejected else _SilentError
        _answer_at_once(peer)
        try:
            yield peer
        finally:
            if peer.is_established:
                peer.release()

    def _throttle(self) -> Throttle:
        return Throttle(urlsplit(self.address).netloc.rpartition("@")[2], self.limits)


def _answer_at_once(peer: Association) -> None:
    """Send small messages without waiting for more: a C-FIND takes half the time (44 for 89 ms)."""
    outer = peer.dul.socket
    if outer is not None and outer.socket is not None:
        outer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _entity(limits: ArchiveSettings, *, is_storing: bool) -> pynetdicom.AE:
    entity = pynetdicom.AE(limits.calling_aet)
    entity.acse_timeout = entity.dimse_timeout = limits.timeout_seconds
    entity.network_timeout = entity.connection_timeout = limits.timeout_seconds
    entity.add_requested_context(_GET if is_storing else _FIND)
    for kind, syntax in _STORED if is_storing else ():
        entity.add_requested_context(kind, syntax)
    return entity


def _tls(limits: ArchiveSettings, address: str) -> tuple[ssl.SSLContext, str] | None:
    parts = urlsplit(address)
    if parts.scheme != TLS_SCHEME:
        return None
    return tls_context(limits), parts.hostname or ""


def _identifier(level: str, keys: dict[str, str]) -> Dataset:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(identifier, keyword, value or None)
    return identifier


def _find(peer: Association, level: str, keys: dict[str, str]) -> tuple[list[Dataset], bool]:
    """Return what matches, and whether the peer says that this is all."""
    unique = {"STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID", "IMAGE": "SOPInstanceUID"}
    keys = {unique[level]: ""} | keys
    found: list[Dataset] = []
    for status, identifier in peer.send_c_find(_identifier(level, keys), _FIND):
        if not status:
            raise _SilentError
        if status.Status in _PENDING:
            if identifier is not None:
                found.append(identifier)
        elif status.Status in _FULL:
            return found, False
        elif status.Status != _SUCCESS:
            raise QuestionError("archive: the DICOM peer failed at a question; see its log")
    return found, True


def _text(identifier: Dataset, keyword: str) -> str:
    return str(identifier.get(keyword) or "").strip()


def _study_facts(study: Dataset) -> StudyFacts:
    return told(
        _text(study, "StudyInstanceUID"),
        _text(study, "NumberOfStudyRelatedInstances"),
        day(_text(study, "StudyDate")),
        _text(study, STUDY_TIME[0]),
        [_text(study, keyword) for keyword in STUDY_FACTS],
    )


def _may_tell_a_score(series: Dataset, images: Sequence[Dataset]) -> bool:
    """Whether to look into reports: not into those of dose, which every study of CT has."""
    kinds = {_text(image, "SOPClassUID") for image in images}
    is_report = not kinds.isdisjoint(STRUCTURED_REPORTS)
    return _text(series, "Modality") == "SR" and (is_report or kinds == {""})


def _of(image: Dataset, studies: Sequence[Dataset]) -> Dataset:
    """Return the study of an image's patient; what does not name one is of the first."""
    who = _text(image, "PatientID")
    if not who and "PatientID" in image:
        del image.PatientID  # said of the study
    return next((s for s in studies if _text(s, "PatientID") == who), studies[0])


def _merged(*levels: Dataset) -> Header | Reason:
    whole = Dataset()
    for each in levels:
        whole.update(each)
    return read_values(whole)
