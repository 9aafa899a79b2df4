"""The policy of a person's flag, in words."""

import pytest

from flows.risk_words import policy


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
