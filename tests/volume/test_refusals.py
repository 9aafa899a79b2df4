"""What cannot be measured is refused with a closed reason, on both sides of every edge."""

import math

import numpy as np
import pytest

from screening.reasons import Reason, Room
from screening.records import Rejection, Volume
from screening.volume import load_volume


def refused(files, reason):
    result = load_volume("key", files)
    assert isinstance(result, Rejection), "expected a rejection"
    assert (result.room, result.key, result.reason) == (Room.VOLUME, "key", reason)
    assert "CANARY" not in result.detail
    return result.detail


def accepted(files):
    result = load_volume("key", files)
    assert isinstance(result, Volume), result
    return result


def setting(**elements):
    """An edit that sets elements of every slice; None removes one."""

    def edit(ds, index):
        for keyword, value in elements.items():
            if value is None:
                del ds[keyword]
            else:
                setattr(ds, keyword, value)

    return edit


def on_slice(number, edit):
    return lambda ds, index: edit(ds, index) if index == number else None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Modality": "PT"}, Reason.NOT_CT),
        ({"RescaleSlope": None}, Reason.NOT_HU),
        ({"RescaleIntercept": None}, Reason.NOT_HU),
        ({"RescaleSlope": "0"}, Reason.NOT_HU),
        ({"RescaleSlope": "-1"}, Reason.NOT_HU),
        ({"RescaleType": "US"}, Reason.NOT_HU),
        ({"PhotometricInterpretation": "MONOCHROME1"}, Reason.NOT_HU),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, Reason.NOT_HU),
        ({"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}, Reason.NOT_HU),
        ({"BitsAllocated": 32, "BitsStored": 32, "HighBit": 31}, Reason.DECODE_FAILED),
        ({"NumberOfFrames": 2}, Reason.DECODE_FAILED),
        ({"Rows": 8192}, Reason.DECODE_FAILED),
        ({"Rows": 17}, Reason.DECODE_FAILED),
        ({"ImagePositionPatient": None}, Reason.NOT_AXIAL),
        ({"PixelSpacing": None}, Reason.NOT_AXIAL),
        ({"PixelSpacing": [0, 0.7]}, Reason.NOT_AXIAL),
        ({"ImageOrientationPatient": [0, 1, 0, 0, 0, -1]}, Reason.NOT_AXIAL),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, Reason.NOT_AXIAL),
        ({"GantryDetectorTilt": "18.5"}, Reason.TILT_UNCORRECTED),
    ],
)
def test_kinds_that_are_refused(series, change, reason):
    def sagittal_positions(ds, index):
        setting(**change)(ds, index)
        if change.get("ImageOrientationPatient", [0])[0] == 0:
            ds.ImagePositionPatient = [index * 2.0, 0, 0]

    has_frame = "ImageOrientationPatient" in change
    refused(series(5, sagittal_positions if has_frame else setting(**change)), reason)


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}, "8-bit pixels"),
        ({"BitsStored": 8, "HighBit": 7, "RescaleSlope": "16"}, "8-bit pixels"),
        (
            {"PhotometricInterpretation": "MONOCHROME1"},
            "photometric interpretation is not MONOCHROME2",
        ),
        (
            {"PhotometricInterpretation": "PALETTE COLOR"},
            "photometric interpretation is not MONOCHROME2",
        ),
        (
            {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"},
            "more than one sample a pixel",
        ),
        ({"RescaleType": "US"}, "rescale type is not HU"),
        ({"RescaleType": "OD"}, "rescale type is not HU"),
        ({"RescaleType": "HU_MOD"}, "rescale type is not HU"),
    ],
)
def test_pixels_that_are_no_hu_say_what_is_wrong(series, change, detail):
    assert refused(series(5, setting(**change)), Reason.NOT_HU) == detail
    one_slice = on_slice(3, setting(**change))
    assert refused(series(5, one_slice), Reason.NOT_HU) == detail


ABSURD = "rescale slope or intercept is beyond any scanner's"
NARROW = "rescaled values cannot hold both water and calcium"


@pytest.mark.parametrize(
    ("slope", "intercept", "stored", "signed", "detail"),
    [
        ("1", "0", 16, 1, ""),
        ("10", "-10240", 12, 0, ""),  # the extended CT scale
        ("100", "0", 16, 1, ""),
        ("100.1", "0", 16, 1, ABSURD),
        ("1e300", "0", 16, 1, ABSURD),
        ("1", "-32768", 16, 0, ""),
        ("1", "32769", 16, 1, ABSURD),
        ("1", "-32769", 16, 0, ABSURD),
        ("1", "-1e300", 16, 1, ABSURD),
        ("1e-300", "0", 16, 1, NARROW),
        ("0.1", "-1024", 12, 0, NARROW),  # ends at -614.5
        ("1", "-3965", 12, 0, ""),  # ends at 130
        ("1", "-3966", 12, 0, NARROW),
        ("1", "0", 12, 0, ""),  # begins at 0
        ("1", "1", 12, 0, NARROW),
        ("1", "2048", 12, 1, ""),
        ("1", "2049", 12, 1, NARROW),
    ],
)
def test_a_scale_must_hold_water_and_calcium(series, slope, intercept, stored, signed, detail):
    files = series(
        5,
        setting(
            RescaleSlope=slope, RescaleIntercept=intercept, BitsStored=stored, HighBit=stored - 1,
            PixelRepresentation=signed,
        ),
    )  # fmt: skip
    if detail:
        assert refused(files, Reason.NOT_HU) == detail
    else:
        accepted(files)


@pytest.mark.parametrize(
    ("stored", "high", "fits"), [(12, 11, True), (12, 15, False), (16, 15, True)]
)
def test_the_high_bit_is_the_last_bit_stored(series, stored, high, fits):
    files = series(5, setting(BitsStored=stored, HighBit=high, PixelRepresentation=0))
    if fits:
        accepted(files)
    else:
        assert refused(files, Reason.DECODE_FAILED) == "high bit is not the last bit stored"


@pytest.mark.parametrize(
    ("numbers", "fits"),
    [
        ((1, 2, 3, 4, 5, 6), True),
        ((286, 285, 284, 200, 199, 198), True),  # from the feet, with a gap
        ((1, 4, 2, 5, 3, 6), False),  # two passes, one between the other's slices
        ((1, 2, 4, 3, 5, 6), False),
        ((6, 1, 5, 2, 4, 3), False),
        ((1, 1, 1, 1, 1, 1), True),  # all the same say nothing
        ((1, None, 3, 2, 5, 6), True),
    ],
)
def test_image_numbers_that_do_not_follow_the_slices(series, numbers, fits):
    def edit(ds, index):
        if numbers[index] is not None:
            ds.InstanceNumber = numbers[index]

    if fits:
        accepted(series(6, edit))
    else:
        refused(series(6, edit), Reason.SLICES_OUT_OF_ORDER)


def at_z(*z_mm):
    """Slices at these heights, in the order of their files."""

    def edit(ds, index):
        ds.ImagePositionPatient = [-10, -20, z_mm[index]]

    return edit


@pytest.mark.parametrize(
    ("z_mm", "reason"),
    [
        ((0, -2, -4, -2.7, -6, -8), Reason.UNEVEN_SLICES),  # one step back
        ((0, -2, -4, -3.4, -5.4, -7.4), Reason.UNEVEN_SLICES),  # a second pass, overlapping
        ((0, -2, -4, -4, -2, 0), Reason.CONFLICTING_SLICES),  # there and back again
        ((0, -2, -4, -2, -4, -6), Reason.CONFLICTING_SLICES),  # two passes that overlap
        ((-4, -4, -4, -4), Reason.TOO_FEW_SLICES),  # a cine loop: the table stood still
    ],
)
def test_heights_that_go_to_and_fro(series, z_mm, reason):
    refused(series(len(z_mm), at_z(*z_mm)), reason)


def test_files_in_any_order_of_heights_are_no_fault(series):
    volume = accepted(series(6, at_z(-6, 0, -10, -2, -8, -4)))
    assert volume.origins_lps_mm[:, 2].tolist() == [0, -2, -4, -6, -8, -10]


def test_no_rescale_type_means_hu(series):
    accepted(series(4, setting(RescaleType=None)))
    accepted(series(4, setting(GantryDetectorTilt="0.9")))


def test_multi_frame_says_so(series):
    assert refused(series(3, setting(NumberOfFrames=2)), Reason.DECODE_FAILED) == "multi-frame"


def test_one_other_modality_is_enough(series):
    edit = on_slice(3, setting(Modality="SR"))
    assert refused(series(5, edit), Reason.NOT_CT) == "1 of 5 files are not CT"


def leaning(degrees, along_normal):
    """Slices turned about the left-right axis; positions along the normal, or straight down."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))

    def edit(ds, index):
        ds.ImageOrientationPatient = [1, 0, 0, 0, c, -s]
        step = np.array([0, -s, -c] if along_normal else [0, 0, -1])
        ds.ImagePositionPatient = [round(float(v), 6) for v in index * 2.0 * step]

    return edit


def test_axial_up_to_the_tolerance(series):
    accepted(series(6, leaning(9.9, along_normal=True)))
    refused(series(6, leaning(10.1, along_normal=True)), Reason.NOT_AXIAL)


def test_tilt_up_to_the_tolerance(series):
    accepted(series(6, leaning(0.9, along_normal=False)))
    refused(series(6, leaning(1.1, along_normal=False)), Reason.TILT_UNCORRECTED)
    detail = refused(series(6, leaning(18.5, along_normal=False)), Reason.TILT_UNCORRECTED)
    assert detail == "stack leans by 18.5 degrees"


def test_near_axial_is_axial(series):
    accepted(series(6, setting(ImageOrientationPatient=[0.99995, 0.01, 0, -0.01, 0.99995, 0])))


@pytest.mark.parametrize(
    "change",
    [
        {"PixelSpacing": [0.5, 0.76]},
        {"ImageOrientationPatient": [0.999, 0.0447, 0, -0.0447, 0.999, 0]},
        {"Rows": 12},
    ],
)
def test_one_slice_of_another_geometry(series, change, put_pixels):
    def other(ds, index):
        setting(**change)(ds, index)
        if "Rows" in change:
            put_pixels(ds, np.zeros((12, 24), dtype="<i2"))

    refused(series(6, on_slice(2, other)), Reason.MIXED_GEOMETRY)


def test_spacing_noise_is_no_difference(series):
    accepted(series(6, on_slice(2, setting(PixelSpacing=[0.5002, 0.7501]))))


@pytest.mark.parametrize(("beside_mm", "is_refused"), [(0.4, False), (0.6, True)])
def test_a_slice_beside_the_stack(series, beside_mm, is_refused):
    edit = on_slice(2, setting(ImagePositionPatient=[-10 + beside_mm, -20, -4]))
    files = series(6, edit)
    if is_refused:
        refused(files, Reason.MIXED_GEOMETRY)
    else:
        accepted(files)


def test_contradicting_slices(series, put_pixels, values_of):
    files = series(6)
    other = values_of(2)
    other[7, 7] += 1

    def changed(ds, index):
        put_pixels(ds, other)

    refused([*files, series(6, on_slice(2, changed))[2]], Reason.CONFLICTING_SLICES)


def test_too_few_slices(series):
    accepted(series(2))
    refused(series(1), Reason.TOO_FEW_SLICES)
    refused(series(1) * 3, Reason.TOO_FEW_SLICES)
    refused([], Reason.TOO_FEW_SLICES)


@pytest.mark.parametrize(
    ("shift", "reason"), [(0.04, None), (0.06, Reason.UNEVEN_SLICES)], ids=["even", "uneven"]
)
def test_evenness_is_relative(series, shift, reason):
    for increment_mm in (0.625, 5.0):

        def moved(ds, index, increment_mm=increment_mm):
            ds.ImagePositionPatient = [-10, -20, round(-(index + shift) * increment_mm, 6)]

        files = series(21, on_slice(10, moved), increment_mm=increment_mm)
        if reason is None:
            accepted(files)
        else:
            refused(files, reason)


def test_float_noise_is_no_gap(series):
    def noisy(ds, index):
        ds.ImagePositionPatient = [-10, -20, f"{-index * 0.7 + 1e-13:.12g}"]

    assert accepted(series(30, noisy)).flags == ()


def test_a_zone_of_other_spacing_is_uneven(series):
    def two_zones(ds, index):
        ds.ImagePositionPatient = [-10, -20, -index * 3.0 if index < 6 else -15 - (index - 5) * 5.0]

    refused(series(12, two_zones), Reason.UNEVEN_SLICES)


def test_holes_must_be_few(series):
    files = series(9)
    accepted([files[i] for i in (0, 1, 2, 4)])
    refused([files[i] for i in (0, 1, 3, 5, 6, 8)], Reason.UNEVEN_SLICES)
