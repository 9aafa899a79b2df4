"""What a user of the room sees: a volume that says where every voxel is, in HU."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

from screening.records import AIR_HU, PADDING_HU, Volume
from screening.volume import load_volume


def loaded(files):
    result = load_volume("key", files)
    assert isinstance(result, Volume), result
    return result


def test_a_plain_series_in_any_order(series, values_of):
    files = series(8)
    volume = loaded(files[::-1])
    assert volume.series_key == "key"
    assert volume.hu.dtype == np.int16
    expected = np.stack([values_of(i) for i in range(8)])
    np.testing.assert_array_equal(volume.hu, expected)
    np.testing.assert_allclose(volume.origins_lps_mm[:, 2], -2.0 * np.arange(8))
    np.testing.assert_allclose(volume.increments_mm, np.full(8, 2.0))
    assert volume.spacing_mm == (0.5, 0.75)
    assert volume.flags == ()
    acquisition = volume.acquisition
    assert (acquisition.kvp, acquisition.slice_thickness_mm) == (120.0, 3.0)
    assert (acquisition.kernel, acquisition.manufacturer) == ("B30f", "MAKER")
    assert not acquisition.is_gated
    assert not acquisition.has_contrast_tag


def test_rows_grow_along_the_row_axis(series):
    volume = loaded(series(4))
    first, down, right = volume.lps_mm(np.array([[0, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=float))
    np.testing.assert_allclose(first, [-10, -20, 0])
    np.testing.assert_allclose(down - first, [0, 0.5, 0])
    np.testing.assert_allclose(right - first, [0.75, 0, 0])


def test_a_prone_scan_is_not_flipped(series, values_of):
    def prone(ds, index):
        ds.ImageOrientationPatient = [-1, 0, 0, 0, -1, 0]

    volume = loaded(series(5, prone))
    np.testing.assert_array_equal(volume.hu[0], values_of(0))
    np.testing.assert_allclose(volume.column_axis_lps, [-1, 0, 0])
    np.testing.assert_allclose(volume.row_axis_lps, [0, -1, 0])
    assert volume.origins_lps_mm[0, 2] > volume.origins_lps_mm[-1, 2]


def test_a_frame_that_looks_down_still_runs_from_head_to_feet(series):
    def mirrored(ds, index):
        ds.ImageOrientationPatient = [1, 0, 0, 0, -1, 0]

    volume = loaded(series(5, mirrored))
    np.testing.assert_allclose(volume.origins_lps_mm[:, 2], -2.0 * np.arange(5))


def test_the_digest_knows_images_not_names(series, put_pixels, values_of):
    def renamed(ds, index):
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        ds.SeriesInstanceUID = generate_uid()
        ds.PatientID = "other"

    def repainted(ds, index):
        values = values_of(index)
        values[0, 0] += index == 3
        put_pixels(ds, values)

    def shifted(ds, index):
        ds.ImagePositionPatient = [-10, -20, -index * 2.0 + 1]

    plain = loaded(series(6)).image_digest
    assert loaded(series(6, renamed)[::-1]).image_digest == plain
    assert loaded(series(6, repainted)).image_digest != plain
    assert loaded(series(6, shifted)).image_digest != plain


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(order=st.permutations(range(6)))
def test_the_order_of_files_changes_nothing(series, order):
    files = series(6)
    volume = loaded([files[i] for i in order])
    assert volume.image_digest == loaded(files).image_digest
    np.testing.assert_array_equal(volume.hu, loaded(files).hu)


def test_each_slice_has_its_own_rescale(series, put_pixels):
    def shifted(ds, index):
        ds.RescaleIntercept = str(-1000 - index)
        put_pixels(ds, np.full((16, 24), 1100 + index, dtype="<i2"))

    assert np.unique(loaded(series(5, shifted)).hu).tolist() == [100]


@pytest.mark.parametrize(
    ("slope", "intercept", "stored", "hu", "fraction"),
    [
        ("0.5", "0", 259, 129, 0.5),  # 129.5 is below 130, and stays below
        ("0.5", "0", 260, 130, 0),
        ("0.5", "0", 261, 130, 0.5),
        ("0.1", "-1024", 11540, 130, 0),  # 129.99999999999997 in floating point
        ("0.1", "-1024", 11539, 129, 0.9),
        ("0.5", "0", -259, -130, 0.5),
        ("0.005", "129.99501", 1, 130, 0.00001),  # never nothing where there is something
        ("2", "-1024", 600, 176, None),
    ],
)
def test_fractional_hu_cross_no_threshold(
    series, put_pixels, slope, intercept, stored, hu, fraction
):
    def rescaled(ds, index):
        ds.RescaleSlope, ds.RescaleIntercept = slope, intercept
        put_pixels(ds, np.full((16, 24), stored, dtype="<i2"))

    found = loaded(series(3, rescaled))
    assert np.unique(found.hu).tolist() == [hu]
    if fraction is None:
        assert found.fraction is None
    else:
        rest = np.unique(found.fraction)
        assert rest / 65536 == pytest.approx([fraction], abs=1 / 65536)
        assert (rest > 0) == (fraction > 0)
    is_whole = float(slope).is_integer() and float(intercept).is_integer()
    assert found.flags == (() if is_whole else ("fractional_hu",))


@pytest.mark.parametrize(
    ("stored", "hu"),
    [
        (-3024, PADDING_HU),
        (-1501, PADDING_HU),
        (-1500, AIR_HU),
        (-1025, AIR_HU),
        (-1024, AIR_HU),
        (-1023, -1023),
        (32767, 32767),
    ],
)
def test_what_lies_outside_the_field(series, put_pixels, stored, hu):
    def filled(ds, index):
        put_pixels(ds, np.full((16, 24), stored, dtype="<i2"))

    assert np.unique(loaded(series(3, filled)).hu).tolist() == [hu]


def test_padding_by_value_and_by_range(series, put_pixels):
    values = np.full((16, 24), 50, dtype="<i2")
    values[0, :4] = [-1000, -990, -980, -970]

    def by_value(ds, index):
        ds.PixelPaddingValue = -1000
        put_pixels(ds, values)

    def by_range(ds, index):
        by_value(ds, index)
        ds.add_new(0x00280121, "SS", -980)

    assert loaded(series(3, by_value)).hu[0, 0, :4].tolist() == [PADDING_HU, -990, -980, -970]
    outside = [PADDING_HU] * 3
    assert loaded(series(3, by_range)).hu[0, 0, :4].tolist() == [*outside, -970]


def test_padding_that_names_tissue_erases_nothing(series, put_pixels):
    def tissue(ds, index):
        ds.PixelPaddingValue = 40
        put_pixels(ds, np.full((16, 24), 40, dtype="<i2"))

    assert np.unique(loaded(series(3, tissue)).hu).tolist() == [40]


@pytest.mark.parametrize(("pattern", "hu"), [(0x0FFF, -1), (0xF001, 1), (0x0801, -2047)])
def test_bits_above_those_stored_do_not_count(series, put_pixels, pattern, hu):
    def twelve_bits(ds, index):
        ds.BitsStored, ds.HighBit = 12, 11
        ds.RescaleIntercept = "1100"  # keeps the values away from the padding rule
        put_pixels(ds, np.full((16, 24), pattern, dtype="<u2"))

    assert np.unique(loaded(series(3, twelve_bits)).hu).tolist() == [max(hu + 1100, AIR_HU)]


def test_identical_copies_are_dropped(series):
    files = series(6)
    volume = loaded([*files, files[2], files[2], files[5]])
    assert len(volume.hu) == 6
    assert volume.image_digest == loaded(files).image_digest


def test_a_missing_slice_stays_a_hole(series):
    files = series(10)
    volume = loaded(files[:4] + files[5:])
    assert volume.flags == ("missing_slice",)
    np.testing.assert_allclose(volume.increments_mm, np.full(9, 2.0))
    gaps = -np.diff(volume.origins_lps_mm[:, 2])
    assert gaps[3] == pytest.approx(4.0)


def test_thick_increments_are_measured(series):
    assert loaded(series(5, increment_mm=8.0)).increment_mm == pytest.approx(8.0)


def test_gating_contrast_and_median_exposure_are_noted(series):
    def noted(ds, index):
        ds.CardiacSynchronizationTechnique = "PROSPECTIVE"
        ds.ContrastBolusAgent = "APPLIED"
        ds.Exposure = str(100 + index)

    acquisition = loaded(series(5, noted)).acquisition
    assert acquisition.is_gated
    assert acquisition.has_contrast_tag
    assert acquisition.exposure_mas == 102.0


def test_most_slices_must_be_gated_and_one_with_an_agents_volume_is_enough(series):
    def gated(n):
        def edit(ds, index):
            if index < n:
                ds.TriggerTime = "250"
            if index == 0:
                ds.ContrastBolusVolume = "80"

        return loaded(series(6, edit)).acquisition

    assert [gated(n).is_gated for n in (1, 3, 4)] == [False, False, True]
    assert gated(0).has_contrast_tag


@pytest.mark.parametrize(("slope", "is_coarse"), [("2", False), ("2.5", True)])
def test_coarse_pixel_values_are_flagged(series, slope, is_coarse):
    def stepped(ds, index):
        ds.RescaleSlope = slope

    assert ("coarse_hu" in loaded(series(4, stepped)).flags) is is_coarse


@pytest.mark.parametrize("word", ["", "NONE", "no", "Without contrast"])
def test_words_for_no_contrast(series, word):
    def written(ds, index):
        ds.ContrastBolusAgent = word
        ds.CardiacSynchronizationTechnique = "NONE"

    acquisition = loaded(series(3, written)).acquisition
    assert not acquisition.has_contrast_tag
    assert not acquisition.is_gated


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize(
    ("creator", "group", "element", "vr", "value", "expected"),
    [
        ("GEHC_CT_ADVAPP_001", 0x0053, 0x40, "SH", "ASiR-V 40%", "iterative"),
        ("GEHC_CT_ADVAPP_001", 0x0053, 0x42, "LO", "DLIR-H", "deep_learning"),
        ("ELSCINT1", 0x01F7, 0x9B, "IS", "4", "iterative"),
        ("TOSHIBA_MEC_CT3", 0x7005, 0x0B, "SH", "AiCE Body", "deep_learning"),
        ("ANOTHER MAKER", 0x0053, 0x40, "SH", "ASiR-V 40%", "unknown"),
    ],
)
def test_what_the_maker_says_of_the_reconstruction(
    series, syntax, creator, group, element, vr, value, expected
):
    def says(ds, _):
        ds.private_block(group, creator, create=True).add_new(element, vr, value)

    volume = load_volume("s1", series(8, says, syntax=syntax))
    assert volume.acquisition.reconstruction == expected


@pytest.mark.parametrize(
    ("image_type", "is_derived"),
    [
        (["ORIGINAL", "PRIMARY", "AXIAL"], False),
        (["ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 SPI"], False),
        (["ORIGINAL", "PRIMARY", "SHIPPED"], False),
        ([], False),
        (["DERIVED", "PRIMARY", "AXIAL"], True),
        (["ORIGINAL", "PRIMARY", "CT_SOM5 MPR"], True),
        (["ORIGINAL", "PRIMARY", "AVERAGE"], True),
        (["ORIGINAL", "PRIMARY", "MIP"], True),
        (["ORIGINAL", "PRIMARY", "MINIP"], True),
        (["ORIGINAL", "PRIMARY", "MONO_E"], True),
        (["ORIGINAL", "PRIMARY", "MONOENERGETIC"], True),
        (["ORIGINAL", "PRIMARY", "VNC"], True),
        (["ORIGINAL", "PRIMARY", "VIRTUAL_UNENH"], True),
        (["ORIGINAL", "PRIMARY", "IODINE"], True),
    ],
)
def test_images_computed_from_others_are_flagged(series, image_type, is_derived):
    def typed(ds, index):
        ds.ImageType = image_type

    assert loaded(series(3, typed)).flags == (("derived_image",) if is_derived else ())


@pytest.mark.parametrize(
    ("elements", "is_mixed"),
    [
        ({"KVP": "121"}, False),
        ({"KVP": "121.1"}, True),
        ({"KVP": "100"}, True),
        ({"KVP": ""}, False),  # not told is not another
        ({"SliceThickness": "3.05"}, False),
        ({"SliceThickness": "3.06"}, True),
        ({"ConvolutionKernel": "b30F"}, False),
        ({"ConvolutionKernel": ""}, False),
        ({"ConvolutionKernel": "B70f"}, True),
        ({"ConvolutionKernel": ["B30f", "3"]}, True),
    ],
)
def test_slices_of_two_protocols_are_flagged(series, elements, is_mixed):
    def last_differs(ds, index):
        if index == 3:
            for keyword, value in elements.items():
                setattr(ds, keyword, value)

    assert loaded(series(4, last_differs)).flags == (("mixed_protocol",) if is_mixed else ())


@pytest.mark.parametrize(
    ("kvps", "kvp"),
    [
        (("120", "120", "", "120"), 120.0),
        (("120", "121", "120", "121"), 120.5),
        (("100", "100", "120", "120"), None),  # 110 fits no slice
        (("120", "100", "120", "120"), None),
        (("", "100", "120", ""), None),
    ],
)
def test_slices_of_other_voltages_have_none_together(series, kvps, kvp):
    def tell(ds, index):
        ds.KVP = kvps[index]

    assert loaded(series(4, tell)).acquisition.kvp == kvp


@pytest.mark.parametrize(
    ("elements", "has_tin"),
    [
        ({}, False),
        ({"FilterType": "0"}, False),
        ({"FilterType": "FLAT", "FilterMaterial": "ALUMINUM"}, False),
        ({"FilterMaterial": "SNOW"}, False),  # a word, not letters within one
        ({"FilterMaterial": "TIN"}, True),
        ({"FilterMaterial": ["ALUMINUM", "TIN"]}, True),
        ({"FilterType": "Sn"}, True),
        ({"FilterType": "Sn100"}, True),
        ({"FilterMaterial": "SN150"}, True),
        ({"FilterType": "SNOWFLAKE"}, False),
        ({"FilterType": "TIN_0.6"}, True),
        ({"FilterType": "Stannum filter"}, True),
    ],
)
def test_a_tin_filter_is_read(series, elements, has_tin):
    def filtered(ds, index):
        for keyword, value in elements.items():
            setattr(ds, keyword, value)

    assert loaded(series(3, filtered)).acquisition.has_tin_filter is has_tin
