"""Settings of the flag: which policy, and what is refused in one line."""

import pytest

from screening.config import Settings, read_settings
from screening.errors import ScreeningError


def read(tmp_path, text):
    file = tmp_path / "screening.toml"
    file.write_text(text)
    return read_settings(file)


def test_the_default_is_the_policy_of_2018_at_grade_c():
    assert Settings().flag.numbers() == {"flag_policy:aha_acc_2018": 1.0, "minimum_grade:C": 1.0}


def test_the_european_policy_with_its_region(tmp_path):
    text = '[flag]\npolicy = "esc_2021"\nminimum_grade = "B"\n[risk]\nscore2_region = "high"\n'
    settings = read(tmp_path, text)
    assert settings.flag.numbers() == {"flag_policy:esc_2021": 1.0, "minimum_grade:B": 1.0}
    assert settings.risk.score2_region == "high"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            '[flag]\npolicy = "aha_acc_2026"',
            r"toml: flag.policy: aha_acc_2026 is disabled: the text .* was not read here; choose",
        ),
        ('[flag]\npolicy = "nice"', "flag.policy: unknown policy nice; ready: aha_acc_2018, esc"),
        ('[flag]\npolicy = "esc_2021"', "toml: flag.policy esc_2021 needs risk.score2_region"),
        ('[flag]\nminimum_grade = "D"', "flag.minimum_grade"),
        ("[flag]\ntier = 1", "unknown setting flag.tier; known: policy, minimum_grade"),
        ('[risk]\nscore2_region = "europe"', "risk.score2_region"),
    ],
)
def test_what_is_refused_is_one_line(tmp_path, text, says):
    with pytest.raises(ScreeningError, match=says) as refusal:
        read(tmp_path, text)
    assert "\n" not in str(refusal.value)
