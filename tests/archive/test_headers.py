"""Each file becomes one row: an instance with its header, or a reason."""

import io
import logging
import random
import resource
import zlib
from datetime import date
from pathlib import Path

import pytest
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from screening import bounded
from screening.archive import header as header_module
from screening.archive import list_files, read_headers
from screening.archive import shard as shard_module
from screening.archive.tags import AT
from screening.errors import InfrastructureError
from screening.tables import FILES, INSTANCES_RAW


def crawl(root):
    shard = read_headers(str(root), list_files(str(root)).stats)
    assert shard.instances.schema == INSTANCES_RAW.schema
    assert shard.files.schema == FILES.schema
    return shard


def reason_of(tmp_path, put, content):
    put("x", content)
    shard = crawl(tmp_path)
    assert shard.instances.num_rows + shard.files.num_rows == 1
    return shard.files["reason"].to_pylist()[0] if shard.files.num_rows else None


def row_of(tmp_path, put, dataset):
    put("x", dataset)
    (row,) = crawl(tmp_path).instances.to_pylist()
    return row


def as_bytes(ds):
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def test_a_plain_slice_without_asking_pydicom(tmp_path, put, image, monkeypatch):
    monkeypatch.delattr(header_module, "_judge")
    row = row_of(tmp_path, put, image(3))
    expected = {
        "path": "x",
        "modality": "CT",
        "image_type": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "rows": 16,
        "columns": 24,
        "n_frames": 1,
        "row_spacing_mm": 0.5,
        "column_spacing_mm": 0.75,
        "position_lps_mm": [-1.5, -2.5, 6.0],
        "orientation": [1, 0, 0, 0, 1, 0],
        "thickness_mm": 3.0,
        "tilt_degrees": 0.0,
        "kvp": 120.0,
        "exposure_mas": 55.0,
        "kernel": "Br40f\\3",
        "manufacturer": "MAKER",
        "scanner_model": "MODEL",
        "rescale_slope": 1.0,
        "rescale_intercept": -1024.0,
        "rescale_type": "HU",
        "photometric": "MONOCHROME2",
        "bits_allocated": 16,
        "bits_stored": 12,
        "samples_per_pixel": 1,
        "contrast_agent": None,
        "body_part": "",
        "descriptions": "CANARY study | Thorax nativ",
        "cardiac_sync": "",
        "acquired_on": date(2026, 1, 2),
        "birth_date": date(1960, 2, 29),
        "age_years": 65.0,
        "sex": "F",
        "pixel_bytes": 768,
        "series_instance_uid": "1.2.3.4.5",
        "study_instance_uid": "1.2.3.4",
        "frame_of_reference_uid": "1.2.3.4.6",
        "patient_id": "CANARY-ID",
        "issuer": "HOSPITAL",
        "accession": "CANARY-ACC",
    }
    assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize(
    "syntax",
    [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless],
)
def test_every_encoding_gives_the_same_row(tmp_path, put, image, syntax):
    plain, other = image(), image()
    if syntax == RLELossless:
        other.compress(RLELossless, generate_instance_uid=False)
    else:
        other.file_meta.TransferSyntaxUID = syntax
    put("a", plain)
    put("b", other)
    first, second = crawl(tmp_path).instances.to_pylist()
    volatile = {"path", "size_bytes", "mtime_ns", "transfer_syntax_uid", "sop_instance_uid"}
    if syntax == RLELossless:
        volatile |= {"pixel_bytes"}
        assert second["pixel_bytes"] > 0
    same = set(first) - volatile
    assert {n: first[n] for n in same} == {n: second[n] for n in same}


def test_both_readers_say_the_same(tmp_path, put, image, report, monkeypatch):
    put("image", image())
    put("report", report())
    quick = crawl(tmp_path).instances

    def doubt(*_):
        raise header_module._DoubtError

    monkeypatch.setattr(header_module, "_quick", doubt)
    assert crawl(tmp_path).instances.to_pylist() == quick.to_pylist()


def test_a_report_is_an_instance(tmp_path, put, report):
    row = row_of(tmp_path, put, report())
    assert (row["modality"], row["rows"], row["pixel_bytes"]) == ("SR", None, -1)


ALONE = {"StudyDate": "", "SeriesDate": "", "ContentDate": ""}


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"AcquisitionDate": "20250304"}, date(2025, 3, 4)),
        ({"AcquisitionDate": "20250230", "ContentDate": "20250301"}, date(2025, 3, 1)),
        ({"AcquisitionDateTime": "20250305101112.5"}, date(2025, 3, 5)),
        ({"SeriesDate": "20250306"}, date(2025, 3, 6)),
        ({"StudyDate": "2025"}, None),
        ({"StudyDate": ""}, None),
        ({"AcquisitionDate": "19000101"}, date(2026, 1, 2)),  # a clock that was never set
        ({"AcquisitionDate": "19710930"}, date(2026, 1, 2)),
        (ALONE | {"AcquisitionDate": "19711001", "PatientBirthDate": ""}, date(1971, 10, 1)),
        ({"AcquisitionDate": "20010101", "PatientBirthDate": "20010102"}, date(2026, 1, 2)),
        (ALONE | {"AcquisitionDate": "20010101", "PatientBirthDate": "20010101"}, date(2001, 1, 1)),
        ({"AcquisitionDate": "20010101", "PatientBirthDate": ""}, None),  # one against one
        ({"StudyDate": "18580101"}, None),
        ({"AcquisitionDateTime": "20250305233000.0+0900"}, date(2025, 3, 5)),  # the scanner's day
        ({"AcquisitionDateTime": "20250305003000-0500"}, date(2025, 3, 5)),
        ({"TimezoneOffsetFromUTC": "-0500", "AcquisitionDate": "20250304"}, date(2025, 3, 4)),
        ({"AcquisitionDate": "2025.03.04"}, date(2025, 3, 4)),  # ACR-NEMA
    ],
)
def test_dates(tmp_path, put, image, anything_goes, elements, expected):
    ds = image()
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    assert row_of(tmp_path, put, ds)["acquired_on"] == expected


@pytest.mark.parametrize(
    ("written", "years"),
    [
        ("045Y", 45.0),
        ("018M", 1.5),
        ("000D", 0.0),
        ("", None),
        ("Y", None),
        ("45", None),
        ("9" * 5000 + "Y", None),
    ],
)
def test_ages(tmp_path, put, image, anything_goes, written, years):
    ds = image()
    ds.PatientAge = written
    assert row_of(tmp_path, put, ds)["age_years"] == years


def test_gating_and_contrast(tmp_path, put, image):
    gated, triggered = image(), image()
    gated.CardiacSynchronizationTechnique = "RETROSPECTIVE"
    gated.ContrastBolusAgent = "CONTRAST"
    triggered.TriggerTime = "120"
    triggered.ContrastBolusAgent = ""
    put("a", gated)
    put("b", triggered)
    rows = crawl(tmp_path).instances.to_pylist()
    assert [r["cardiac_sync"] for r in rows] == ["RETROSPECTIVE", "TRIGGER"]
    assert [r["contrast_agent"] for r in rows] == ["CONTRAST", ""]


@pytest.mark.parametrize(
    ("elements", "told"),
    [
        ({"ContrastBolusVolume": "80"}, "80 ml"),
        ({"ContrastBolusVolume": "0"}, None),
        ({"ContrastBolusAgent": "", "ContrastBolusVolume": "80"}, "80 ml"),
        ({"ContrastBolusAgent": "NONE", "ContrastBolusVolume": "80"}, "NONE"),  # a name decides
        ({"ContrastBolusIngredient": "IODINE"}, "IODINE"),
        ({"ContrastBolusIngredient": "BARIUM", "ContrastBolusVolume": "450"}, None),
        ({"ContrastBolusRoute": "IV"}, None),  # a protocol's default, on unenhanced scans too
    ],
)
def test_an_agent_that_is_told_by_its_volume_or_ingredient(tmp_path, put, image, elements, told):
    ds = image()
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    assert row_of(tmp_path, put, ds)["contrast_agent"] == told


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("ISO_IR 100", "Thörax"),
        ("ISO_IR 192", "Thörax 胸"),
        ("GB18030", "胸部平扫"),
        (["", "ISO 2022 IR 87"], "胸部"),
        ("ISO_IR 144", "Грудь"),
    ],
)
def test_character_sets(tmp_path, put, image, charset, text):
    ds = image()
    ds.SpecificCharacterSet = charset
    ds.StudyDescription, ds.SeriesDescription = text, ""
    assert row_of(tmp_path, put, ds)["descriptions"] == text


def test_the_nameless_are_not_one_another(tmp_path, put, image):
    for path in ("one/a", "one/b", "two/a"):
        ds = image()
        ds.SOPInstanceUID = ds.SeriesInstanceUID = ds.StudyInstanceUID = ""
        put(path, ds)
    rows = crawl(tmp_path).instances.to_pylist()
    assert len({r["sop_instance_uid"] for r in rows}) == 3
    series = [r["series_instance_uid"] for r in rows]
    assert series[0] == series[1] != series[2]
    assert "" not in series


def test_a_file_without_a_preface(tmp_path, put, image):
    ds = image(syntax=ImplicitVRLittleEndian)
    buffer = io.BytesIO()
    del ds.file_meta
    ds.save_as(buffer, implicit_vr=True, little_endian=True, enforce_file_format=False)
    assert not buffer.getvalue().startswith(b"\0" * 128)
    assert reason_of(tmp_path, put, buffer.getvalue()) is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not_dicom"),
        (b"a text that mentions DICM", "not_dicom"),
        (b"\x08\x00 begins like one and is none" * 9, "not_dicom"),
        (b"\x89PNG" + b"\0" * 500, "not_dicom"),
        (b"\0" * 128 + b"DICM", "unreadable"),
        (b"\0" * 128 + b"DICM" + b"junk" * 50, "unreadable"),
    ],
)
def test_what_is_no_instance(tmp_path, put, content, reason):
    assert reason_of(tmp_path, put, content) == reason


@pytest.mark.parametrize(
    ("tag", "kind", "value"),
    [
        ("InstanceNumber", "IS", b"9" * 40),
        ("NumberOfFrames", "IS", b"9" * 40),
        ("NumberOfFrames", "IS", b"-5"),
        ("ImagePositionPatient", "DS", b"1e400\\0\\nan "),
        ("RescaleSlope", "DS", b"1e308 "),
        ("SeriesDescription", "LO", b"\xed\xa0\x80CANARY "),
        ("PatientID", "LO", b"A" * 60000),
        ("StudyDate", "DA", "٢٠٢٦٠١٠٢".encode()),
    ],
)
def test_values_nobody_can_keep_cost_nobody_else(
    tmp_path, put, image, anything_goes, tag, kind, value
):
    ds = image()
    ds[tag] = RawDataElement(Tag(tag), kind, len(value), value, 0, False, True)
    put("odd", ds)
    put("plain", image(1))
    assert crawl(tmp_path).instances["path"].to_pylist() == ["odd", "plain"]


def test_a_value_that_no_column_holds_is_one_row(tmp_path, put, image, monkeypatch):
    for number in range(5):
        ds = image(number)
        ds.InstanceNumber = number
        put(f"{number}", ds)

    def number_or_worse(header):
        number = int(header[AT["image_number"]])
        return 10**30 if number == 3 else number

    monkeypatch.setitem(shard_module.COLUMNS, "image_number", number_or_worse)
    shard = crawl(tmp_path)
    assert shard.instances["path"].to_pylist() == ["0", "1", "2", "4"]
    (row,) = shard.files.to_pylist()
    assert (row["path"], row["reason"]) == ("3", "unreadable")


@pytest.mark.parametrize("depth", [3, 300, 5_000, 100_000])
@pytest.mark.parametrize("is_closed", [True, False])
def test_sequences_in_sequences_end_no_process(tmp_path, put, image, depth, is_closed):
    data = as_bytes(image())
    opened = bytes.fromhex("08004011 5351 0000 ffffffff feff00e0 ffffffff")
    closed = bytes.fromhex("feff0de0 00000000 feffdde0 00000000") if is_closed else b""
    at = data.index(b"\x08\x00\x3e\x10")
    nested = data[:at] + opened * depth + closed * depth + data[at:]
    # Python follows some hundred of them; what lies deeper is no file of a scanner.
    expected = None if is_closed and depth <= 300 else {"unreadable", "truncated_file"}
    found = reason_of(tmp_path, put, nested)
    assert found is None if expected is None else found in expected


def test_a_deflated_file_that_would_fill_the_memory(tmp_path, put, image):
    ds = image()
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    meta = as_bytes(ds)
    meta = meta[: 144 + int.from_bytes(meta[140:144], "little")]
    pack = zlib.compressobj(9, zlib.DEFLATED, -15)
    megabyte = pack.compress(bytes(1024 * 1024)) + pack.flush(zlib.Z_FULL_FLUSH)
    bomb = megabyte * 600 + pack.flush()
    assert len(bomb) < 1_000_000
    put("bomb", meta + bomb)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert crawl(tmp_path).files["reason"].to_pylist() == ["unreadable"]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


def with_items(data, n):
    """A file with a sequence of so many empty items before its study's description."""
    at = data.index(b"\x08\x00\x3e\x10")
    opened, closed = bytes.fromhex("08004011 5351 0000 ffffffff"), bytes.fromhex("feffdde000000000")
    return data[:at] + opened + bytes.fromhex("feff00e000000000") * n + closed + data[at:]


def deflate(data):
    """The same file, deflated."""
    start = 144 + int.from_bytes(data[140:144], "little")
    pack = zlib.compressobj(9, zlib.DEFLATED, -15)
    return data[:start] + pack.compress(data[start:]) + pack.flush()


@pytest.mark.parametrize("is_deflated", [False, True])
@pytest.mark.parametrize(("n_items", "reason"), [(450, None), (1_001, "unreadable")])
def test_a_sequence_of_too_many_items(
    tmp_path, put, image, monkeypatch, is_deflated, n_items, reason
):
    monkeypatch.setattr(bounded, "MAX_ITEMS", 1_000)
    ds = image()
    if is_deflated:
        ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
        put("whole", ds)
        data = deflate(with_items(plain_bytes_of(tmp_path / "whole"), n_items))
        (tmp_path / "whole").unlink()
    else:
        data = with_items(as_bytes(ds), n_items)
    assert reason_of(tmp_path, put, data) == reason
    uid = "" if reason else str(ds.SOPInstanceUID)
    assert header_module.sop_instance_of(data) == uid


def plain_bytes_of(file):
    """A deflated file's bytes with its data set inflated, under the same meta header."""
    data = file.read_bytes()
    start = 144 + int.from_bytes(data[140:144], "little")
    return data[:start] + zlib.decompress(data[start:], -zlib.MAX_WBITS)


def test_few_kilobytes_that_would_become_a_million_items(tmp_path, put, image):
    ds = image()
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    put("whole", ds)
    bomb = deflate(with_items(plain_bytes_of(tmp_path / "whole"), 1_000_000))
    (tmp_path / "whole").unlink()
    assert len(bomb) < 20_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert reason_of(tmp_path, put, bomb) == "unreadable"
    assert header_module.sop_instance_of(bomb) == ""
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * 1024


@pytest.mark.parametrize(("limit", "value"), [("MAX_READS", 40), ("MAX_BYTES", 400)])
def test_a_header_longer_than_any(tmp_path, put, report, monkeypatch, limit, value):
    assert reason_of(tmp_path, put, report()) is None
    monkeypatch.setattr(bounded, limit, value)
    ds = report()
    ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian  # pydicom judges what lies deeper
    ds.SpecificCharacterSet = "ISO_IR 144"
    assert reason_of(tmp_path, put, ds) == "unreadable"


def test_a_media_index_is_left_alone(tmp_path, put, report):
    ds = report()
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    assert reason_of(tmp_path, put, ds) == "ignored_file"


@pytest.mark.parametrize("missing", [1, 2, 700, 767, 768, 772, 778])
def test_a_cut_native_file(tmp_path, put, image, missing):
    assert reason_of(tmp_path, put, as_bytes(image())[:-missing]) == "truncated_file"


@pytest.mark.parametrize("missing", [1, 8, 9, 200])
def test_a_cut_compressed_file(tmp_path, put, image, missing):
    ds = image()
    ds.compress(RLELossless, generate_instance_uid=False)
    assert reason_of(tmp_path, put, as_bytes(ds)[:-missing]) == "truncated_file"


def test_a_file_cut_in_its_header(tmp_path, put, image, report):
    assert reason_of(tmp_path, put, as_bytes(image())[:700]) == "truncated_file"
    assert reason_of(tmp_path, put, as_bytes(report())[:-5]) == "truncated_file"


def test_a_header_longer_than_the_first_read(tmp_path, put, image, monkeypatch):
    monkeypatch.delattr(header_module, "_judge")
    ds = image()
    block = ds.private_block(0x0029, "VENDOR", create=True)
    block.add_new(0x10, "OB", b"\xe0\x7f\x10\x00" * 8000)
    assert row_of(tmp_path, put, ds)["pixel_bytes"] == 768


def test_an_icon_is_not_the_image(tmp_path, put, image, report):
    from pydicom.dataelem import DataElement

    ds, icon = image(), report()
    del icon.file_meta
    icon["PixelData"] = DataElement(0x7FE00010, "OW", b"\0" * 128)
    ds.IconImageSequence = [icon]
    content = as_bytes(ds)
    assert reason_of(tmp_path, put, content) is None
    assert reason_of(tmp_path, put, content[:-1]) == "truncated_file"


def test_a_vanished_file_is_looked_at_again(tmp_path, put, image):
    put("a", image())
    put("b", image())
    stats = list_files(str(tmp_path)).stats
    (tmp_path / "a").unlink()
    shard = read_headers(str(tmp_path), stats)
    assert shard.instances["path"].to_pylist() == ["b"]
    (row,) = shard.files.to_pylist()
    assert (row["path"], row["reason"], row["mtime_ns"]) == ("a", "unreadable", -1)


def test_a_vanished_archive_blames_no_file(tmp_path, put, image):
    put("archive/a", image())
    root = tmp_path / "archive"
    stats = list_files(str(root)).stats
    root.rename(tmp_path / "away")
    with pytest.raises(InfrastructureError) as caught:
        read_headers(str(root), stats)
    assert tmp_path.name not in str(caught.value)


def test_damaged_files_are_rows_and_say_nothing(tmp_path, put, image, report, capfd, caplog):
    caplog.set_level(logging.DEBUG)
    compressed = image()
    compressed.compress(RLELossless, generate_instance_uid=False)
    sources = [as_bytes(image()), as_bytes(compressed), as_bytes(report())]
    for seed in range(500):
        source = random.Random(seed)
        damaged = bytearray(source.choice(sources))
        for _ in range(source.choice([0, 1, 3, 20])):
            damaged[source.randrange(len(damaged))] = source.randrange(256)
        cut = source.choice([len(damaged), source.randrange(len(damaged))])
        put(f"{seed}", bytes(damaged[:cut]))
    shard = crawl(tmp_path)
    assert shard.instances.num_rows + shard.files.num_rows == 500
    assert shard.instances.num_rows > 50
    assert shard.files.num_rows > 50
    seen = capfd.readouterr()
    assert "CANARY" not in seen.out + seen.err + caplog.text
    assert "CANARY" not in repr(shard)


REAL = Path(__file__).resolve().parents[3] / "shared" / "real-ct"


@pytest.mark.skipif(not REAL.is_dir(), reason="the real scans are not beside this checkout")
def test_real_scans_are_instances():
    shard = crawl(REAL)
    assert shard.instances.num_rows == 617
    assert set(shard.files["reason"].to_pylist()) <= {"not_dicom"}
