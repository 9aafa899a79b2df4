"""What a model is tested on was made by other seeds, and in another way, than what it learnt."""

import numpy as np

from models.train import evaluate, shifted, unseen, variety
from models.train.phantoms import RULES_FROM, SEED_STRIDE, TEST_SEED, TRAINING_SEED
from screening.phantom.people import MODELS_SEEDS, plan_people
from screening.records import Label

RANGE = 10_000_000


def test_training_stays_in_its_range():
    for seed in range(1, 190):
        first = TRAINING_SEED + seed * SEED_STRIDE
        assert TRAINING_SEED <= first < first + SEED_STRIDE <= TEST_SEED


def test_evaluation_stays_in_the_test_range():
    firsts = [first for _, first in evaluate.GENERATORS.values()]
    for first in (*firsts, evaluate._PLACED_FROM):
        assert TEST_SEED <= first < TEST_SEED + RANGE - 50_000


def test_what_is_reported_served_to_make_no_rule():
    made = [(first, first + 5_000) for first in RULES_FROM.values()]
    reported = [(first, first + 150) for _, first in evaluate.GENERATORS.values()]
    reported += [(evaluate._PLACED_FROM, evaluate._PLACED_FROM + 30_000)]
    for first, last in reported:
        assert all(last <= begin or end <= first for begin, end in made)


def test_protocols_of_the_test_are_none_of_training():
    rng = np.random.default_rng(0)
    trained, ruled, tested = (
        [draw(rng) for _ in range(300)]
        for draw in (
            variety.training_protocol,
            shifted.shifted_protocol,
            unseen.unseen_protocol,
        )
    )
    thick_mm = [{p.thickness_mm for p in drawn} for drawn in (trained, ruled, tested)]
    assert thick_mm[1] - thick_mm[0] == {0.8, 1.5, 2.2, 2.8, 3.5}
    assert not thick_mm[2] & (thick_mm[0] | thick_mm[1])
    kvp = [{p.kvp for p in drawn} for drawn in (trained, ruled, tested)]
    assert {75.0, 90.0, 105.0, 135.0} <= kvp[1] - kvp[0]
    assert not kvp[2] & (kvp[0] | kvp[1])


def test_a_chest_of_the_test_is_the_same_every_time_and_holds_what_it_says():
    one, again = (unseen.unseen_case(30_699_999, n_stents=1) for _ in range(2))
    assert np.array_equal(one.volume.hu, again.volume.hu)
    assert one.has_stent
    assert (one.labels == Label.METAL).any()
    calm = unseen.unseen_case(30_699_999, n_stents=0)
    assert not calm.has_stent
    assert calm.true_agatston == again.true_agatston


def test_no_hospital_has_a_body_that_a_model_met():
    assert MODELS_SEEDS == (TRAINING_SEED, TEST_SEED + RANGE)
    # Seeds 1 and 312 would each draw one such body.
    for hospital in (1, 7, 312):
        for person in plan_people(24, hospital):
            assert not MODELS_SEEDS[0] <= person.body_seed < MODELS_SEEDS[1]
