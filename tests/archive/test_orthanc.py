"""DICOMweb and DIMSE against a real Orthanc: what comes from it is what lies on the disk."""

import gc
import io
import logging
import subprocess
from datetime import date

import pyarrow as pa
import pydicom
import pytest
from ct_series import write_series
from orthanc import AET, PASSWORD, USER, Orthanc, needs_orthanc, running, tls_front
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ImplicitVRLittleEndian, JPEGLSLossless, RLELossless

from screening.archive import list_files, open_source, read_headers, resolve
from screening.archive.listing import STATS_SCHEMA
from screening.config import ArchiveSettings
from screening.errors import InfrastructureError, ScreeningError

# pynetdicom leaves the socket of a peer that was not there to the garbage collector.
pytestmark = [
    needs_orthanc,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

TODAY = date(2026, 3, 1)
# Fast, and small enough that pages, halves and shards are needed.
LIMITS = ArchiveSettings(
    requests_per_second=0, patience_seconds=1, page=3, slice_days=4000, older_every_nights=1
)
NOTHING = STATS_SCHEMA.empty_table()
# What a server does not tell of a file, or tells in its own way.
OF_THE_FILE = {"path", "size_bytes", "mtime_ns", "pixel_bytes", "transfer_syntax_uid"}


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    """Five studies: CT in three encodings, one of them undated, and an MR from before the dates."""
    folder = tmp_path_factory.mktemp("disk")
    about = {
        "StudyDate": "20250102", "StudyDescription": "Thorax", "SeriesDescription": "nativ",
        "ProtocolName": "P", "PatientBirthDate": "19500101", "PatientSex": "F",
        "PatientAge": "075Y", "AccessionNumber": "A1", "IssuerOfPatientID": "H",
        "ConvolutionKernel": ["Br40f", "3"], "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "ContrastBolusAgent": "", "GantryDetectorTilt": "0.5", "Exposure": "55",
        "Manufacturer": "MAKER", "AcquisitionDate": "20250103", "FrameOfReferenceUID": "1.2.3",
    }  # fmt: skip
    write_series(folder / "a", **about)
    write_series(folder / "b", **about | {"StudyDate": ""})
    write_series(folder / "c", **about | {"StudyDate": "20260301", "PatientID": "CANARY-3"})
    for file in (folder / "c").iterdir():
        ds = pydicom.dcmread(file)
        ds.compress(RLELossless)
        ds.save_as(file)
    write_series(folder / "d", **about | {"StudyDate": "20250102"})
    for file in (folder / "d").iterdir():
        ds = pydicom.dcmread(file)
        ds.compress(JPEGLSLossless)
        ds.save_as(file)
    write_series(folder / "e", **about | {"Modality": "MR", "StudyDate": "19800101"})
    first = min((folder / "b").iterdir())  # without preface or meta header, as some writers do
    ds = pydicom.dcmread(first)
    ds.file_meta, ds.preamble = FileMetaDataset(), None
    ds.save_as(first, implicit_vr=True, little_endian=True, enforce_file_format=False)
    return folder


@pytest.fixture(scope="module")
def server(disk, tmp_path_factory):
    """Orthanc with all of it; it answers at most 3 studies and 20 instances at once."""
    limits = {"LimitFindResults": 3, "LimitFindInstances": 20}
    with running(tmp_path_factory.mktemp("orthanc"), **limits) as orthanc:
        assert orthanc.store(sorted(disk.rglob("*.dcm"))) == 40
        yield orthanc


@pytest.fixture(autouse=True)
def _credentials(monkeypatch):
    monkeypatch.setenv("SCREENING_ARCHIVE_USER", USER)
    monkeypatch.setenv("SCREENING_ARCHIVE_PASSWORD", PASSWORD)
    monkeypatch.setattr("screening.archive.dicomweb._clients", {})
    yield
    gc.collect()  # see above


@pytest.fixture(params=["web", "dimse"])
def source(request, server):
    return open_source(resolve(getattr(server, request.param)), LIMITS)


def by_sop(table):
    return {row["sop_instance_uid"]: row for row in table.to_pylist()}


def pixels(content):
    return opened(io.BytesIO(content)).pixel_array.tobytes()


def opened(file):
    """A file that may lack its preface."""
    ds = pydicom.dcmread(file, force=True)
    if "TransferSyntaxUID" not in ds.file_meta:
        ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    return ds


def test_every_instance_is_listed_once(source, disk):
    source.check()
    listing = source.list_files(NOTHING, TODAY)
    assert listing.stats.num_rows == 40
    # Days are halved to a proof; the question without a day was cut at three, and that is told.
    assert listing.ignored["path"].to_pylist() == ["?/?/None"]
    wanted = {opened(f).SOPInstanceUID for f in disk.rglob("*.dcm")}
    assert {path.split("/")[2] for path in listing.stats["path"].to_pylist()} == wanted
    assert source.list_files(listing.stats, TODAY).stats.equals(listing.stats)


def test_headers_are_those_of_the_files(source, disk):
    listing = source.list_files(NOTHING, TODAY)
    shard = source.read_headers(listing.stats)
    assert shard.files.num_rows == 0
    found = by_sop(shard.instances)
    on_disk = by_sop(read_headers(str(disk), list_files(str(disk)).stats).instances)
    assert found.keys() == on_disk.keys()
    for sop, row in on_disk.items():
        # Of other modalities DIMSE tells what is needed to leave them alone.
        names = row.keys() - OF_THE_FILE if row["modality"] == "CT" else (
            "modality", "sop_class_uid", "study_instance_uid", "series_instance_uid",
            "patient_id", "issuer", "accession", "birth_date", "sex",
        )  # fmt: skip
        assert {n: found[sop][n] for n in names} == {n: row[n] for n in names}


def test_files_come_as_they_are_stored_in_the_order_asked_for(source, disk):
    paths = source.list_files(NOTHING, TODAY).stats["path"].to_pylist()
    syntaxes = {}
    for study in sorted({p.split("/")[0] for p in paths}):
        asked = [p for p in paths if p.startswith(study)][::-2]
        for path, content in zip(asked, source.read_bytes(asked), strict=True):
            ds = opened(io.BytesIO(content))
            assert ds.SOPInstanceUID == path.split("/")[2]
            syntaxes[ds.SOPInstanceUID] = ds.file_meta.TransferSyntaxUID
            syntaxes[content] = pixels(content)
    for file in disk.rglob("*.dcm"):
        ds = opened(file)
        if ds.SOPInstanceUID in syntaxes:
            assert syntaxes[ds.SOPInstanceUID] == ds.file_meta.TransferSyntaxUID
            assert ds.pixel_array.tobytes() in syntaxes.values()


def test_shards_keep_a_series_whole(source, monkeypatch):
    monkeypatch.setattr("screening.archive.series_of.SHARD_INSTANCES", 12)
    stats = source.list_files(NOTHING, TODAY).stats
    shards = source.shards(stats)
    assert [s.num_rows for s in shards] == [16, 16, 8]
    assert pa.concat_tables(shards).equals(stats)


def test_what_is_not_there_is_unreachable_not_bad(source):
    stats = source.list_files(NOTHING, TODAY).stats.slice(0, 8)
    paths = stats["path"].to_pylist()
    paths[2] = paths[2].rpartition("/")[0] + "/9.9.9.9"
    shard = source.read_headers(stats.set_column(0, "path", [paths]))
    assert shard.instances.num_rows == 7
    assert shard.files["reason"].to_pylist() == ["unreachable"]
    with pytest.raises(InfrastructureError, match="of 8 files of a series the server gave 7"):
        source.read_bytes(paths)
    with pytest.raises(InfrastructureError):
        source.read_bytes(["1.2.3/4.5.6/7.8.9"])


def test_nothing_of_it_is_logged(source, caplog):
    with caplog.at_level(logging.DEBUG):
        stats = source.list_files(NOTHING, TODAY).stats
        source.read_headers(stats.slice(0, 8))
        source.read_bytes(stats["path"].to_pylist()[:8])
    uids = {part for path in stats["path"].to_pylist() for part in path.split("/")}
    assert not [uid for uid in uids if uid in caplog.text]
    assert "CANARY" not in caplog.text


@pytest.fixture
def own(tmp_path, disk):
    with running(tmp_path / "orthanc") as orthanc:
        for name in "ac":
            orthanc.store(sorted((disk / name).iterdir()))
        yield orthanc


@pytest.mark.parametrize("kind", ["web", "dimse"])
def test_deletions_corrections_and_late_slices_are_noticed(own, kind, disk):
    source = open_source(resolve(getattr(own, kind)), LIMITS)
    first = source.list_files(NOTHING, TODAY).stats
    asked = {"Level": "Study", "Query": {"StudyDate": "20250102"}}
    (study,) = own.ask("POST", "/tools/find", json=asked).json()
    one = own.ask("GET", f"/studies/{study}/instances").json()[0]
    gone = one["MainDicomTags"]["SOPInstanceUID"]
    own.ask("DELETE", f"/instances/{one['ID']}")
    second = source.list_files(first, TODAY).stats
    paths = second["path"].to_pylist()
    assert not [p for p in paths if p.endswith(f"/{gone}")]
    assert len(paths) == 15
    # Of a study with another number of instances every header is read again.
    known = set(zip(first["path"].to_pylist(), first["mtime_ns"].to_pylist(), strict=True))
    now = set(zip(paths, second["mtime_ns"].to_pylist(), strict=True))
    assert len(now - known) == 7
    own.store(sorted((disk / "a").iterdir()))
    assert source.list_files(second, TODAY).stats.sort_by("path").equals(first)
    for file in sorted((disk / "c").iterdir()):  # the same images under another patient's number
        ds = pydicom.dcmread(file)
        ds.PatientID, ds.PatientName = "ANOTHER", "ANOTHER^ONE"
        buffer = io.BytesIO()
        ds.save_as(buffer)
        own.ask("DELETE", f"/instances/{_id_of(own, ds.SOPInstanceUID)}")
        own.ask("POST", "/instances", data=buffer.getvalue())
    third = source.list_files(first, TODAY).stats.sort_by("path")
    assert third["path"].to_pylist() == first["path"].to_pylist()
    shard = source.read_headers(third)
    assert shard.instances["patient_id"].to_pylist().count("ANOTHER") == 8
    marks = zip(first["mtime_ns"].to_pylist(), third["mtime_ns"].to_pylist(), strict=True)
    assert sum(a != b for a, b in marks) == 8


@pytest.mark.parametrize("kind", ["web", "dimse"])
def test_a_study_without_the_element_of_its_date_is_found(own, kind, tmp_path):
    """Of days Orthanc lists what has an empty date, not what has none."""
    file = write_series(tmp_path / "absent", StudyDescription="Thorax") / "0.dcm"
    uid = pydicom.dcmread(file).StudyInstanceUID
    own.store(sorted(file.parent.iterdir()))
    source = open_source(resolve(getattr(own, kind)), LIMITS)
    listing = source.list_files(NOTHING, TODAY)
    mine = [p for p in listing.stats["path"].to_pylist() if p.startswith(f"{uid}/")]
    assert (len(mine), listing.ignored.num_rows) == (8, 0)
    again = source.list_files(listing.stats, TODAY)
    assert again.stats.sort_by("path").equals(listing.stats.sort_by("path"))
    facts = listing.stats.to_pylist()[0]
    assert not source.has_changed(facts["path"], facts["mtime_ns"])
    study = facts["path"].split("/")[0]
    asked = {"Level": "Study", "Query": {"StudyInstanceUID": study}}
    (found,) = own.ask("POST", "/tools/find", json=asked).json()
    one = own.ask("GET", f"/studies/{found}/instances").json()[0]
    own.ask("DELETE", f"/instances/{one['ID']}")
    assert source.has_changed(facts["path"], facts["mtime_ns"])


def _id_of(orthanc: Orthanc, sop: str) -> str:
    (found,) = orthanc.ask(
        "POST", "/tools/find", json={"Level": "Instance", "Query": {"SOPInstanceUID": sop}}
    ).json()
    return found


def changed(**limits):
    return LIMITS.model_copy(update=limits)


def complaint(address, limits=LIMITS):
    with pytest.raises(ScreeningError) as caught:
        open_source(resolve(address), limits).check()
    return str(caught.value)


def test_a_wrong_password(server, monkeypatch):
    monkeypatch.setenv("SCREENING_ARCHIVE_PASSWORD", "not this one")
    said = complaint(server.web)
    assert "no access (HTTP 401); check SCREENING_ARCHIVE_USER" in said
    assert "not this one" not in said


def test_another_ae_title(server):
    assert "AE titles" in complaint(server.dimse.replace(AET, "SOMEBODY"))


def test_nobody_there(server):
    assert "cannot be reached" in complaint("http://127.0.0.1:1/dicom-web")
    assert "cannot be reached" in complaint("dicom://AET@127.0.0.1:1")


def test_something_else_is_there(server):
    assert "nothing lies there (HTTP 404)" in complaint(server.web + "/other")
    address = f"dicom://AET@127.0.0.1:{server.http_port}"
    assert "cannot be reached" in complaint(address, changed(timeout_seconds=2))


def test_an_empty_server(tmp_path):
    with running(tmp_path) as orthanc:
        assert "empty" in complaint(orthanc.web)


def test_a_password_is_not_sent_in_the_clear():
    assert "https://" in complaint("http://192.0.2.1/dicom-web")


def test_half_of_the_credentials(server, monkeypatch):
    monkeypatch.delenv("SCREENING_ARCHIVE_PASSWORD")
    assert "set both" in complaint(server.web)
    monkeypatch.setenv("SCREENING_ARCHIVE_TOKEN", "abc")
    assert "set one of them" in complaint(server.web)


def test_a_server_that_stops_and_starts_again(tmp_path, disk):
    limits = changed(patience_seconds=0.6)
    with running(tmp_path) as orthanc:
        orthanc.store(sorted((disk / "a").iterdir()))
        for source in (open_source(resolve(a), limits) for a in (orthanc.web, orthanc.dimse)):
            stats = source.list_files(NOTHING, TODAY).stats
            orthanc.stop()
            shard = source.read_headers(stats)
            assert shard.files["reason"].to_pylist() == ["unreachable"] * 8
            with pytest.raises(InfrastructureError):
                source.read_bytes(stats["path"].to_pylist())
            with pytest.raises(InfrastructureError):
                source.list_files(NOTHING, TODAY)
            orthanc.start()
            assert source.read_headers(stats).instances.num_rows == 8
            assert len(source.read_bytes(stats["path"].to_pylist())) == 8


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A certificate of 127.0.0.1 that signs itself, for server and client."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    return folder


def test_tls(tmp_path, disk, authority):
    """The peer asks for our certificate, we for its; without either nothing is said."""
    certificate, key = authority / "cert.pem", authority / "key.pem"
    limits = changed(ca_file=str(certificate), certificate_file=str(certificate), key_file=str(key))
    tls = {
        "DicomTlsEnabled": True,
        "DicomTlsCertificate": str(certificate),
        "DicomTlsPrivateKey": str(key),
        "DicomTlsTrustedCertificates": str(certificate),
    }
    with (
        running(tmp_path, **tls) as orthanc,
        tls_front(orthanc.http_port, certificate, key) as port,
    ):
        orthanc.store(sorted((disk / "a").iterdir()))
        web = f"https://127.0.0.1:{port}/dicom-web"
        dimse = orthanc.dimse.replace("dicom://", "dicom-tls://")
        for address in (web, dimse):
            source = open_source(resolve(address), limits)
            stats = source.list_files(NOTHING, TODAY).stats
            assert len(source.read_bytes(stats["path"].to_pylist())) == 8
        assert "ca_file" in complaint(web)
        for address in (dimse, orthanc.dimse):
            assert "cannot be reached" in complaint(address, changed(timeout_seconds=3))
    bad = limits.model_copy(update={"ca_file": "/no/such/file"})
    assert "ca_file" in complaint(dimse, bad)
    assert "ca_file" in complaint(web, bad)
