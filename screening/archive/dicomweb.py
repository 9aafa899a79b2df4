"""An archive behind DICOMweb: QIDO-RS lists, WADO-RS gives headers and files.

Comes in: `https://host[:port]/path`, the site's limits, credentials from the environment.
Goes out: the `Source` of that archive; paths are `study/series/instance`.
Refuses: credentials in the address, or sent unencrypted beyond this machine; a server that is not
there or gives no access. What it cannot deliver later is `unreachable`, never bad data.

Headers are WADO-RS metadata, which has no pixels; files are asked for as they are stored
(`transfer-syntax=*`), so that the server neither decodes nor encodes.
"""

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TypeVar
from urllib.parse import urlsplit

import pyarrow as pa
import requests
from dicomweb_client.api import DICOMwebClient
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from screening.archive.by_study import has_changed, list_by_study, waiting_studies
from screening.archive.contrast import AGENT_SEQUENCE
from screening.archive.credentials import PASSWORD, TOKEN, USER, from_environment, tls_context
from screening.archive.header import Header, read_values, sop_instance_of
from screening.archive.listing import Listing, Missed, Reader
from screening.archive.patience import ask
from screening.archive.questions import Answer, Dates, QuestionError
from screening.archive.series_of import by_name, read_by_series, read_series_bytes, series_shards
from screening.archive.shard import HeaderShard
from screening.archive.study_marks import STUDY_FACTS, STUDY_TIME, StudyFacts, one_a_study, told
from screening.archive.tags import TAG_NUMBERS, day
from screening.archive.throttle import Throttle
from screening.config import ArchiveSettings
from screening.errors import InfrastructureError, ScreeningError
from screening.frames import GROUPS
from screening.reasons import Reason

# All of them write addresses, and with them UIDs, into what they log.
for _name in ("dicomweb_client", "retrying", "urllib3", "requests", "charset_normalizer"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)

Result = TypeVar("Result")
Json = Mapping[str, Mapping[str, object]]

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_AS_STORED = 'multipart/related; type="application/dicom"; transfer-syntax=*'
# What rejection notes and reports say lies in these: title, evidence, content.
_SAID = (0x0040A043, 0x0040A375, 0x0040A730)
_KEEP = frozenset(f"{tag:08X}" for tag in (*TAG_NUMBERS, AGENT_SEQUENCE, *GROUPS, *_SAID))
_SERIES, _SOP, _STUDY, _DATE, _N_INSTANCES = (
    "0020000E",
    "00080018",
    "0020000D",
    "00080020",
    "00201208",
)
# Asked for by name, as servers need not give them otherwise (PS3.18, table 10.6.3-3).
_ASK_FOR = ["NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances", "StudyDescription"]
_PATIENT = "00100020"
_WHOSE = [
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "Modality",
    "StudyDate",
    "SeriesDate",
]
_DENIED = (401, 403)
_NO_DICOMWEB = "archive: the answer is not DICOMweb; check the address, and what lies between"
_TRANSIENT = (408, 425, 429, 502, 503, 504)
_ABSENT = 404
_FAILED = 500  # at this question, and it will again
_clients: dict[tuple[str, ArchiveSettings], DICOMwebClient] = {}  # of this process


def check_address(url: str) -> str:
    """Return the address as it is used; no server is asked.

    Raises
    ------
    ScreeningError
        when it names no host, or holds a password
    """
    parts = urlsplit(url)
    if parts.username or parts.password:
        raise ScreeningError(
            f"archive: credentials do not belong into the address; set {USER} and {PASSWORD}"
        )
    if not parts.hostname or parts.query or parts.fragment:
        raise ScreeningError("archive: give a DICOMweb service as https://host/dicom-web")
    return url.rstrip("/")


class NothingThereError(InfrastructureError):
    """The server is there, but not what was asked for."""


@dataclass(frozen=True, slots=True)
class DicomWeb:
    """One DICOMweb service."""

    address: str
    limits: ArchiveSettings

    @property
    def longest_read_seconds(self) -> float:
        """As the site's limits say."""
        return self.limits.longest_read_seconds

    def check(self) -> None:
        """Ask for one study, so that what is wrong is told before a lake is made."""
        try:
            found = self._ask(lambda: self._client().search_for_studies(limit=1), is_first=True)
        except QuestionError:  # one bad study is no reason to leave the others
            return
        if not found:
            raise ScreeningError("the archive is empty: the DICOMweb service lists no study")

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
        """Return the studies of these days, all pages."""
        filters = {}
        if dates.first or dates.last:
            first, last = (f"{d:%Y%m%d}" if d else "" for d in (dates.first, dates.last))
            filters["StudyDate"] = first if first == last else f"{first}-{last}"
        found, is_whole = self._studies(_ASK_FOR, filters)
        return Answer(one_a_study(_study_facts(study) for study in found), is_whole)

    def study(self, uid: str) -> StudyFacts | None:
        """Return what the service tells of one study now."""
        found, _ = self._studies(_ASK_FOR, {"StudyInstanceUID": uid})
        mine = one_a_study(_study_facts(each) for each in found)
        return next((facts for facts in mine if facts.uid == uid), None)

    def every_day(self) -> tuple[Mapping[str, date | None], bool | None]:
        """Return UID and day of every study, all pages."""
        found, is_whole = self._studies(None, {})
        return {_text(each, _STUDY): day(_text(each, _DATE)) for each in found}, is_whole

    def _studies(
        self, fields: list[str] | None, filters: Mapping[str, str]
    ) -> tuple[Sequence[Json], bool | None]:
        def page(offset: int) -> Sequence[Json]:
            client, n = self._client(), self.limits.page
            found: Sequence[Json] = client.search_for_studies(
                limit=n, offset=offset, fields=fields, search_filters=dict(filters)
            )
            return found

        return self._pages(page, _STUDY)

    def instances(self, study: str) -> tuple[Sequence[tuple[str, str]], bool | None]:
        """Return series and SOP Instance UID of a study's instances, all pages."""
        found, is_whole = self._images(study, ["PatientID"])
        return [(_text(each, _SERIES), _text(each, _SOP)) for each in found], is_whole

    def _images(self, study: str, fields: list[str]) -> tuple[Sequence[Json], bool | None]:
        def page(offset: int) -> Sequence[Json]:
            client, n = self._client(), self.limits.page
            found: Sequence[Json] = client.search_for_instances(
                study, limit=n, offset=offset, fields=fields
            )
            return found

        return self._pages(page, _SOP)

    def _pages(
        self, page: Callable[[int], Sequence[Json]], name: str
    ) -> tuple[Sequence[Json], bool | None]:
        """Follow pages until one is empty or brings nothing new; say whether these are all.

        A page that is not full is the last but for servers whose own limit is lower: the next
        is asked for as well, until there are none. A server that ignores `offset` gives the first
        page for ever; what it repeats is counted once. There a full page is not all, and of
        another it cannot be told.
        """
        found: dict[tuple[str, str], Json] = {}
        offset = 0
        while answers := self._ask(partial(page, offset)):
            before = len(found)
            found.update({(_text(each, name), _text(each, _PATIENT)): each for each in answers})
            if len(found) == before:
                return list(found.values()), None if before < self.limits.page else False
            offset += len(answers)
        return list(found.values()), True

    def _headers(self, study: str, series: str, _: Sequence[str]) -> dict[str, Header | Reason]:
        client = self._client()
        found: Sequence[Json]
        try:
            found = self._ask(lambda: client.retrieve_series_metadata(study, series))
        except NothingThereError:
            found = self._of_several_patients(study, series)
        return by_name((_text(each, _SOP), _header(each)) for each in found)

    def _of_several_patients(self, study: str, series: str) -> Sequence[Json]:
        """Return what is listed of a series that several patients have, else nothing.

        Servers that tell patients apart cannot say which of them is meant (Orthanc: 404). Who they
        are is enough to know.
        """
        listed, _ = self._images(study, _WHOSE)
        found = [e for e in listed if _text(e, _SERIES) == series]
        return found if len({_text(each, _PATIENT) for each in found}) > 1 else []

    def _files(self, study: str, series: str) -> Iterator[tuple[str, bytes]]:
        throttle = self._throttle()

        def whole() -> list[tuple[str, bytes]]:
            client = self._client()
            files = []
            for content in _parts(client, study, series):
                throttle.received(len(content))
                files.append((sop_instance_of(content), content))
            return files

        yield from self._ask(whole, throttle)

    def _ask(
        self,
        question: Callable[[], Result],
        own: Throttle | None = None,
        *,
        is_first: bool = False,
    ) -> Result:
        """Ask within the limits; an error becomes one line without any UID."""
        throttle = own or self._throttle()

        def gently() -> Result:
            with throttle.connection(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                throttle.request()
                return question()

        patience = 0.0 if is_first else self.limits.patience_seconds
        try:
            return ask(self.address, gently, _may_pass, patience)
        except requests.RequestException as error:
            raise _told(error) from None
        except (ValueError, KeyError, AttributeError, InvalidDicomError):
            raise InfrastructureError(_NO_DICOMWEB) from None

    def _throttle(self) -> Throttle:
        return Throttle(urlsplit(self.address).netloc, self.limits)

    def _client(self) -> DICOMwebClient:
        key = (self.address, self.limits)
        if key not in _clients:
            _clients[key] = _make_client(*key)
        return _clients[key]


def _make_client(address: str, limits: ArchiveSettings) -> DICOMwebClient:
    tls_context(limits)  # only to refuse unusable files by name; requests opens them itself
    session = requests.Session()
    session.trust_env = False  # no .netrc: credentials come from where they are expected
    session.verify = limits.ca_file or True
    if limits.certificate_file:
        session.cert = (limits.certificate_file, limits.key_file or limits.certificate_file)
    credentials = from_environment()
    parts = urlsplit(address)
    if credentials.is_given and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ScreeningError(
            "archive: credentials are not sent unencrypted; give an https:// address"
        )
    if credentials.token:
        session.headers["Authorization"] = f"Bearer {credentials.token}"
    elif credentials.user:
        session.auth = (credentials.user, credentials.password)
    # Scanners write UIDs that the standard forbids; they are asked for as they are.
    client = DICOMwebClient(
        address, session=session, timeout=limits.timeout_seconds, permissive_uid=True
    )
    client.set_http_retry_params(retry=False)  # `patience` asks again, and knows for how long
    return client


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, requests.HTTPError):
        return _status(error) in _TRANSIENT
    passing = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
    return isinstance(error, passing) and not isinstance(error, requests.exceptions.SSLError)


def _status(error: requests.HTTPError) -> int:
    return error.response.status_code if error.response is not None else 0


def _told(error: requests.RequestException) -> ScreeningError:
    """Say what failed; messages of the library hold the address, and with it UIDs."""
    if isinstance(error, requests.HTTPError):
        status = _status(error)
        if status in _DENIED:
            return InfrastructureError(
                f"archive: the server gives no access (HTTP {status}); check {USER} and "
                f"{PASSWORD}, or {TOKEN}"
            )
        if status == _FAILED:
            return QuestionError("archive: the server failed at a question (HTTP 500); see its log")
        if status == _ABSENT:
            return NothingThereError(
                "archive: nothing lies there (HTTP 404); check address and server"
            )
        return InfrastructureError(
            f"archive: the server failed (HTTP {status}); check address and server"
        )
    if isinstance(error, requests.exceptions.SSLError):
        return InfrastructureError(
            "archive: the server's certificate is not trusted; give its authority as ca_file "
            "in [archive] of --config"
        )
    if isinstance(error, requests.Timeout):
        return InfrastructureError("archive: the server did not answer in time; try again later")
    if isinstance(error, requests.exceptions.InvalidJSONError):
        return InfrastructureError(_NO_DICOMWEB)
    return InfrastructureError(
        "archive: the server cannot be reached; check address, network and server"
    )


def _study_facts(study: Json) -> StudyFacts:
    return told(
        _text(study, _STUDY),
        _text(study, _N_INSTANCES),
        day(_text(study, _DATE)),
        _text(study, STUDY_TIME[1]),
        [_text(study, tag) for tag in STUDY_FACTS.values()],
    )


def _text(answer: Json, tag: str) -> str:
    """Return the first value of an element as text, empty where there is none."""
    values = answer.get(tag, {}).get("Value")
    value = values[0] if isinstance(values, list) and values else ""
    if isinstance(value, dict):
        value = value.get("Alphabetic", "")
    return str(value if value is not None else "")


def _header(answer: Json) -> Header | Reason:
    """Return the values of `TAGS` from one instance's metadata; pixels and the rest are let go."""
    kept = {tag: element for tag, element in answer.items() if tag.upper() in _KEEP}
    return read_values(Dataset.from_json(kept, lambda *_: b""))


def _parts(client: DICOMwebClient, study: str, series: str) -> Iterator[bytes]:
    """Yield a series' files as they are stored, byte for byte.

    What the library offers in public parses each file, and fails at one without a preface, which
    archives do keep (Orthanc). Its two steps before that are used as they are; the bounds of its
    version and the tests against Orthanc hold them.
    """
    url = f"{client.base_url}/studies/{study}/series/{series}"
    answer = client._http_get(url, headers={"Accept": _AS_STORED}, stream=True)
    if answer.headers.get("Content-Type", "").startswith("application/dicom"):
        yield answer.content  # of one file some servers make no parts
        return
    for part in client._decode_multipart_message(answer, stream=True):
        yield bytes(part)
