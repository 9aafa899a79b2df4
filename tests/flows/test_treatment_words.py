"""A goal and a risk are told of those whom they are for."""

import pytest

from flows.treatment_words import ldl, of_whom


@pytest.mark.parametrize(
    ("flag", "is_on_statin", "is_told"),
    [
        ("flagged", False, True),
        ("flagged", None, True),
        ("not_flagged", True, True),
        ("not_flagged", False, False),
        ("cannot_say", None, False),
    ],
)
@pytest.mark.parametrize(("is_at_goal", "goal"), [(True, "at goal, "), (False, "not at goal, ")])
def test_the_goal_is_of_those_on_the_list_or_on_a_statin(
    flag, is_on_statin, is_told, is_at_goal, goal
):
    person = {"ldl_mg_dl": 91.0, "ldl_age_days": 220, "is_ldl_at_goal": is_at_goal,
              "flag": flag, "is_on_statin": is_on_statin}  # fmt: skip
    told = goal if is_told else ""
    assert ldl(person) == f"91 mg/dL, {told}220 days before the list"


@pytest.mark.parametrize(
    ("sources", "told"),
    [
        ([], "43.2 %"),
        (["record"], "43.2 %; this says nothing of the person: the equations were made for"),
        (["record", "image"], "43.2 %; this says nothing of the person"),
        (["image"], "43.2 %; if the suspected disease is confirmed, this says nothing of"),
    ],
)
def test_of_known_disease_a_risk_says_nothing(sources, told):
    person = {"ascvd_evidence": [{"source": source} for source in sources]}
    assert of_whom("43.2 %", 0.432, person).startswith(told)
    assert (of_whom("43.2 %", 0.432, person) == told) is (not sources)
    assert of_whom("not estimated", None, person) == "not estimated"
