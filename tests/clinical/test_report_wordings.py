"""Other names and other orders in which reports state a score, and what only reads so."""

import pytest

from screening.clinical.report_scores import reported_score

_TITLE = "CT CHEST WITHOUT CONTRAST AND CORONARY CALCIUM SCORE"


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("CAC scoring: 149", 149.0),
        ("Coronary CAC scoring: 149.", 149.0),
        ("IMPRESSION: CAC-scoring result 149.", 149.0),
        ("CAC scoring = 0", 0.0),
        ("CAC scoring of 1,149 (91st percentile)", 1149.0),
        (f"{_TITLE}. Lungs are clear. Total Agatston score 149.", 149.0),
        (f"{_TITLE}\nFINDINGS: Total Agatston score 149.", 149.0),
        (f"EXAM: {_TITLE}\nFINDINGS:\nAgatston score: 149", 149.0),
        (f"{_TITLE}\nCalcium score:\nLM 0\nLAD 100\nLCX 20\nRCA 29\nTotal 149", 149.0),
        ("CT of the chest w/o contrast with coronary artery calcium scoring.\nAgatston 149", 149.0),
        ("Noncontrast CT chest without IV contrast plus calcium score. Agatston score 12.", 12.0),
    ],
)
def test_scores_by_another_name_and_beside_a_chest(text, score):
    assert reported_score(text) == score


@pytest.mark.parametrize(
    "text",
    [
        "CAC scoring: 3 vessels",
        "CAC scoring: 75571",
        "CAC scoring 75571",
        "CAC scoring: pending. 3 nodules.",
        "CAC scoring at 120 kVp",
        "CAC scoring: 120 kVp, 3 mm",
        "CAC scoring: not performed. 3 nodules",
        "CAC scoring not performed; 3 nodules",
        "No CAC scoring: 149 days since the last",
        "Recommend CAC scoring: 149",
        "TECHNIQUE: CAC scoring: 3 mm",
        "CAC scoring with 64 slices",
        "CAC scoring > 100 warrants statin therapy.",
        "Brother's CAC scoring: 149",
        "Visual CAC scoring: 3",
        "Aortic valve CAC scoring: estimated 149",
        # A chest CT is of no calcium score for naming one.
        "CT CHEST WITHOUT CONTRAST. Total Agatston score 149.",
        "CT CHEST WITHOUT CONTRAST, WITHOUT CORONARY CALCIUM SCORE. Agatston score 149.",
        "CT CHEST WITHOUT CONTRAST AND WITHOUT CORONARY CALCIUM SCORE. Agatston score 149.",
        "CT CHEST WITHOUT CONTRAST, NO CORONARY CALCIUM SCORE. Agatston score 149.",
        "CT CHEST WITHOUT CONTRAST COMPARED WITH CORONARY CALCIUM SCORE. Agatston score 149.",
        "CT CHEST WITHOUT CONTRAST. INDICATION: follow-up and calcium score. Agatston score 149.",
        f"{_TITLE}. Non-gated technique. Total Agatston score 149.",
        f"{_TITLE}. Estimated Agatston score 149.",
        f"{_TITLE}. No Agatston score; 149 images.",
        f"{_TITLE}. Agatston score was not obtained. 149 images.",
        f"{_TITLE}. Aortic valve Agatston score 149.",
        f"{_TITLE}. Lung-RADS 2. Agatston score 149.",
    ],
)
def test_what_is_no_score_under_those_names(text):
    assert reported_score(text) is None


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("Total calcium score by Agatston method: 33 AU", 33.0),
        ("Total Agatston score by the Agatston method is 33.", 33.0),
        ("Coronary calcium score by Agatston scoring is 201.", 201.0),
        ("Calcium score using the Agatston method: 145.", 145.0),
        ("Agatston score using AJ-130 method: 201", 201.0),
        (
            "Coronary calcium CT. LM 0, LAD 123, LCX 20, RCA 50. Total 193. The lungs are not "
            "completely imaged on this examination.",
            193.0,
        ),
        ("Calcium scoring CT. LAD 123. LCX 20. RCA 50. Total score 193.", 193.0),
        ("Coronary calcium score is as follows: LM 0, LAD 34, LCX 0, RCA 0. Total 34.", 34.0),
        ("Total score 245 (Agatston), LAD 200, RCA 45.", 245.0),
        ("Zero calcium score.", 0.0),
        ("IMPRESSION: 1. Zero coronary calcium score.", 0.0),
        ("The patient has zero calcium score.", 0.0),
        ("coronary calcium scan 7/2020: score 65", 65.0),
        ("Calcium scan 3/2019 showed a score of 65.", 65.0),
        ("Previous calcium score 150, now 320.", 320.0),
        ("Previous calcium score 320 (2019), now 150.", 150.0),
        ("Previous calcium score 150, now 320 Agatston units, all in the LAD.", 320.0),
        ("Calcium score 10 in 2015, now 58 and asymptomatic.", 10.0),
        ("Calcium score 10 in 2015, now 58 y/o.", 10.0),
        ("Previous calcium score 150, now on statin 40 mg.", 150.0),
        ("Previous calcium score 150, now 65 years old.", 150.0),
        ("Syntax total score 22 (Agatston 0).", 0.0),
        ("Total score 22 (Agatston units).", 22.0),
        ("Calcium score by the Agatston method of 245.", 245.0),
        ("Zero calcium score on 3/2020.", 0.0),
        ("Zero calcium score this year.", 0.0),
        ("Calcium score 120 in 2020 in view of his father's infarction.", 120.0),
        ("Calcium score 120 in 2020 in the light of a strong family history.", 120.0),
        ("Calcium score 120 in 2020, better than that of her sister.", 120.0),
    ],
)
def test_scores_by_method_as_a_list_or_the_other_way_round(text, score):
    assert reported_score(text) == score


@pytest.mark.parametrize(
    "text",
    [
        "Patient thinks the calcium score was 300 but records show it was never performed.",
        "Patient thinks the calcium score was 300.",
        "The calcium score was said to be 300 but it was never performed",
        "S: moderate CAC 2+",
        "CAC: 4+",
        "No zero calcium score.",
        "Zero calcium score.\n1-10 minimal\n11-100 mild",
        "Power of zero calcium score.",
        "A zero calcium score implies low risk.",
        "Zero calcium score in young adults predicts a long life.",
        "Goal: zero calcium score.",
        "Mother had a zero calcium score.",
        "Patients with zero calcium score have low risk.",
        "Zero calcium score would be reassuring.",
        "Consider coronary calcium scan 7/2020: score 65",
        "Coronary calcium scan 7/2020: score not available",
        "Recommend calcium score by Agatston method.",
        "Calcium score by Agatston method: not performed.",
        "Calcium score by the Agatston method (1990).",
        "Agatston method: 33 slices",
        "Aortic valve total score 245 (Agatston).",
        "Total score 5 (Duke).",
        "Father's calcium score 150, now 320.",
        "Calcium score by the Agatston method of 1990.",
        "Calcium scoring using the Agatston method of 1990 was requested.",
        "Zero calcium score on 3/2020 in her sister.",
        "Zero calcium score in 2020 for his older brother.",
        "Calcium score of 120 on 3/2020 in her sister.",
        "Calcium score 120 obtained in 2020 for his brother.",
        "Calcium score of 120 in 2020 in her older sister.",
        "LVOT calcium score 300.",
        "Assuming CAC = 100, risk would be 8%.",
        "Power of zero: CAC 0 has low risk.",
        "The risk of an event with a calcium score of 350 is 2% a year.",
        "Si score Agatston > 100, statine.",
        "Vater: Agatston 900.",
        "Broer heeft Agatston score 800.",
        "CAC score of 5 (range 0-12)",
        "CAC 1 (visuell)",
    ],
)
def test_what_is_no_score_though_it_reads_nearly_so(text):
    assert reported_score(text) is None


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("Coronary calcium score 12 in 2015, now 88 today.", 88.0),
        ("Calcium score obtained today equals 78.", 78.0),
        ("Total score: 78 Agatston units", 78.0),
    ],
)
def test_today_and_units_tell_a_score(text, score):
    assert reported_score(text) == score
