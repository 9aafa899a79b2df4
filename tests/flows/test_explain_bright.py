"""What is told of each bright spot near the heart: counted, or why not."""

import pytest
from seen_case import SPOTS, some_seen

from flows import bright_words, scan_words
from screening import scoring
from screening.records import Label
from screening.scoring import SCORING_VERSION, BrightThing, Why
from screening.scoring.metal_kinds import Metal


def test_each_bright_spot_is_told_and_why_it_was_not_counted(told):
    found = told("high")
    (seen,) = found.facts["seen"]
    assert seen["series_key"] == "shigh"
    assert [t["in_words"] for t in seen["things"]] == [
        "LAD: 96 units",
        "taken for soft tissue or noise; coronary 49.9 % (counts from 50 %)",
        "taken for the wall of the aorta; coronary 12 % (counts from 50 %)",
        *["taken for bone; coronary below 1 % (counts from 50 %)"] * 3,
    ]
    assert [t["likely_in_words"] for t in seen["things"]][1:3] == [
        "soft tissue or noise 50.0 %, RCA 49.9 %",  # as many digits as the decision is told with
        "wall of the aorta 81 %, LAD 12 %, soft tissue or noise 7 %",
    ]
    assert seen["things"][0]["agatston"] == 2 * 16 * 3  # slices x mm2 x weight, 3 mm apart
    lines = found.text.splitlines()
    assert "bright spots near the heart, counted: 1 spot" in lines
    assert "bright spots near the heart, not counted: 5 spots, 2 shown" in lines
    assert "Not counted and not shown: 3 bone." in lines
    assert lines[lines.index("bright spots near the heart, counted: 1 spot") - 1] == (
        "A deposit (lesion) may be several spots, so that there may be more spots than deposits."
    )
    assert bright_words.LESIONS not in told("zero").text
    row = next(line for line in lines if "LAD: " in line)
    cells = [cell.strip() for cell in row.split("│")]
    assert cells[1:6] == ["5–6", "6, 22, −16", "96", "327", "LAD 98 %, LCX 1 %"]


def test_units_by_another_scoring_version_are_said_to_be(told, page):
    note = f"by scoring version {SCORING_VERSION}, the score is by version 1: units may differ."
    assert note in told("high").text
    assert note in page("high").text
    assert told("zero").facts["seen"][0]["note"] == ""
    assert "units may differ" not in page("zero").text


def test_a_zero_is_explained_by_what_was_not_counted(told):
    found = told("zero")
    (seen,) = found.facts["seen"]
    assert [t["taken_for"] for t in seen["things"]] == ["none", "aorta"]
    assert [t["slices"] for t in seen["things"]] == [[24, 27], [18, 21]]  # the scanner's own
    assert ", counted:" not in found.text
    assert "not counted: 2 spots" in found.text


def test_what_was_not_kept_or_is_of_another_score_is_not_shown(told):
    assert bright_words.NOT_KEPT in told("norecord").text
    assert bright_words.OF_ANOTHER_SCORE in told("ill").text
    assert "what the model saw cannot be shown: stored regions are damaged" in told("grown").text
    for key in ("norecord", "ill", "grown"):
        assert not any(seen["things"] for seen in told(key).facts["seen"])


def test_nothing_seen_is_told_of_who_opted_out_or_is_not_scored(told):
    for key in ("out", "failed", "sr-of-high"):
        assert told(key).facts["seen"] == []
        assert "bright spot" not in told(key).text


def test_a_page_tells_each_bright_spot(page):
    text = page("high").text.replace("\N{NO-BREAK SPACE}", " ")
    assert bright_words.HEADING in text
    assert bright_words.LESIONS in text
    assert "taken for the wall of the aorta; coronary 12 % (counts from 50 %)" in text
    assert "Not counted and not shown: 3 bone." in text
    assert bright_words.NOT_KEPT[1:] in page("norecord").text


def test_every_label_and_reason_has_words():
    for label in Label:
        assert "_" not in bright_words._name(label.name.lower())
    others = {label.name.lower() for label in Label} - {"lm", "lad", "lcx", "rca"}
    assert others <= set(bright_words._TAKEN_FOR)
    assert {kind.value for kind in Metal} <= set(bright_words._TAKEN_FOR)
    assert set(bright_words._WHY) == set(Why) - {Why.COUNTED, Why.TAKEN_FOR_OTHER}


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (1.0, "over 99 %"),
        (0.9901, "over 99 %"),
        (0.99, "99 %"),
        (0.01, "1 %"),
        (0.0099, "below 1 %"),
    ],
)
def test_a_probability_is_never_told_as_certain(share, told):
    assert bright_words._percent(share) == told


@pytest.mark.parametrize(
    ("share", "told"), [(0.4999, "49.9 %"), (0.5, "50.0 %"), (0.57, "57.0 %"), (0.4923, "49.2 %")]
)
def test_a_digit_more_never_rounds_across_the_edge(share, told):
    assert bright_words._percent(share, 1) == told


@pytest.mark.parametrize(("coronary", "digits"), [(0.4901, 1), (0.49, 0), (0.51, 0), (0.5099, 1)])
def test_percentages_have_a_digit_more_where_the_decision_is_close(coronary, digits):
    assert bright_words._digits(thing(coronary=coronary)) == digits


def test_bone_is_not_told_to_lie_on_an_arterial_course():
    assert "arterial course" in bright_words.where(thing(taken_for="node", on_course=True))
    assert "arterial course" not in bright_words.where(thing(taken_for="bone", on_course=True))


# Stents and metal


def thing(**more: object) -> BrightThing:
    plain = {
        "taken_for": "metal", "why": Why.TAKEN_FOR_OTHER, "metal": "stent_possible",
        "agatston": 0.0, "agatston_left_out": 0.0, "volume_mm3": 122.6, "peak_hu": 900,
        "centre_lps_mm": (0.0, 0.0, 0.0),
        "slices": (69, 73), "side": -1, "depth": 0, "level": -1, "on_course": True,
        "likely": (("metal", 0.6),), "coronary": 0.3, "counts_from": 0.5, "is_notable": True,
    }  # fmt: skip
    return BrightThing(**(plain | more))


def test_what_may_be_a_stent_is_named_with_size_and_slices(told, page):
    text = told("metal").text
    assert "    may be a stent: LAD, 237 mm³, slices 50–55\n" in text
    assert text.count("may be a stent:") == 1
    assert "May be a stent: LAD, 237 mm³, slices 50–55." in page("metal").text
    assert "may be a stent" not in told("high").text


def test_what_was_left_out_as_a_possible_stent_is_named_too():
    things = [thing(), thing(metal="stent_present"), thing(slices=(4, 4), why=Why.COUNTED)]
    facts = {"things": [bright_words._told(t) for t in things]}
    assert bright_words.possible_stents(facts) == [
        "may be a stent, not counted: right, lower third, arterial course, 123 mm³, slices 69–73"
    ]
    assert bright_words.slices([4, 4]) == "slice 4"


def test_what_was_left_out_and_may_be_calcium_is_named_the_largest_first():
    aorta = (Label.AORTA, 412, 9, {"aorta": 70, "lad": 25})
    unlikely = (*aorta[:3], {"aorta": 76, "lad": 24})
    node = (Label.NODE, 250, 3, {"node": 52, "rca": 48})
    spots = (SPOTS[0], node, aorta, unlikely, (Label.METAL, 900, 1, {"metal": 60, "rca": 40}))
    things = scoring.bright_things(some_seen("m", "i", spots))
    seen = {"things": [bright_words._told(t) for t in things]}
    row = {"quality_flags": ["calcium_possible"], "lesions": [], "other": []}
    lines = scan_words.spots(row, seen)
    assert [line.partition(";")[0].partition("mm³")[2] for line in lines] == [
        ", slices 9–10, 128 units", ", slices 3–4, 64 units"
    ]  # fmt: skip
    assert all(line.startswith("may be calcium, not counted: ") for line in lines)
    assert lines[0].endswith("taken for the wall of the aorta; coronary 25 % (counts from 50 %)")
    assert scan_words.spots(row, None) == []
    assert scan_words.spots(row | {"quality_flags": []}, seen) == []


def test_how_much_was_taken_for_metal_is_told(told, page):
    assert "    taken for metal and not counted: 45 units\n" in told("metal").text
    text = page("metal").text
    assert "Taken for metal and not counted: 45 units." in text
    assert "It is not in the score; if it is dense calcium, the score is too low." in text
    assert "It is not in the score, nor is calcium that touches it" in text
    assert "taken for metal and not counted" not in told("high").text
