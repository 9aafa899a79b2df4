"""What lies off the arteries is no coronary calcium, whatever the candidate network says."""

from dataclasses import replace

import numpy as np
import pytest

from screening.inference import infer, labelling, open_model
from screening.inference.candidates import find_candidates, is_off_courses
from screening.inference.labelling import _no_coronary
from screening.inference.location import locate
from screening.inference.session import networks
from screening.phantom import Protocol, make_body, random_traits, simulate
from screening.records import CORONARY_LABELS, Label

CORONARY = [int(label) for label in CORONARY_LABELS]


@pytest.fixture(scope="module")
def scan():
    traits = replace(
        random_traits(np.random.default_rng(5)), n_stents=0, coronary_agatston_target=300.0
    )
    protocol = Protocol(matrix=256, increment_mm=3.0, thickness_mm=3.0)
    return simulate(make_body(5, traits), protocol, 5).as_volume("chest")


@pytest.fixture(scope="module")
def found(scan):
    model = open_model("phantom")
    located = locate(networks(model, 1), scan)
    where = (located.frame, located.grid, located.anatomy)
    return located, where, find_candidates(*where, located.reach, located.blood)


def test_calcium_of_arteries_lies_on_their_courses(scan, found):
    labelled = infer(open_model("phantom"), scan)
    is_coronary = np.isin(labelled.label, CORONARY)
    assert is_coronary.any()
    assert not is_off_courses(*found[1], found[2]).all()


@pytest.mark.parametrize(("cells", "is_off"), [(1, False), (2, True)])
def test_one_cell_beside_a_course_still_belongs_to_it(found, cells, is_off):
    (frame, grid, anatomy), candidates = found[1], found[2]
    course = np.zeros_like(anatomy.course)
    voxel = candidates.voxels[0]
    at = [
        int(np.rint(grid.cell_of_mm(k, frame.centres_mm(k)[voxel[k : k + 1]]))[0]) for k in range(3)
    ]
    course[at[0] - cells, at[1], at[2]] = True
    one = replace(
        candidates,
        voxels=candidates.voxels[:1],
        owner=candidates.owner[:1] * 0,
        component=candidates.component[:1],
    )
    moved = replace(anatomy, course=course)
    assert is_off_courses(frame, grid, moved, one).tolist() == [is_off]


def test_off_the_courses_nothing_counts_and_what_is_said_sums_to_one(scan, monkeypatch):
    monkeypatch.setattr(
        labelling, "is_off_courses", lambda *args: np.ones(len(args[-1].component), np.bool_)
    )
    labelled = infer(open_model("phantom"), scan)
    assert len(labelled.index)
    assert not np.isin(labelled.label, CORONARY).any()


def test_where_nothing_else_was_thought_of_it_is_nothing():
    p = np.zeros((2, len(Label)), dtype=np.float32)
    p[:, Label.LAD] = 1.0
    off, on = _no_coronary(p, np.array([True, False]))
    assert off[Label.NONE] == pytest.approx(1.0)
    assert on[Label.LAD] == 1.0
