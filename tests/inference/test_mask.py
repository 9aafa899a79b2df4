"""Masks drawn elsewhere land on the right voxels, or are refused."""

import gzip
import struct

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screening.errors import ScreeningError
from screening.inference import MaskLabels, labels_from_mask
from screening.reasons import Reason
from screening.records import Acquisition, Rejection, Volume

SHAPE = (7, 10, 12)
SPACING_MM, INCREMENT_MM = (0.8, 0.7), 2.5


def make_volume():
    origins = np.array([[-20.0, -30.0, 100.0 - INCREMENT_MM * i] for i in range(SHAPE[0])])
    return Volume(
        "s1", np.zeros(SHAPE, np.int16), SPACING_MM, origins, np.array([0.0, 1.0, 0.0]),
        np.array([1.0, 0.0, 0.0]), np.full(SHAPE[0], INCREMENT_MM),
        Acquisition(120.0, 2.5, "B", "X", "Y", None, False, "1.2"), "0" * 64,
    )  # fmt: skip


def affine_of(volume):
    """RAS affine of the array [slice, row, column]."""
    step = volume.origins_lps_mm[1] - volume.origins_lps_mm[0]
    columns = [step, volume.row_axis_lps * SPACING_MM[0], volume.column_axis_lps * SPACING_MM[1]]
    affine = np.eye(4)
    affine[:3, :3] = np.stack(columns, axis=1)
    affine[:3, 3] = volume.origins_lps_mm[0]
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


def labels():
    out = np.zeros(SHAPE, np.int16)
    out[1, 2, 3], out[5, 8, 10], out[6, 0, 11] = 2, 7, 4
    return out


def write(path, array, affine):
    nibabel.save(nibabel.Nifti1Image(array, affine), path)
    return path


@settings(max_examples=30, deadline=None)
@given(order=st.permutations([0, 1, 2]), flips=st.tuples(*[st.booleans()] * 3))
def test_any_orientation_lands_on_the_same_voxels(tmp_path_factory, order, flips):
    volume = make_volume()
    affine = affine_of(volume)
    array = labels()
    change = np.eye(4)
    for k in range(3):
        if flips[k]:
            array = np.flip(array, k)
            change[k, k], change[k, 3] = -1, SHAPE[k] - 1
    affine = affine @ change
    array, affine = array.transpose(order), affine[:, [*order, 3]]
    path = write(tmp_path_factory.mktemp("mask") / "m.nii.gz", array, affine)
    out = labels_from_mask(volume, path)
    assert isinstance(out, MaskLabels)
    np.testing.assert_array_equal(out.label_map, labels())
    assert out.label_map.dtype == np.uint16


@pytest.mark.parametrize(("shift_mm", "is_kept"), [(0.09, True), (0.11, False)])
def test_grid_must_agree_to_a_tenth_of_a_millimetre(tmp_path, shift_mm, is_kept):
    affine = affine_of(make_volume())
    affine[0, 3] += shift_mm
    out = labels_from_mask(make_volume(), write(tmp_path / "m.nii", labels(), affine))
    assert isinstance(out, MaskLabels) is is_kept
    if isinstance(out, Rejection):
        assert out.reason is Reason.MASK_MISMATCH
        assert out.detail.startswith("the mask lies up to 0.1")


@pytest.mark.parametrize(("other_mm", "is_kept"), [(0.09, True), (0.11, False)])
@pytest.mark.parametrize("other", ["qform", "sform"])
def test_a_mask_that_gives_two_places_lies_on_the_scan_by_both(tmp_path, other, other_mm, is_kept):
    affine = affine_of(make_volume())
    image = nibabel.Nifti1Image(labels(), affine)
    image.set_qform(affine, 1)
    image.set_sform(affine, 1)
    moved = affine.copy()
    moved[0, 3] += other_mm
    getattr(image, f"set_{other}")(moved, 1)
    nibabel.save(image, tmp_path / "m.nii")
    out = labels_from_mask(make_volume(), tmp_path / "m.nii")
    assert isinstance(out, MaskLabels) is is_kept
    if isinstance(out, Rejection):
        assert out.reason is Reason.MASK_MISMATCH
        assert out.detail.endswith(f"by its {other}")


def test_another_shape_or_spacing_is_refused(tmp_path):
    affine = affine_of(make_volume())
    small = write(tmp_path / "small.nii", labels()[:6], affine)
    wide = write(tmp_path / "wide.nii", labels(), affine @ np.diag([1, 1, 1.1, 1]))
    for path in (small, wide):
        assert isinstance(labels_from_mask(make_volume(), path), Rejection)


def turned(degrees):
    """The volume's grid turned about the axis from head to feet, through its first voxel."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    affine = affine_of(make_volume())
    affine[:2, :3] = np.array([[c, -s], [s, c]]) @ affine[:2, :3]
    return affine


@pytest.mark.parametrize(
    "affine",
    [
        turned(1.0),
        affine_of(make_volume()) @ np.diag([-1, 1, 1, 1]),  # mirrored about the first slice
        np.where(np.arange(16).reshape(4, 4) == 3, np.nan, affine_of(make_volume())),
    ],
    ids=["turned", "mirrored", "not a number"],
)
def test_another_place_is_refused(tmp_path, affine):
    found = labels_from_mask(make_volume(), write(tmp_path / "m.nii", labels(), affine))
    assert isinstance(found, Rejection)
    assert found.reason is Reason.MASK_MISMATCH


def test_a_mask_that_does_not_say_where_it_lies_is_refused(tmp_path):
    header = nibabel.Nifti1Header()
    header["sform_code"] = 1  # and every row of it is zero
    nibabel.save(nibabel.Nifti1Image(labels(), None, header), tmp_path / "m.nii")
    assert isinstance(labels_from_mask(make_volume(), tmp_path / "m.nii"), Rejection)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (labels() * np.float32(0.5), "not whole"),
        (labels() * np.float32(0.0005), "not whole"),  # all would round to 0
        (-labels(), "outside"),
        (labels() * np.float64(1e300), "not whole"),
        (np.zeros((2, 2, 2, 2), np.int16), "4 dimensions"),
        (labels() * np.complex64(1 + 1j), "colours or complex numbers"),
        (np.zeros(SHAPE, [(c, "u1") for c in "RGB"]), "colours or complex numbers"),
        (np.zeros(SHAPE, [(c, "u1") for c in "RGBA"]), "colours or complex numbers"),
    ],
)
def test_what_is_no_label_map_is_one_clear_line(tmp_path, array, message):
    with pytest.raises(ScreeningError, match=message):
        labels_from_mask(make_volume(), write(tmp_path / "m.nii", array, affine_of(make_volume())))


@pytest.fixture
def written(tmp_path):
    """The bytes of a mask that fits."""
    return bytearray(write(tmp_path / "good.nii", labels(), affine_of(make_volume())).read_bytes())


def one_line(path, written, capfd):
    path.write_bytes(written)
    with pytest.raises(ScreeningError, match="cannot be read as NIfTI"):
        labels_from_mask(make_volume(), path)
    assert capfd.readouterr() == ("", "")  # the reader's own comments are no part of the answer


@pytest.mark.parametrize(
    ("at", "kind", "value"),
    [
        (40, "<h", -1),  # number of dimensions
        (70, "<h", 0),  # kind of the voxels
        (70, "<h", 9999),
        (108, "<f", 0.0),  # where they begin: in the header
        (108, "<f", np.inf),
        (108, "<f", 1e30),
        (108, "<f", -1e9),
    ],
)
def test_a_damaged_header_is_one_clear_line(tmp_path, written, capfd, at, kind, value):
    struct.pack_into(kind, written, at, value)
    one_line(tmp_path / "m.nii", written, capfd)


def test_a_damaged_or_shortened_file_is_one_clear_line(tmp_path, written, capfd):
    packed = bytearray(gzip.compress(written))
    one_line(tmp_path / "m.nii", written[:400], capfd)
    one_line(tmp_path / "m.nii.gz", packed[:-20], capfd)
    middle = len(packed) // 2
    for k in range(middle, middle + 8):
        packed[k] ^= 0xFF
    one_line(tmp_path / "m.nii.gz", packed, capfd)


@pytest.mark.parametrize("sizes", [(32767,) * 3, (-7, 10, 12), (0, 10, 12)])
def test_what_a_header_promises_is_not_read_where_the_scan_is_not_so_large(
    tmp_path, written, sizes
):
    struct.pack_into("<3h", written, 42, *sizes)
    for path, content in (("m.nii", written), ("m.nii.gz", gzip.compress(written))):
        (tmp_path / path).write_bytes(content)
        found = labels_from_mask(make_volume(), tmp_path / path)
        assert isinstance(found, Rejection)
        assert found.detail == f"the mask has {' x '.join(map(str, sizes))} voxels, the scan " + (
            " x ".join(map(str, SHAPE))
        )


def test_what_is_no_nifti_is_one_clear_line(tmp_path):
    path = tmp_path / "m.nii"
    path.write_bytes(b"nothing")
    for file in (path, tmp_path / "absent.nii"):
        with pytest.raises(ScreeningError, match="NIfTI") as caught:
            labels_from_mask(make_volume(), file)
        assert str(tmp_path) not in str(caught.value)
