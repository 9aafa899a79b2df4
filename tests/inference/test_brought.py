"""Networks a site brings: each kind gives the known answer, and what is off is refused."""

import pickle

import numpy as np
import pytest
from brought_case import (
    FakeCoarse,
    bright_in_heart,
    chest,
    described,
    make_volume,
    model_of,
    network,
    shifted,
)
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper

from screening.inference import Description, brought, infer, infer_counted
from screening.inference.answers import UNNAMED, activate, decide
from screening.inference.description import NetworkOutput
from screening.reasons import Reason
from screening.records import PADDING_HU, Label, Labelled, Rejection


@pytest.fixture
def run(monkeypatch):
    """Infer with the heart where it is."""

    def go(model, volume, peak=0.98):
        monkeypatch.setattr(brought, "networks", lambda *_: FakeCoarse(peak))
        return infer_counted(model, volume, 1)

    return go


def voxels(found, shape):
    assert isinstance(found, Labelled), found
    out = np.zeros(int(np.prod(shape)), bool)
    out[found.index[found.label != Label.NONE]] = True
    return out.reshape(shape)


def slicewise(tmp_path, **changes):
    onnx = shifted(tmp_path / "n.onnx", ["n", 1, 240, 240], ["n", 1, 240, 240])
    return model_of(onnx, tmp_path / "m", **changes)


def patchwise(tmp_path, field=(16, 64, 64), **changes):
    onnx = shifted(tmp_path / "n.onnx", ["n", 1, *field], ["n", 1, *field])
    options = {
        "kind": "patch", "overlap": 0.5, "input": {"layout": "nczyx", "field": list(field)},
    }  # fmt: skip
    for name, value in changes.items():
        options[name] = {**options.get(name, {}), **value} if isinstance(value, dict) else value
    return model_of(onnx, tmp_path / "m", **options)


def whole(tmp_path, field=(80, 240, 240), **changes):
    onnx = shifted(tmp_path / "n.onnx", [1, *field, 1], [1, *field, 1])
    taken = {"layout": "nzyxc", "field": list(field), **changes.pop("input", {})}
    return model_of(onnx, tmp_path / "m", kind="volume", input=taken, **changes)


@pytest.mark.parametrize("make", [slicewise, patchwise, whole])
def test_every_kind_labels_just_what_is_130_hu_and_more_in_the_heart(run, tmp_path, make):
    hu = chest()
    found, work = run(make(tmp_path), make_volume(hu))
    expected = bright_in_heart(hu, 130)
    assert expected.sum() == 18 + 1 + 1
    np.testing.assert_array_equal(voxels(found, hu.shape), expected)
    assert (np.diff(found.index) > 0).all()
    assert (found.index.dtype, found.label.dtype) == (np.int64, np.uint8)
    assert found.probability.dtype == np.float32
    assert found.probability.min() > 0.5
    assert not found.is_heart_cut
    assert found.blood_pool.mean_hu == 40
    assert found.model.provider == "CPUExecutionProvider"
    assert 0 < work.n_run <= work.n_all


def test_each_thing_is_told_with_the_names_the_network_gives(run, tmp_path):
    hu = chest()
    found, _ = run(slicewise(tmp_path), make_volume(hu))
    things = found.things
    assert (things.names, things.counts_from) == (("coronary",), 0.5)
    assert len(things.owner) == len(found.index)
    np.testing.assert_array_equal(things.shares[:, 0], things.coronary)
    # The plaque, the pixel behind it, and the one at the threshold: half an HU over it is 62 %.
    per_thing = sorted(
        (int((things.owner == k).sum()), int(things.coronary[k])) for k in range(len(things.shares))
    )
    assert per_thing == [(1, 6225), (1, 10_000), (18, 10_000)]


def test_what_the_network_leaves_out_is_told_where_it_could_have_scored(run, tmp_path):
    """Counts from 300.5 HU on: the plaque of 300 HU and the pixel of 130 HU are explained."""
    onnx = shifted(tmp_path / "n.onnx", ["n", 1, 240, 240], ["n", 1, 240, 240], by=-300.5)
    found, _ = run(model_of(onnx, tmp_path / "m"), make_volume(chest()))
    left_out = found.things.owner[found.label == Label.NONE]
    sizes = np.unique(np.unique(left_out, return_counts=True)[1]).tolist()
    assert sizes == [1, 18]
    shares = found.things.coronary[np.unique(left_out)]
    assert (shares < 5000).all()
    assert voxels(found, chest().shape).sum() == 1


def test_an_unnamed_artery_is_the_likeliest_at_each_thing(run, tmp_path):
    """The plaque and the speck in front are LAD by the maps, the pixel behind is RCA."""
    hu = chest()
    found, _ = run(slicewise(tmp_path), make_volume(hu))
    label = dict(zip(found.index.tolist(), found.label.tolist(), strict=True))
    behind = int(np.ravel_multi_index((36, 120, 120), hu.shape))
    assert label.pop(behind) == Label.RCA
    assert set(label.values()) == {Label.LAD}


@pytest.mark.parametrize(("from_hu", "n_plaque"), [(None, 21), (101, 18), (100, 21)])
def test_only_voxels_over_the_threshold_count_where_the_manifest_says_so(
    run, tmp_path, from_hu, n_plaque
):
    """The network here takes all above 90; the dim neighbours of 100 HU are in or out."""
    onnx = shifted(tmp_path / "n.onnx", ["n", 1, 240, 240], ["n", 1, 240, 240], by=-89.5)
    model = model_of(onnx, tmp_path / "m", output={"count_from_hu": from_hu})
    found, _ = run(model, make_volume(chest()))
    got = voxels(found, chest().shape)
    assert got[40:42, 90:93, 118:122].sum() == n_plaque


@pytest.mark.parametrize("channel", [0, 1, 2])
@pytest.mark.parametrize("letter", ["I", "S"])
def test_neighbours_come_in_the_order_of_z(run, tmp_path, channel, letter):
    """Three slices as channels: a network that looks at one of them sees that slice."""
    hu = chest()
    hu[30:50, 70:140, 80:160] = np.where(hu[30:50, 70:140, 80:160] > 90, 500, 40)  # no edges
    onnx = shifted(tmp_path / "n.onnx", [2, 3, 240, 240], [2, 1, 240, 240], channel=channel)
    model = model_of(
        onnx, tmp_path / "m", batch=2, input={"neighbours": 1, "orientation": f"{letter}PL"}
    )
    found, _ = run(model, make_volume(hu))
    bright = bright_in_heart(hu, 130)
    step = (channel - 1) * (1 if letter == "I" else -1)
    expected = bright & np.roll(bright, -step, axis=0)
    np.testing.assert_array_equal(voxels(found, hu.shape), expected)


def edge_network(path, shape):
    """A 3-D blur with zero padding: what it says near a patch's border depends on the border."""
    weight = np.full((1, 1, 3, 5, 5), 1 / 75, dtype=np.float32)
    nodes = [
        helper.make_node("Conv", ["image", "w"], ["blurred"], pads=[1, 2, 2, 1, 2, 2]),
        helper.make_node("Add", ["blurred", "by"], ["out"]),
    ]
    constants = [("w", weight), ("by", np.array(-60, dtype=np.float32))]
    return network(path, nodes, shape, shape, constants)


@pytest.mark.parametrize("blend", ["constant", "gaussian"])
def test_patches_without_a_bright_voxel_near_the_heart_change_nothing(
    run, tmp_path, monkeypatch, blend
):
    onnx = edge_network(tmp_path / "n.onnx", ["n", 1, 16, 64, 64])
    model = model_of(
        onnx, tmp_path / "m", kind="patch", overlap=0.5, blend=blend, batch=1,
        input={"layout": "nczyx", "field": [16, 64, 64]},
    )  # fmt: skip
    volume = make_volume(chest())
    few, work = run(model, volume)
    monkeypatch.setattr(brought, "that_matter", lambda windows, _: windows)
    every, all_work = run(model, volume)
    assert work.n_run < work.n_all == all_work.n_run
    assert len(few.index)
    np.testing.assert_array_equal(few.index, every.index)
    np.testing.assert_array_equal(few.label, every.label)
    np.testing.assert_array_equal(few.probability, every.probability)


def test_slices_without_a_bright_voxel_near_the_heart_change_nothing(run, tmp_path, monkeypatch):
    weight = np.random.default_rng(0).normal(0, 0.01, (1, 3, 5, 5)).astype(np.float32)
    nodes = [helper.make_node("Conv", ["image", "w"], ["out"], pads=[2, 2, 2, 2])]
    shapes = [1, 3, 240, 240], [1, 1, 240, 240]
    onnx = network(tmp_path / "n.onnx", nodes, *shapes, [("w", weight)])
    model = model_of(onnx, tmp_path / "m", input={"neighbours": 1})
    volume = make_volume(chest() + np.random.default_rng(1).normal(0, 12, (80, 240, 240)))
    few, work = run(model, volume)
    monkeypatch.setattr(brought, "that_matter", lambda windows, _: windows)
    every, all_work = run(model, volume)
    assert (work.n_all, all_work.n_run) == (80, 80)
    assert work.n_run < 40
    assert len(few.index) > 10
    np.testing.assert_array_equal(few.index, every.index)
    np.testing.assert_array_equal(few.label, every.label)
    np.testing.assert_array_equal(few.probability, every.probability)


@pytest.mark.parametrize("orientation", ["IPL", "SPL", "IAL", "IPR", "SAR"])
def test_a_network_in_another_orientation_sees_the_scan_that_way(run, tmp_path, orientation):
    """The network adds a ramp along each axis, so a wrong flip gives another answer."""
    shape, hu = (80, 240, 240), chest()
    ramp = np.zeros(shape, dtype=np.float32)
    for k, n in enumerate(shape):
        ramp += np.linspace(-400, 400, n, dtype=np.float32).reshape(
            [-1 if k == axis else 1 for axis in range(3)]
        )
    nodes = [
        helper.make_node("Add", ["image", "ramp"], ["a"]),
        helper.make_node("Add", ["a", "by"], ["out"]),
    ]
    constants = [("ramp", ramp[None, None]), ("by", np.array(-129.5, np.float32))]
    onnx = network(tmp_path / "n.onnx", nodes, [1, 1, *shape], [1, 1, *shape], constants)
    model = model_of(
        onnx, tmp_path / "m", kind="volume",
        input={"layout": "nczyx", "field": list(shape), "orientation": orientation},
    )  # fmt: skip
    found, _ = run(model, make_volume(hu))
    flips = [a != b for a, b in zip(orientation, "IPL", strict=True)]
    seen = ramp[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]
    expected = bright_in_heart(hu, 90) & (hu + seen >= 130)
    np.testing.assert_array_equal(voxels(found, hu.shape), expected)


def test_a_scan_turned_in_the_plane_gives_the_same_voxels(run, tmp_path):
    model = slicewise(tmp_path)
    hu = chest()
    straight = voxels(run(model, make_volume(hu))[0], hu.shape)
    turned = make_volume(hu[:, ::-1, ::-1], (0.0, -1.0, 0.0), (-1.0, 0.0, 0.0))
    np.testing.assert_array_equal(voxels(run(model, turned)[0], hu.shape)[:, ::-1, ::-1], straight)


def test_smaller_slices_are_padded_and_larger_cropped_about_the_middle(run, tmp_path):
    hu = chest()
    for field in (302, 201):  # odd differences: the extra cell goes to the end
        folder = tmp_path / str(field)
        folder.mkdir()
        onnx = shifted(folder / "n.onnx", [1, 1, field, field], [1, 1, field, field])
        model = model_of(onnx, folder / "m", input={"field": [field, field], "pad_hu": 0})
        found, _ = run(model, make_volume(hu))
        np.testing.assert_array_equal(voxels(found, hu.shape), bright_in_heart(hu, 130))


@pytest.mark.parametrize(("size", "field", "first"), [(5, 8, -1), (8, 5, 1), (6, 6, 0)])
def test_crop_and_padding_fall_as_in_the_published_code(size, field, first):
    """AI-CAC's array_utils: (8 - 5) // 2 = 1 row before, whether cropped or padded."""
    from screening.inference.windows import _centred

    assert _centred(size, field, None) == first


def test_another_spacing_is_interpolated_and_read_back_at_each_voxel(run, tmp_path):
    """At half the spacing in the plane each voxel's centre lies between two cells' centres."""
    hu = chest()
    onnx = shifted(tmp_path / "n.onnx", [1, 1, 480, 480], [1, 1, 480, 480], by=-129.5)
    model = model_of(
        onnx, tmp_path / "m", input={"field": [480, 480], "spacing_mm": [0.625, 0.625]}
    )
    got = voxels(run(model, make_volume(hu))[0], hu.shape)
    bright = bright_in_heart(hu, 130)
    assert got[40:42, 90:93, 118:121].all()  # a plaque of 3 x 3 stays whole
    assert got[36, 120, 120]  # 900 among 40: three quarters and a quarter, still bright
    assert not got[44, 96, 110]  # 130 among 40 is dimmed below
    assert not (got & ~bright).any()


def test_stretching_to_the_same_size_is_exact(run, tmp_path):
    model = slicewise(tmp_path, input={"fit": "stretch"})
    hu = chest()
    found, _ = run(model, make_volume(hu))
    np.testing.assert_array_equal(voxels(found, hu.shape), bright_in_heart(hu, 130))


def test_a_crop_about_the_heart_finds_it_off_the_middle(run, tmp_path):
    hu = chest()
    onnx = shifted(tmp_path / "n.onnx", [1, 1, 40, 96, 96], [1, 1, 40, 96, 96])
    options = {"layout": "nczyx", "field": [40, 96, 96], "centre": "heart"}
    found, _ = run(model_of(onnx, tmp_path / "m", kind="volume", input=options), make_volume(hu))
    np.testing.assert_array_equal(voxels(found, hu.shape), bright_in_heart(hu, 130))


def seen_by(tmp_path, monkeypatch, **taken):
    """The values a network is fed of one slice."""
    fed = []

    def spy(session, output, feeds, size):
        fed.append(next(iter(feeds.values())))
        return np.zeros((len(fed[-1]), 1, 240, 240), np.float32)

    monkeypatch.setattr(brought, "run_in_batches", spy)
    hu = chest()
    hu[:, :3] = PADDING_HU
    volume = make_volume(hu)
    monkeypatch.setattr(brought, "networks", lambda *_: FakeCoarse())
    infer(slicewise(tmp_path, input=taken), volume, 1)
    return volume.hu, fed[0][0, 0]


def test_window_and_constants_are_what_the_manifest_says(tmp_path, monkeypatch):
    by = {"by": "constants", "subtract": -150.0, "divide": 500.0}
    hu, fed = seen_by(tmp_path, monkeypatch, window_hu=[-150, 350], normalisation=by)
    expected = (np.clip(hu[36].astype(float), -150, 350) + 150) / 500
    np.testing.assert_allclose(fed, expected, atol=1e-6)


def test_a_scans_own_mean_and_deviation(tmp_path, monkeypatch):
    hu, fed = seen_by(tmp_path, monkeypatch, window_hu=[-500, 500], normalisation={"by": "scan"})
    clipped = np.clip(hu.astype(float), -500, 500)
    np.testing.assert_allclose(fed, (clipped[36] - clipped.mean()) / clipped.std(), atol=1e-4)


def test_outside_the_scanners_field_is_air(tmp_path, monkeypatch):
    _, fed = seen_by(tmp_path, monkeypatch)
    assert fed.min() == -1024


# What the numbers say.


def output(**changes):
    base = {
        "values": "probabilities", "classes": "softmax", "threshold": 0.5, "count_from_hu": None,
        "labels": ["NONE", "LM", "LAD", "AORTA"],
    }  # fmt: skip
    return NetworkOutput.model_validate({**base, **changes})


@pytest.mark.parametrize(
    ("p", "threshold", "expected"),
    [
        ([0.1, 0.25, 0.26, 0.39], 0.5, Label.LAD),  # 0.51 coronary
        ([0.1, 0.25, 0.24, 0.41], 0.5, Label.NONE),  # 0.49: not, and no other reaches it
        ([0.1, 0.2, 0.2, 0.5], 0.5, Label.AORTA),
        ([0.1, 0.25, 0.26, 0.39], None, Label.AORTA),  # the likeliest class
        ([0.1, 0.2, 0.45, 0.25], None, Label.LAD),
        ([0.4, 0.3, 0.3, 0.0], None, Label.NONE),
    ],
)
def test_softmax_is_coronary_before_it_is_an_artery(p, threshold, expected):
    label, probability = decide(np.array([p], np.float32), output(threshold=threshold))
    assert label[0] == expected
    if expected is Label.LAD:
        assert probability[0] == pytest.approx(p[1] + p[2])


@pytest.mark.parametrize(("p", "expected"), [(0.5, UNNAMED), (0.4999, Label.NONE)])
def test_the_threshold_itself_counts(p, expected):
    one = output(classes="sigmoid", labels=["CORONARY"])
    assert decide(np.array([[p]], np.float32), one)[0][0] == expected


@given(st.lists(st.lists(st.floats(-90, 90, width=32), min_size=4, max_size=4), min_size=1))
def test_softmax_sums_to_one_and_sigmoid_is_half_at_zero(rows):
    raw = np.array(rows, np.float32)
    p = activate(raw, output(values="logits"))
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-5)
    sigmoid = activate(raw, output(values="logits", classes="sigmoid"))
    assert (sigmoid[raw >= 0] >= 0.5).all()
    assert (sigmoid[raw < -1e-4] < 0.5).all()


# What is refused.


def reason_of(found):
    assert isinstance(found, Rejection), found
    return found.reason, found.detail


def test_a_body_part_without_a_heart_never_reaches_the_network(run, tmp_path, monkeypatch):
    monkeypatch.setattr(brought, "run_windows", None)  # would raise if it were called
    found, work = run(slicewise(tmp_path), make_volume(chest()), peak=0.3)
    assert reason_of(found)[0] is Reason.NOT_CHEST
    assert work.n_run == 0


@pytest.mark.parametrize(
    ("node", "values", "detail"),
    [
        ("Log", "logits", "the output holds NaN or infinite numbers"),  # of negative HU: NaN
        ("Identity", "probabilities", "the output goes from 129 to 900, the manifest says"),
    ],
)
def test_numbers_that_cannot_be_are_refused(run, tmp_path, node, values, detail):
    shapes = ["n", 1, 240, 240], ["n", 1, 240, 240]
    onnx = network(tmp_path / "n.onnx", [helper.make_node(node, ["image"], ["out"])], *shapes)
    model = model_of(onnx, tmp_path / "m", output={"values": values, "count_from_hu": 129})
    reason, said = reason_of(run(model, make_volume(chest()))[0])
    assert reason is Reason.MODEL_FAILED
    assert said.startswith(detail)


def test_classes_that_do_not_sum_to_one_are_refused(run, tmp_path):
    nodes = [helper.make_node("Concat", ["image", "image"], ["two"], axis=1),
             helper.make_node("Clip", ["two", "zero", "one"], ["out"])]  # fmt: skip
    constants = [("zero", np.array(0, np.float32)), ("one", np.array(1, np.float32))]
    shapes = ["n", 1, 240, 240], ["n", 2, 240, 240]
    onnx = network(tmp_path / "n.onnx", nodes, *shapes, constants)
    values = {"values": "probabilities", "classes": "softmax", "labels": ["NONE", "CORONARY"]}
    found, _ = run(model_of(onnx, tmp_path / "m", output=values), make_volume(chest()))
    assert reason_of(found) == (
        Reason.MODEL_FAILED, "the probabilities of the classes do not sum to one",
    )  # fmt: skip


def test_an_output_of_another_shape_is_refused(run, tmp_path):
    """Free sizes hide it until it runs: the network halves the slice."""
    nodes = [helper.make_node("MaxPool", ["image"], ["out"], kernel_shape=[2, 2], strides=[2, 2])]
    free = ["n", 1, "y", "x"]
    onnx = network(tmp_path / "n.onnx", nodes, free, ["n", 1, "v", "u"])
    found, _ = run(model_of(onnx, tmp_path / "m"), make_volume(chest()))
    assert reason_of(found) == (
        Reason.MODEL_FAILED,
        "the output is (1, 1, 120, 120), the manifest says (1, 1, 240, 240)",
    )


def test_a_scan_smaller_than_the_field_is_refused_unless_padding_is_given(run, tmp_path):
    model = patchwise(tmp_path, field=(96, 64, 64))
    found, _ = run(model, make_volume(chest()))
    assert reason_of(found) == (
        Reason.MODEL_FIELD,
        "the scan is smaller than the network's field: 80 x 240 x 240 against 96 x 64 x 64",
    )
    (tmp_path / "2").mkdir()
    padded = patchwise(tmp_path / "2", field=(96, 64, 64), input={"pad_hu": -1024})
    hu = chest()
    got = voxels(run(padded, make_volume(hu))[0], hu.shape)
    np.testing.assert_array_equal(got, bright_in_heart(hu, 130))


def test_a_heart_that_reaches_beyond_the_field_is_refused(run, tmp_path):
    onnx = shifted(tmp_path / "n.onnx", [1, 1, 8, 96, 96], [1, 1, 8, 96, 96])
    options = {"layout": "nczyx", "field": [8, 96, 96], "centre": "heart"}
    model = model_of(onnx, tmp_path / "m", kind="volume", input=options)
    found, _ = run(model, make_volume(chest()))
    reason, said = reason_of(found)
    assert reason is Reason.MODEL_FIELD
    assert said == "bright voxels near the heart lie outside the network's field: 2 of 24"


def test_nothing_bright_is_a_zero_and_no_failure(run, tmp_path):
    hu = np.minimum(chest(), 60)
    found, work = run(slicewise(tmp_path), make_volume(hu))
    assert isinstance(found, Labelled)
    assert (len(found.index), work.n_run, work.n_all) == (0, 0, 80)


def test_a_brought_model_travels_to_workers(tmp_path):
    model = slicewise(tmp_path)
    assert pickle.loads(pickle.dumps(model)) == model
    assert str(tmp_path) not in repr(model)


def test_descriptions_are_frozen():
    description = Description.model_validate(described())
    with pytest.raises(ValueError, match="frozen"):
        description.network.batch = 2
