"""The policy of a person's flag, the risk and a later scan, in words."""

import pytest

from flows.risk_words import estimate, later_scan, policy


@pytest.mark.parametrize(
    ("name", "source", "risk", "said"),
    [
        ("aha_acc_2018", "model_risk", 0.092, "2018); 10-year risk it looks at: 9.2 % (MESA"),
        ("esc_2021", "score2", 0.107, "10.7 % (SCORE2, CVD without calcium)"),
        ("esc_2021", "", None, "2021); without a 10-year risk to look at"),
    ],
)
def test_the_policy_and_the_risk_it_looks_at(name, source, risk, said):
    model = "mesa_chd_10y_cac averaged; race not used"
    row = {"policy": name, "flag_risk_source": source, "flag_risk": risk, "model": model}
    assert said in policy(row)


def test_a_model_of_the_sites_own_is_named_beside_its_risk():
    row = {"policy": "aha_acc_2018", "flag_risk_source": "model_risk", "flag_risk": 0.13}
    assert "13.0 % (the site's model ours)" in policy(row | {"model": "ours; 300 events"})


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.05, 0.15, "9.2 % (95 % interval 5.0 % to 15.0 %)"),
        (None, None, "9.2 % (without an interval: how far the score may be off cannot be said)"),
    ],
)
def test_a_risk_says_why_it_has_no_interval(low, high, said):
    row = {"model": "mesa_chd_10y_cac averaged", "model_risk": 0.092, "model_risk_low": low,
           "model_risk_high": high, "risk_imputed": [], "risk_stale": []}  # fmt: skip
    assert estimate(row).endswith(said)


@pytest.mark.parametrize(("reads", "is_told"), [(None, False), (20.0, False), (20.1, True)])
@pytest.mark.parametrize("of", ["later", "undated"])
def test_a_scan_that_reads_more_is_told_although_it_does_not_count(reads, is_told, of):
    person = {"agatston": 20.0, "later_doubtful_agatston": None, "undated_agatston": None}
    column = "later_doubtful_agatston" if of == "later" else "undated_agatston"
    told = later_scan(person | {column: reads})
    assert bool(told) is is_told
    words = {
        "later": "a later scan of a lower grade reads",
        "undated": "a scan without a date reads",
    }
    assert all(words[of] in line and "look at it" in line for line in told)
