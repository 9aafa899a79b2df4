"""What a model is tested on was made by other seeds, and in another way, than what it learnt."""

import numpy as np

from models.train import evaluate, shifted, variety
from models.train.phantoms import RULES_FROM, SEED_STRIDE, TEST_SEED, TRAINING_SEED, TUNING_SEED
from screening.phantom.people import MODELS_SEEDS, plan_people

RANGE = 10_000_000


def test_ranges_of_seeds_do_not_meet():
    assert TRAINING_SEED < TUNING_SEED < TEST_SEED
    assert TUNING_SEED - TRAINING_SEED == TEST_SEED - TUNING_SEED == RANGE


def test_training_stays_in_its_range():
    for seed in range(1, 90):
        first = TRAINING_SEED + seed * SEED_STRIDE
        assert TRAINING_SEED <= first < first + SEED_STRIDE <= TUNING_SEED


def test_evaluation_stays_in_the_test_range():
    for first in (evaluate._SHIFTED_FROM, evaluate._PLACED_FROM):
        assert TEST_SEED <= first < TEST_SEED + RANGE - 50_000


def test_what_is_reported_served_to_make_no_rule():
    made = [(first, first + 5_000) for first in RULES_FROM.values()]
    reported = [(evaluate._SHIFTED_FROM, evaluate._SHIFTED_FROM + 150)]
    reported += [(evaluate._PLACED_FROM, evaluate._PLACED_FROM + 30_000)]
    for first, last in reported:
        assert all(last <= begin or end <= first for begin, end in made)


def test_protocols_of_the_test_are_none_of_training():
    rng = np.random.default_rng(0)
    trained = {variety.training_protocol(rng).thickness_mm for _ in range(300)}
    tested = {shifted.shifted_protocol(rng).thickness_mm for _ in range(300)}
    assert tested - trained == {0.8, 1.5, 2.2, 2.8, 3.5}
    trained_kvp = {variety.training_protocol(rng).kvp for _ in range(300)}
    tested_kvp = {shifted.shifted_protocol(rng).kvp for _ in range(300)}
    assert {75.0, 90.0, 105.0, 135.0} <= tested_kvp - trained_kvp


def test_no_hospital_has_a_body_that_a_model_met():
    assert MODELS_SEEDS == (TRAINING_SEED, TEST_SEED + RANGE)
    # Seeds 1 and 312 would each draw one such body.
    for hospital in (1, 7, 312):
        for person in plan_people(24, hospital):
            assert not MODELS_SEEDS[0] <= person.body_seed < MODELS_SEEDS[1]
