"""What a report says of a formal score: found, its value, and its neighbours that are none."""

import math
import time
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screening.clinical.report_scores import reported_score

UNKNOWN = math.nan


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("CORONARY CALCIUM SCORE:\nLAD: 145\nLCX: 92\nTOTAL: 237", 237.0),
        ("CORONARY CALCIUM SCORE:\nLAD: 145\n…\nTOTAL: 237", 237.0),
        ("Calcium score\n\nVessel  Score\nLeft main (LM): 0\nLAD: 1,145.5\nTotal: 1,200", 1200.0),
        ("Calcium score: LM 0, LAD 145, RCA 92, total 237.", 237.0),
        ("Total coronary artery calcium (CAC) score: 237", 237.0),
        ("Coronary calcium (Agatston) score: 85", 85.0),
        ("Agatston score (total): 237", 237.0),
        ("Coronary artery calcium score (Agatston units): 237", 237.0),
        ("CT without contrast for calcium scoring: Agatston score 237", 237.0),
        ("CT without intravenous contrast, Agatston score 237", 237.0),
        ("Agatston score 237, statin therapy recommended", 237.0),
        ("Statins recommended given calcium score of 237", 237.0),
        ("Agatston score 237, FFR not performed", 237.0),
        ("Calcium score 237 which would place him in the 80th percentile", 237.0),
        ("Calcium score 237 - 80th percentile", 237.0),
        ("CACS 230", 230.0),
        ("Coronary artery calcium score:\n237\n", 237.0),
        ("Calcium score increased from 120 to 237", 237.0),
        ("calcium score 400+", UNKNOWN),
        ("Prior calcium score was 237 in 2019.", 237.0),
        ("calcium score of zero", 0.0),
        ("calcium score > 400", UNKNOWN),
        ("Calcium score is greater than 400.", UNKNOWN),
        ("Calcium score at least 400; earlier Agatston score 120", 120.0),
        ("CAC 2018 showed 300", 300.0),
        ("Prior calcium score 2019: 150", 150.0),
        ("Prior calcium score 2019-05-06: 150", 150.0),
        ("Prior calcium score 5/2019: 150", 150.0),
        ("CAC 2018", UNKNOWN),
        ("Calcium score: 2018", 2018.0),
        ("CAC 1989", 1989.0),
        ("CAC 2040", 2040.0),
        ("Patient has a calcium score of 300 indicates disease", 300.0),
        ("The calcium score of 0 indicates very low risk", 0.0),
        ("Total calcium score 237 indicates moderate plaque", 237.0),
        ("Aortic valve calcification, coronary calcium score 237", 237.0),
        ("Calcium score 20000", 20000.0),
    ],
)
def test_scores_of_the_patient(text, score):
    found = reported_score(text)
    assert found is not None
    assert found == score or (math.isnan(found) and math.isnan(score))


@pytest.mark.parametrize(
    "text",
    [
        "Aortic valve calcium score 1800",
        "Agatston score of 1800 for the aortic valve",
        "Mitral annular calcium score: 900",
        "A calcium score of 0 implies very low risk",
        "An Agatston score of 237 suggests moderate plaque",
        "Calcium score 400 indicates severe plaque",
        "calcium score 100-300 indicates moderate",
        "Calcium score 1 to 99: mild",
        "Calcium score > 400: severe",
        "Calcium score >400 indicates severe plaque",
        *(
            f"{who} {has} calcium score of 300"
            for who in ("Wife", "husband", "son", "Daughter", "family", "Father")
            for has in ("has", "with")
        ),
        "Calcium score of 300 in his father",
        "CT calcium score 75571 ordered",
        "Calcium score 71 ordered",
        "Calcium score 20001",
        "Weston calcium score of 7",
        "visual calcium score 3",
        "Ordinal CAC score: 3",
        "Calcium score not performed.\nLAD: 3 mm plaque",
        "Calcium score:\nnot performed\nLAD: 3",
        "Aortic valve calcium score:\nTotal: 1800",
        "Calcium score 90th percentile",
        "Calcium score 90 percentile",
        "Calcium score would be useful.",
        "CAC-DRS 2",
        "calcium score 5 years ago",
        "CAC scoring, 64-slice CT",
        "Calcium score:\n20001",
        "Agatston score (0-10 minimal, 11-100 mild)",
        "Agatston 1,234 mm",
    ],
)
def test_numbers_that_are_no_score_of_the_patient(text):
    assert reported_score(text) is None


@pytest.mark.parametrize(
    "text",
    ["calcium score " * 9000 + " ( " * 9000, "calcium score:\nabc\nabc\n" * 5000, "cac 1 " * 3000],
)
def test_no_text_takes_long(text):
    began = time.process_time()
    reported_score(text)
    # Up to 2 s; by the square of the length it would be minutes.
    assert time.process_time() - began < 10


def test_a_score_whose_value_no_number_tells_is_evidence_alone(clinical):
    tables = clinical(report_text=[("A1", "ACC1", "calcium score > 400", "2024-05-06")])
    (row,) = tables.event.to_pylist()
    assert (row["concept"], row["started_on"]) == ("formal_calcium_score", date(2024, 5, 6))
    assert tables.observation.num_rows == 0


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            (
                "agatston",
                "calcium score",
                "cac",
                "total",
                "LAD",
                "of",
                ":",
                ",",
                "\n",
                "(",
                ")",
                "-",
                "237",
                "2018",
                "> ",
                "no",
                "aortic",
                "zero",
                ". ",
                "a",
            )
        ),
        max_size=60,
    )
)
def test_whatever_the_words_a_score_is_none_or_within_its_limits(words):
    found = reported_score(" ".join(words))
    assert found is None or math.isnan(found) or 0 <= found <= 20_000
