"""The policy of a person's flag, in words."""

import pytest

from flows.risk_words import policy


@pytest.mark.parametrize(
    ("name", "source", "risk", "said"),
    [
        ("aha_acc_2018", "mesa_chd_10y_cac", 0.092, "2018); 10-year risk it looks at: 9.2 % (MESA"),
        ("aha_acc_2018", "model_risk", 0.13, "13.0 % (the averaged estimate)"),
        ("esc_2021", "score2", 0.107, "10.7 % (SCORE2, CVD without calcium)"),
        ("esc_2021", "", None, "2021); without a 10-year risk to look at"),
    ],
)
def test_the_policy_and_the_risk_it_looks_at(name, source, risk, said):
    assert said in policy({"policy": name, "flag_risk_source": source, "flag_risk": risk})
