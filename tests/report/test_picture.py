"""What a reader gets to see."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from ct_series import BLOCK, write_series
from ct_series import SHAPE as SMALL
from PIL import Image, ImageChops, ImageDraw

from screening import volume as volumes
from screening.measures import Beside, Intervals
from screening.records import (
    Acquisition,
    BloodPool,
    CalciumScore,
    Certainty,
    Label,
    Labelled,
    Lesion,
    ModelIdentity,
    Quality,
    ScoringParameters,
    VesselScores,
    Volume,
)
from screening.report import MAX_BYTES, picture, render_picture
from screening.report.crop import BONE_FROM_MM3, Crop, crop_heart, slices_to_show, without_bone
from screening.report.panels import CORONARY_COLOURS, OTHER_COLOURS, Place, Window, plane_panel
from screening.report.picture import GAP, HEADER, HEIGHT, SIDE, WIDTH, _caption, _projected_label

SHAPE = (30, 128, 128)
BOX = (5, 25, 30, 100, 30, 100)
CALCIUM = ((10, 50, 60, Label.LAD), (15, 70, 40, Label.RCA), (20, 60, 80, Label.LCX))


def scan(deposits=CALCIUM, noise_hu=20.0, box=BOX, flip=(1, 1)):
    rng = np.random.default_rng(3)
    hu = rng.normal(40, noise_hu, SHAPE).clip(-1024, 3000).astype(np.int16)
    hu[:, :8] = -2048
    labels = np.zeros(SHAPE, dtype=np.uint8)
    for k, i, j, label in deposits:
        hu[k : k + 2, i : i + 3, j : j + 4], labels[k : k + 2, i : i + 3, j : j + 4] = 500, label
    hu, labels = (a[:, :: flip[0], :: flip[1]] for a in (hu, labels))
    index = np.flatnonzero(labels).astype(np.int64)
    n = SHAPE[0]
    volume = Volume(
        series_key="key-that-must-not-show",
        hu=hu,
        spacing_mm=(1.0, 1.0),
        origins_lps_mm=np.stack([np.zeros(n), np.zeros(n), -2.5 * np.arange(n)], axis=1),
        row_axis_lps=np.array([0.0, flip[0], 0.0]),
        column_axis_lps=np.array([flip[1], 0.0, 0.0]),
        increments_mm=np.full(n, 2.5),
        acquisition=Acquisition(120.0, 2.5, "B35f", "", "", None, False, ""),
        image_digest="",
    )
    labelled = Labelled(
        index=index,
        label=labels.ravel()[index],
        probability=np.full(len(index), 0.9, dtype=np.float32),
        heart_box=box,
        is_heart_cut=False,
        blood_pool=BloodPool(42.0, noise_hu, 1000),
        model=ModelIdentity("hand", "", ""),
    )
    lesions = tuple(
        Lesion(
            Label(label).name,
            0.9,
            40.0 - k,
            60.0,
            500,
            (0.0, 0.0, 0.0),
            (k, k + 1),
            9.0,
            250.0,
            2.0,
        )
        for k, _, _, label in deposits
        if label <= Label.RCA
    )
    total = sum(lesion.agatston for lesion in lesions)
    score = CalciumScore(
        agatston=total,
        volume_mm3=60.0 * len(lesions),
        mass_mg=9.0 * len(lesions),
        category="(0,100)" if total else "0",
        vessels=VesselScores(0.0, 0.0, 0.0, 0.0),
        vessel_measures=None,
        other=(),
        other_measures=(),
        lesions=lesions,
        certainty=Certainty(0.0, 2 * total, 0.9),
        intervals=Intervals((0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (0.0, 0.0), "default", 0.77, 0.15),
        beside=Beside(
            len(lesions), len(lesions), None, 0.0, 0.0, None, None, "unknown", "0", "A0/N0"
        ),
        quality=Quality(noise_hu, "A", ()),
        parameters=ScoringParameters(),
    )
    return volume, labelled, score


def chunks(png):
    """Chunk names of a PNG."""
    names, at = set(), 8
    while at < len(png):
        names.add(png[at + 4 : at + 8])
        at += 12 + int.from_bytes(png[at : at + 4], "big")
    return names


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"deposits": ()},
        {"deposits": CALCIUM[:1]},
        {"deposits": tuple((k, 40 + 2 * k, 60, 1 + k % 4) for k in range(5, 25, 2))},
        {"deposits": ((10, 50, 60, Label.AORTA), (12, 50, 60, Label.METAL))},
        {"noise_hu": 120.0},
        {"noise_hu": 2000.0},
        {"box": (10, 11, 60, 61, 60, 61)},  # coronary calcium outside the box is shown too
        {"box": (0, 30, 0, 128, 0, 128)},
        {"flip": (-1, -1)},
    ],
)
def test_a_picture_is_small_whole_and_without_metadata(settings):
    volume, labelled, score = scan(**settings)
    png = render_picture(volume, labelled, score)
    assert len(png) <= MAX_BYTES
    assert chunks(png) <= {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
    assert b"key-that-must-not-show" not in png
    image = Image.open(BytesIO(png))
    image.load()
    assert not image.info
    assert image.size[0] > image.size[1]
    assert png == render_picture(volume, labelled, score)


def test_long_flags_and_unnamed_vessels_fit():
    volume, labelled, score = scan()
    flags = tuple(f"flag_number_{n}" for n in range(40))
    score = replace(score, vessels=None, quality=Quality(None, "D", flags))
    assert len(render_picture(volume, labelled, score)) <= MAX_BYTES


@pytest.mark.parametrize(
    ("agatston", "category", "flags", "title", "told"),
    [
        (250.0, "[100,300)", ("heart_incomplete",), "at least 250", "or a higher one"),
        (1566.0, "[1000,inf)", ("heart_incomplete",), "at least 1,566", ""),
        (250.0, "[100,300)", ("clips_present",), "250", "too high or too low"),
        (250.0, "[100,300)", ("heart_incomplete", "stent_possible"), "250", "too high or too low"),
        (250.0, "[100,300)", ("noise_very_high",), "250", "may be too high"),
        (250.0, "[100,300)", ("motion",), "250", ""),
    ],
)
def test_the_head_says_what_is_open_about_the_score(
    agatston, category, flags, title, told, monkeypatch
):
    written = []
    monkeypatch.setattr(picture, "_write", lambda _, at, text, *more, **so: written.append(text))
    score = replace(
        scan()[2], agatston=agatston, category=category, quality=Quality(20.0, "C", flags),
        certainty=Certainty(200.0, None, None),
    )  # fmt: skip
    picture._header(ImageDraw.Draw(Image.new("RGB", (WIDTH, HEADER))), score)
    assert written[0] == f"Agatston {title}"
    assert written[1].endswith(told)
    assert (" or a higher one" in written[1]) is (told == "or a higher one")
    (arteries,) = (text for text in written if "LAD" in text)
    assert arteries.startswith("seen: ") is title.startswith("at least")
    ends = "cannot be said" if told == "too high or too low" else "200 and more"
    assert f"95 %: {ends}     " in arteries


def test_the_view_is_the_same_whichever_way_the_rows_and_columns_run():
    one = crop_heart(*scan()[:2], ScoringParameters())
    volume, labelled, _ = scan(flip=(-1, -1))
    turned = (*BOX[:2], 128 - BOX[3], 128 - BOX[2], 128 - BOX[5], 128 - BOX[4])
    two = crop_heart(volume, replace(labelled, heart_box=turned), ScoringParameters())
    assert one.heart_rows == two.heart_rows
    np.testing.assert_array_equal(one.hu, two.hu)
    np.testing.assert_array_equal(one.label, two.label)


def test_the_slices_of_the_largest_lesions_come_first():
    volume, labelled, score = scan()
    crop = crop_heart(volume, labelled, score.parameters)
    main, context = slices_to_show(crop, score, 6)
    assert [crop.first_slice + k for k in main] == [10, 15, 20]
    assert len(context) == 3
    assert not set(main) & set(context)
    assert slices_to_show(crop, score, 2) == (main[:2], [])
    thin = replace(crop, hu=crop.hu[:1], label=crop.label[:1])
    assert slices_to_show(thin, replace(score, lesions=()), 6) == ([], [0])


def test_the_outline_is_coloured_and_leaves_the_calcium_visible():
    hu, label = np.full((40, 40), 40, dtype=np.int16), np.zeros((40, 40), dtype=np.uint8)
    hu[20:23, 20:23], label[20:23, 20:23] = 600, Label.LCX
    place = Place((21.0, 21.0), 0.1)
    panel = np.asarray(plane_panel(hu, label, (1.0, 1.0), (200, 200), place, Window(40.0, 400.0)))
    is_outline = (panel == CORONARY_COLOURS[Label.LCX]).all(axis=2)
    assert is_outline.sum() > 80
    assert (panel[90:110, 90:110] == 255).all()  # 2 x 2 mm in the middle of the calcium: white
    assert (panel[:10, :10] == panel[0, 0]).all()


def test_a_panel_keeps_the_proportions_of_the_body():
    hu = np.full((60, 60), -1000, dtype=np.int16)
    hu[20:40, 25:35] = 400  # 20 rows of 1 mm, 10 columns of 2 mm: a square of 20 mm
    place = Place((29.5, 29.5), 0.5)
    panel = plane_panel(
        hu, np.zeros_like(hu, dtype=np.uint8), (1.0, 2.0), (160, 160), place, Window(0, 400)
    )
    white = np.asarray(panel)[:, :, 0] > 128
    rows, columns = (np.flatnonzero(white.any(axis=axis)) for axis in (1, 0))
    assert len(rows) == pytest.approx(40, abs=2)
    assert len(columns) == pytest.approx(40, abs=2)


def test_averaged_slices_are_called_by_the_scanners_numbers():
    volume, labelled, score = scan()
    plain = render_picture(volume, labelled, score)
    of_three = tuple((3 * k, 3 * k + 2) for k in range(len(volume.hu)))
    averaged = render_picture(volume, labelled, score, native=of_three)
    assert plain != averaged
    crop = crop_heart(volume, labelled, ScoringParameters())
    assert _caption(crop, 0, None).startswith("slice 5: ")
    assert _caption(crop, 0, of_three).startswith("slice 15-17: ")


def opened(png):
    return Image.open(BytesIO(png)).convert("RGB")


def test_the_key_is_written_small_at_the_foot_and_nowhere_else():
    """Two saved pictures of equal looks can be told apart, by a random key alone."""
    volume, labelled, score = scan()
    one, two = (
        opened(render_picture(replace(volume, series_key=key), labelled, score))
        for key in ("s_AAAAAAAAAAAAAAAA", "s_BBBBBBBBBBBBBBBB")
    )
    left, top, right, bottom = ImageChops.difference(one, two).getbbox()
    assert top > HEIGHT - 40
    assert left > WIDTH / 2
    assert right > WIDTH - 3 * GAP
    assert bottom - top < 14


def test_no_identity_is_in_a_picture(tmp_path):
    """Whoever the headers name, whenever they say it was: the picture is the same to the byte."""

    def picture(folder, **identity):
        files = [f.read_bytes() for f in sorted(write_series(folder, **identity).iterdir())]
        loaded = volumes.load_volume("s_key", files)
        labels = np.zeros(SMALL, dtype=np.uint8)
        labels[BLOCK] = Label.LAD
        index = np.flatnonzero(labels).astype(np.int64)
        _, labelled, score = scan(CALCIUM[:1])
        drawn = replace(
            labelled,
            index=index,
            label=labels.ravel()[index],
            probability=np.ones(len(index), dtype=np.float32),
            heart_box=(0, SMALL[0], 0, SMALL[1], 0, SMALL[2]),
        )
        lesion = replace(score.lesions[0], slices=(3, 4))
        return render_picture(loaded, drawn, replace(score, lesions=(lesion,)))

    one = picture(tmp_path / "a")
    two = picture(
        tmp_path / "b",
        PatientName="Another^Person",
        PatientID="4711",
        PatientBirthDate="19510203",
        StudyDate="20240506",
        AcquisitionDate="20240506",
        AccessionNumber="A1",
        InstitutionName="St. Elsewhere",
        SeriesDescription="somebody",
    )
    assert one == two


@pytest.mark.parametrize("noise_hu", [15.0, 60.0])
def test_many_lesions_on_a_noisy_large_scan_fit(noise_hu):
    rng = np.random.default_rng(4)
    volume, labelled, score = scan()
    shape = (60, 512, 512)
    hu = rng.normal(40, noise_hu, shape).clip(-1024, 3000).astype(np.int16)
    label = np.zeros(shape, dtype=np.uint8)
    for k, i, j in rng.integers((0, 60, 60), (58, 440, 440), (400, 3)):
        hu[k : k + 2, i : i + 9, j : j + 9] += 500
        label[k : k + 2, i : i + 9, j : j + 9] = 1 + (k + i + j) % 8
    index = np.flatnonzero(label).astype(np.int64)
    origins = np.stack([np.zeros(60), np.zeros(60), -2.5 * np.arange(60)], axis=1)
    volume = replace(
        volume, hu=hu, spacing_mm=(0.7, 0.7), origins_lps_mm=origins,
        increments_mm=np.full(60, 2.5),
    )  # fmt: skip
    labelled = replace(
        labelled,
        index=index,
        label=label.ravel()[index],
        probability=np.ones(len(index), dtype=np.float32),
        heart_box=(0, 60, 50, 450, 50, 450),
    )
    png = render_picture(volume, labelled, score)
    assert len(png) <= MAX_BYTES
    assert opened(png).size[0] > 0.5 * WIDTH  # still to be read


def test_a_cube_is_a_square_from_the_front_and_from_the_feet():
    """Slices 3 mm apart, pixels 0.6 x 0.9 mm: only with all three is 24 mm as long each way."""
    volume, labelled, score = scan(())
    hu, label = np.full(SHAPE, 40, dtype=np.int16), np.zeros(SHAPE, dtype=np.uint8)
    cube = (slice(10, 18), slice(40, 80), slice(50, 77))  # 8 x 3, 40 x 0.6, 27 x 0.9 mm
    hu[cube], label[cube] = 500, Label.LAD
    index = np.flatnonzero(label).astype(np.int64)
    origins = np.stack([np.zeros(30), np.zeros(30), -3.0 * np.arange(30)], axis=1)
    volume = replace(
        volume, hu=hu, spacing_mm=(0.6, 0.9), origins_lps_mm=origins, increments_mm=np.full(30, 3.0)
    )
    labelled = replace(
        labelled,
        index=index,
        label=label.ravel()[index],
        probability=np.ones(len(index), dtype=np.float32),
        heart_box=(0, 30, 20, 110, 20, 110),
    )
    lesion = Lesion("LAD", 0.9, 50.0, 60.0, 500, (0.0, 0.0, 0.0), (10, 17), 9.0, 300.0, 2.0)
    page = np.asarray(opened(render_picture(volume, labelled, replace(score, lesions=(lesion,)))))
    is_lad = (page == CORONARY_COLOURS[Label.LAD]).all(axis=2)[:, WIDTH - GAP - SIDE :]
    middle = (HEADER + (HEIGHT - 62)) // 2
    for panel in (is_lad[HEADER:middle], is_lad[middle : HEIGHT - 62]):
        # The longest straight runs of the outline: its sides, whatever the name beside it does.
        width = max(panel.sum(axis=1))
        height = max(panel.sum(axis=0))
        assert height > 40
        assert width == pytest.approx(height, rel=0.06)


@pytest.mark.parametrize(
    ("label", "is_outlined"),
    [
        (Label.AORTIC_VALVE, True),
        (Label.MITRAL_ANNULUS, True),
        (Label.METAL, True),
        (Label.AORTA, False),
        (Label.PERICARDIUM, False),
    ],
)
def test_a_projection_outlines_valves_and_metal_so_that_they_do_not_look_missed(label, is_outlined):
    page = np.asarray(opened(render_picture(*scan((*CALCIUM, (12, 55, 60, label))))))
    side = page[HEADER : HEIGHT - 62, WIDTH - GAP - SIDE :]
    assert ((side == OTHER_COLOURS[label]).all(axis=2).sum() > 20) == is_outlined


def test_in_a_projection_the_arteries_lie_on_top():
    label = np.zeros((3, 2, 2), dtype=np.uint8)
    label[:, 0, 0] = Label.METAL, Label.RCA, Label.LAD
    label[:, 0, 1] = Label.MITRAL_ANNULUS, Label.METAL, Label.BONE
    label[:, 1, 0] = Label.AIRWAY, Label.AORTA, Label.NODE
    expected = [[Label.LAD, Label.METAL], [0, 0]]
    np.testing.assert_array_equal(_projected_label(label, 0), expected)


@pytest.mark.parametrize(("n_voxels", "stays"), [(124, True), (125, False)])
def test_only_large_bright_pieces_without_a_label_are_taken_for_bone(n_voxels, stays):
    """1000 mm3 are 125 voxels of 2 x 2 x 2 mm."""
    assert BONE_FROM_MM3 == 1000
    hu = np.full((9, 40, 40), 40, dtype=np.int16)
    label = np.zeros(hu.shape, dtype=np.uint8)
    flat = np.arange(125).reshape(5, 5, 5) < n_voxels
    hu[1:6, 2:7, 2:7][flat] = 700
    hu[1:6, 20:25, 20:25], label[1:6, 20:25, 20:25] = 700, Label.LAD
    hu[7, 30, 30], label[7, 30, 30] = 300, Label.BONE
    bare = without_bone(Crop(hu, label, (2.0, 2.0, 2.0), 0, np.zeros(9), (0, 40)), 130)
    assert (bare[1:6, 2:7, 2:7][flat] == 700).all() == stays
    assert (bare[1:6, 20:25, 20:25] == 700).all()
    assert bare[7, 30, 30] == 0


def test_slices_are_placed_where_viewers_show_them():
    crop = crop_heart(*scan()[:2], ScoringParameters())
    assert crop.z_mm[0] == -2.5 * BOX[0]
    assert len(crop.z_mm) == len(crop.hu)
