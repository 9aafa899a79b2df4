"""Every encoding gives the same volume, and damage never gives a wrong one silently."""

import base64
import io
import json
import random
import struct
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    RLELossless,
)
from recoding import recoded

from screening.reasons import Reason
from screening.records import Rejection, Volume
from screening.volume import load_volume
from screening.volume.decode import decode
from screening.volume.header import read_header

REAL = Path(__file__).resolve().parents[3] / "shared" / "real-ct"


def unsigned(put_pixels, values_of):
    def edit(ds, index):
        ds.PixelRepresentation = 0
        ds.BitsStored, ds.HighBit = 12, 11
        ds.RescaleIntercept = "-1000"
        put_pixels(ds, (values_of(index) + 1000).astype("<u2"))

    return edit


@pytest.mark.parametrize("sign", ["signed", "unsigned"])
@pytest.mark.parametrize(
    "syntax",
    ["JPEGLosslessProcess14", "JPEGLosslessProcess14_1", "JPEG2000Lossless", "JPEGLSLossless"],
)
def test_compressed_equals_native_and_pydicom(series, put_pixels, values_of, syntax, sign):
    edit = unsigned(put_pixels, values_of) if sign == "unsigned" else None
    native = series(4, edit)
    files = [recoded(data, syntax) for data in native]
    expected, volume = load_volume("key", native), load_volume("key", files)
    assert isinstance(volume, Volume), volume
    np.testing.assert_array_equal(volume.hu, expected.hu)
    assert volume.image_digest == expected.image_digest
    stored = pydicom.dcmread(io.BytesIO(files[0])).pixel_array
    ours = decode(files[0], read_header(files[0]))
    np.testing.assert_array_equal(ours.view(stored.dtype), stored)


@pytest.mark.parametrize("sign", ["signed", "unsigned"])
@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, RLELossless]
)
def test_other_encodings_equal_explicit(series, put_pixels, values_of, syntax, sign):
    change = unsigned(put_pixels, values_of) if sign == "unsigned" else lambda ds, index: None

    def edit(ds, index):
        change(ds, index)
        if syntax == RLELossless:
            ds.compress(RLELossless, generate_instance_uid=False)
        else:
            ds.file_meta.TransferSyntaxUID = syntax

    expected, volume = load_volume("key", series(3, change)), load_volume("key", series(3, edit))
    assert isinstance(volume, Volume), volume
    np.testing.assert_array_equal(volume.hu, expected.hu)
    assert volume.image_digest == expected.image_digest


# Written by OpenJPH (imagecodecs 2026.3.6, reversible), which the tests do not install.
HTJ2K = json.loads(Path(__file__).with_name("htj2k.json").read_text())


@pytest.mark.parametrize("sign", ["signed", "unsigned"])
def test_high_throughput_jpeg_2000(series, put_pixels, values_of, sign):
    change = unsigned(put_pixels, values_of) if sign == "unsigned" else lambda ds, index: None

    def edit(ds, index):
        change(ds, index)
        ds.BitsStored, ds.HighBit = 16, 15
        ds.file_meta.TransferSyntaxUID = HTJ2KLossless
        ds.PixelData = encapsulate([base64.b64decode(HTJ2K[sign][index])])
        ds["PixelData"].VR = "OB"

    volume = load_volume("key", series(2, edit))
    assert isinstance(volume, Volume), volume
    np.testing.assert_array_equal(volume.hu, load_volume("key", series(2, change)).hu)
    assert volume.flags == ()


@pytest.mark.parametrize(
    ("syntax", "mark", "at"),
    [
        ("JPEG2000Lossless", b"\xff\x4f\xff\x51", 8),  # SIZ: the image's right edge
        ("JPEG2000Lossless", b"\xff\x4f\xff\x51", 24),  # and the width of a tile, now 0
        ("JPEGLSLossless", b"\xff\xf7", 5),  # SOF55: rows and columns
        ("JPEGLosslessProcess14_1", b"\xff\xc3", 5),
    ],
)
def test_a_frame_that_says_it_is_larger_is_not_given_to_a_decoder(series, syntax, mark, at):
    files = [bytearray(recoded(data, syntax)) for data in series(3)]
    place = files[1].index(mark) + at
    files[1][place : place + 4] = struct.pack(">I", 0 if at == 24 else 0xFFF0FFF0)
    result = load_volume("key", [bytes(data) for data in files])
    assert isinstance(result, Rejection)
    assert result.reason is Reason.DECODE_FAILED


def test_big_endian(series, values_of, put_pixels):
    def edit(ds, index):
        ds.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
        put_pixels(ds, values_of(index).astype(">i2"))

    volume = load_volume("key", series(3, edit))
    np.testing.assert_array_equal(volume.hu[1], values_of(1))


@pytest.mark.parametrize("syntax", [None, "JPEGLosslessProcess14_1"])
def test_a_cut_file_is_refused(series, syntax):
    files = series(4)
    if syntax:
        files = [recoded(data, syntax) for data in files]
    for keep in (0.0, 0.3, 0.9):
        cut = [*files[:3], files[3][: int(len(files[3]) * keep)]]
        result = load_volume("key", cut)
        assert isinstance(result, Rejection)
        assert result.reason in (Reason.DECODE_FAILED, Reason.NOT_CT)


def test_text_is_refused(series):
    result = load_volume("key", [*series(2), b"CANARY is not DICOM"])
    assert isinstance(result, Rejection)
    assert "CANARY" not in result.detail


def test_damaged_files_give_a_volume_or_a_rejection(series, capfd, caplog):
    native = series(3)
    lossless = [recoded(data, "JPEGLosslessProcess14_1") for data in native]
    for seed in range(300):
        source = random.Random(seed)
        files = list(native if seed % 2 else lossless)
        damaged = bytearray(files[1])
        for _ in range(source.choice([1, 3, 20])):
            damaged[source.randrange(len(damaged))] = source.randrange(256)
        cut = source.choice([len(damaged), source.randrange(len(damaged))])
        files[1] = bytes(damaged[:cut])
        assert isinstance(load_volume("key", files), Volume | Rejection)
    seen = capfd.readouterr()
    assert "CANARY" not in seen.out + seen.err + caplog.text


@pytest.mark.skipif(not REAL.is_dir(), reason="the real scans are not beside this checkout")
@pytest.mark.parametrize(
    ("folder", "slices", "increment_mm"),
    [("chest-68M", 167, 2.0), ("chest-70F", 154, 2.0), ("chest-80M", 248, 1.25)],
)
def test_real_chests(folder, slices, increment_mm):
    files = [p.read_bytes() for p in (REAL / folder).iterdir()]
    volume = load_volume("key", files)
    assert isinstance(volume, Volume), volume
    assert volume.hu.shape == (slices, 512, 512)
    assert volume.increment_mm == pytest.approx(increment_mm, rel=1e-3)
    assert volume.flags == ()
    for data in files[:3]:
        stored = pydicom.dcmread(io.BytesIO(data)).pixel_array
        np.testing.assert_array_equal(decode(data, read_header(data)).view(stored.dtype), stored)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real scans are not beside this checkout")
def test_real_head_is_tilted():
    result = load_volume("key", [p.read_bytes() for p in (REAL / "head-tilt").iterdir()])
    assert isinstance(result, Rejection)
    assert result.reason == Reason.TILT_UNCORRECTED
