"""The DICOM files a scanner would write, read back by pydicom."""

from dataclasses import replace
from datetime import date

import numpy as np
import pydicom
import pytest

from screening.phantom.dicom import (
    PADDING_STORED,
    Encoding,
    Header,
    Stack,
    Storage,
    Syntax,
    make_uid,
    write_dose_report,
    write_stack,
)
from screening.phantom.reformats import head, sagittal, scout

HEADER = Header(
    patient_id=" 0123 ",
    issuer="GRAUHAVEN",
    name="Zelbrück^Évariste",
    birth_date=date(1960, 2, 3),
    sex="M",
    age_years=66,
    study_uid=make_uid("study"),
    series_uid=make_uid("series"),
    accession="A00000001",
    series_number=2,
    study_date=date(2026, 3, 4),
    acquisition_date=None,
)
ENCODINGS = [
    Encoding(storage, syntax, has_preamble)
    for storage in Storage
    for syntax in Syntax
    for has_preamble in (True, False)
    if has_preamble or syntax is Syntax.IMPLICIT
]


@pytest.fixture(scope="module")
def stack():
    rng = np.random.default_rng(0)
    hu = np.clip(rng.normal(0, 300, (4, 32, 24)), -1024, 3000).astype(np.int16)
    origins = np.array([[-20.0, -30.0, 50.0 - 3.0 * k] for k in range(4)])
    axes = np.array([0.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0])
    return Stack(hu, (1.5, 1.25), origins, *axes)


@pytest.mark.parametrize("encoding", ENCODINGS, ids=str)
def test_every_encoding_gives_the_same_hounsfield_units(stack, encoding, tmp_path):
    paths = [tmp_path / str(k) for k in range(4)]
    uids = write_stack(paths, stack, HEADER, encoding)
    assert len(set(uids)) == 4
    assert all(uid.startswith("2.25.") and len(uid) <= 64 for uid in uids)
    for k, path in enumerate(paths):
        ds = pydicom.dcmread(path, force=not encoding.has_preamble)
        ds.file_meta.TransferSyntaxUID = encoding.syntax.value
        assert ds.SOPInstanceUID == uids[k]
        stored = ds.pixel_array
        hu = stored * float(ds.RescaleSlope) + float(ds.RescaleIntercept)
        is_real = stored != ds.get("PixelPaddingValue", 99999)
        assert np.abs(hu - stack.hu[k])[is_real].max() <= 0.5
        assert is_real.all() == (encoding.storage is not Storage.SIGNED_PADDED)
        assert [float(v) for v in ds.ImagePositionPatient] == list(stack.origins_lps_mm[k])
        assert [float(v) for v in ds.PixelSpacing] == [1.5, 1.25]


def test_padding_lies_far_below_air_and_slopes_differ_as_on_a_pet_ct(stack, tmp_path):
    paths = [tmp_path / str(k) for k in range(4)]
    write_stack(paths, stack, HEADER, Encoding(Storage.SIGNED_PADDED))
    padded = pydicom.dcmread(paths[0])
    assert padded.pixel_array[0, 0] == padded.PixelPaddingValue == PADDING_STORED
    assert PADDING_STORED + float(padded.RescaleIntercept) == -3024
    write_stack(paths, stack, HEADER, Encoding(Storage.PER_SLICE))
    assert len({float(pydicom.dcmread(p).RescaleSlope) for p in paths}) == 4


def test_header_says_what_it_was_given(stack, tmp_path):
    paths = [tmp_path / str(k) for k in range(4)]
    write_stack(paths, stack, HEADER, Encoding())
    ds = pydicom.dcmread(paths[0])
    assert "AcquisitionDate" not in ds
    assert "ContrastBolusAgent" not in ds
    assert (ds.StudyDate, ds.PatientAge, str(ds.PatientName)) == (
        "20260304",
        "066Y",
        "Zelbrück^Évariste",
    )
    dateless = replace(HEADER, study_date=None, contrast_agent="", series_description=None)
    write_stack(paths, stack, dateless, Encoding())
    ds = pydicom.dcmread(paths[0])
    dates = [e for e in ds if e.VR == "DA" and e.value]
    assert dates == []
    assert ds.ContrastBolusAgent in ("", None)
    assert "SeriesDescription" not in ds


def test_as_many_paths_as_slices(stack, tmp_path):
    with pytest.raises(ValueError, match="zip"):
        write_stack([tmp_path / "a"], stack, HEADER, Encoding())


def test_dose_report_is_readable_and_has_no_pixels(tmp_path):
    uid = write_dose_report(tmp_path / "a", HEADER)
    ds = pydicom.dcmread(tmp_path / "a")
    assert (ds.Modality, ds.SOPInstanceUID, "PixelData" in ds) == ("SR", uid, False)


def test_sagittal_slices_show_the_same_tissue_at_the_same_place(stack):
    wide = replace(stack, hu=np.tile(stack.hu, (1, 1, 4)))
    cut = sagittal(wide)
    k, row, column = 3, 2, 7  # sagittal slice, row (down), column (back)
    at = (
        cut.origins_lps_mm[k]
        + row * cut.spacing_mm[0] * cut.row_axis_lps
        + column * cut.spacing_mm[1] * cut.column_axis_lps
    )
    first = wide.origins_lps_mm[0]
    axial = (first[2] - at[2]) / 3.0, (at[1] - first[1]) / 1.5, (at[0] - first[0]) / 1.25
    z, y, x = (round(v) for v in axial)
    assert axial == pytest.approx((z, y, x))
    assert cut.hu[k, row, column] == wide.hu[z, y, x]


def test_scout_is_one_image_and_a_head_is_no_chest(stack):
    assert scout(stack).hu.shape == (1, 4, 24)
    skull = head(3)
    assert np.array_equal(skull.hu, head(3).hu)
    assert 30 <= np.median(skull.hu[25, 120:136, 110:120]) <= 42  # brain
    assert (skull.hu > 800).any()
