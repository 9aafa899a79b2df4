"""The page of `screening explain`: it stands alone and is read without the program."""

import base64
import re
from itertools import pairwise

import pytest
from explain_case import PNG

from flows import remarks, scan_words, show, words
from flows.explain import explain


def test_a_page_tells_the_intervals_of_volume_and_mass(page):
    text = page("metal").text
    for line in (
        "All together: volume 570.0 mm³ (95 %: 401.0 to 902.0), ",
        "mass 98.0 mg (95 %: 41.0 to 152.0).",
        "560.0 mm³ (95 %: 402.0 to 903.0)",
        "110.0 mg (95 %: 43.0 to 153.0)",
    ):
        assert line in text


def test_a_gated_scan_is_not_told_as_one_that_is_not(page, told):
    assert "A2/N3 (class and arteries, of an ECG-gated scan)" in page("metal").text
    assert "CAC-DRS A2/N3 (of an ECG-gated scan)" in told("metal").text
    row = next(r for r in told("metal").facts["current"] if r["state"] == "scored")
    routine = row | {"is_gated": False, "quality_flags": ["heart_incomplete"]}
    assert ("older groups of four", "100–399 or a higher one") in scan_words.beside(routine)
    assert "at least 3 of 4 arteries calcified" in words.beside(routine)
    other = routine | {"kvp_source": "table", "agatston_kvp": 110.0, "agatston_native": 130.0}
    told = [text for _, text in scan_words.beside(other)]
    assert "at least 110.0 units (published)" in told
    assert "at least 130.0 units; averages were scored" in told
    assert ("CAC-DRS", "A2/N3 (class and arteries, A-equivalent, non-gated, at least)") in (
        scan_words.beside(routine)
    )
    assert "CAC-DRS A2/N3 (A-equivalent, non-gated, at least)" in " ".join(words.beside(routine))


PEOPLE = ("high", "metal", "norecord", "zero", "ill", "failed", "grown", "stable", "changed")


@pytest.mark.parametrize("key", [*PEOPLE, "shigh", "sr-of-high", "slonely", "stable-2022"])
def test_a_page_stands_alone_and_can_be_read_aloud(page, key):
    read = page(key)
    assert not read.all("script")
    assert not read.all("link")
    assert not read.all("a")
    assert all(image["src"].startswith("data:image/png;base64,") for image in read.all("img"))
    assert all(len(image["alt"]) > 40 for image in read.all("img"))
    assert read.all("html") == [{"lang": "en"}]
    levels = [int(tag[1]) for tag, _ in read.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all("scope" in cell for cell in read.all("th"))
    assert show.NOTICE in read.text
    assert "It is identified data" in read.text


@pytest.mark.parametrize("key", PEOPLE)
def test_a_page_has_no_code_of_the_program(page, key):
    text = page(key).text
    assert "_" not in text
    for sign in ("{", "None", "True", "False", "datetime", "['", "[1000", "nan"):
        assert sign not in text


def test_two_saved_pages_cannot_be_mixed_up(page):
    read = page("shigh")
    stamp = "shigh, high – scan of 2026-06-01 – as of 2026-11-01"
    assert read.text.count(stamp) == 3  # the window's title, the head, every printed sheet
    assert "grown – scans of 2022-06-01, 2024-06-01 – as of 2026-11-01" in page("grown").text


def test_a_page_is_closed_to_others_even_over_an_open_file(small_lake, tmp_path):
    out = tmp_path / "page.html"
    out.write_text("what anyone may read")
    out.chmod(0o644)
    explain(small_lake, "high", out)
    assert out.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [out]  # one file, the picture in it


def test_a_high_score_on_a_page(page, told, tmp_path):
    read = page("high")
    for sentence in (
        "Coronary calcium was found on the scan of 2026-06-01: Agatston score 2,137, "
        "category 1000 and above (doubtful: may be too high or too low).",
        "On the list of people at high risk whose calcium was never formally scored: "
        "Agatston 1000 or more.",
        remarks.EXPLAINED["metal_near_heart"],
        "Aortic valve: Agatston 49.4",
        "(near the heart and along the thoracic aorta within the scan; not in the score).",
        "204 mg/dL, 37 days before the scan",
        "10-year CHD risk without calcium 65.8 %, with calcium 32.3 %",
        "The series is not computed tomography.",
        "default, sha256 aaaaaaaaaaaa",
    ):
        assert sentence in read.text
    (image,) = read.all("img")
    assert base64.b64decode(image["src"].partition(",")[2]) == PNG
    assert "left anterior descending 2,137" in image["alt"]
    assert "Calcium of the aorta is not counted either; on the right it is bright" in read.text
    text = told("high", tmp_path / "told.html").text
    assert "  picture: on the page\n" in text
    assert text.count("told.html") == 1
    assert f"page: {tmp_path / 'told.html'} (identified data; delete after use)" in text


def test_what_may_be_too_high_is_no_lower_bound_anywhere(page, told):
    """A possible stent was counted beside a sure one: there may be more, and less."""
    row = next(r for r in told("high").facts["current"] if r["state"] == "scored")
    clips = row | {"agatston_low": 1800.0, "agatston_high": None, "category_probability": None}
    assert "may be too high or too low" in words.likely(clips)
    assert "may be too high or too low" not in words.likely(clips | {"agatston": 0.0})
    for text in (page(p).text + told(p).text for p in ("metal", "high")):
        assert "at least" not in text
        assert "or a higher one" not in text
        assert "(doubtful: may be too high or too low)" in text


def test_a_zero_of_a_cut_heart_is_told_as_what_was_seen(page, told):
    text = page("cut").text
    lead = "No coronary calcium was detected on the scan of 2026-06-01: Agatston score at least 0, "
    assert f"{lead}category 0 or a higher one." in text
    assert "older groups of four" not in text  # nothing beside this score
    row = next(r for r in told("cut").facts["current"] if r["state"] == "scored")
    grid = scan_words.by_artery(row)
    assert [cells[1] for cells in grid.rows] == [*["none seen"] * 4, "at least 0"]
    assert "category 0 or a higher one: seen in the left main 0.0, " in told("cut").text
    whole = row | {"quality_flags": []}
    assert [cells[1] for cells in scan_words.by_artery(whole).rows] == ["0"] * 5


def test_a_zero_on_a_page_is_no_reassurance(page):
    read = page("zero")
    assert "No coronary calcium was detected on the scan of 2026-06-01" in read.text
    assert "It is never reassurance" in read.text
    assert "No picture: none is made of a score of zero." in read.text
    assert not read.all("img")


def test_no_score_on_a_page_is_no_zero_and_says_why(page):
    text = page("failed").text
    assert "No scan of this person gave a score that counts. That is not a score of zero." in text
    why = "One or more slices are missing where the heart lies. (holes at the heart: 1)"
    assert text.count(why) == 2
    other = page("sr-of-high").text
    assert "This series has no score. That is not a score of zero." in other
    assert "another scan: 2026-06-01, series shigh, Agatston 2,137." in other
    assert "The series is not computed tomography." in page("slonely").text


def test_scans_over_time_on_a_page(page):
    grown = page("grown").text
    assert "From 2022-06-01 to 2024-06-01 (2.0 years): progression by its size, but" in grown
    changed = page("changed").text
    assert "growth of calcium cannot be told. The two scans' tube voltage differs" in changed
    assert "Earlier and later scans" not in page("high").text


@pytest.mark.parametrize("key", ["out", "sout"])
@pytest.mark.parametrize("name", ["p.html", "p.png", None])
def test_of_who_opted_out_that_alone_is_told_and_nothing_is_written(told, tmp_path, key, name):
    out = tmp_path / name if name else None
    found = told(key, out)
    assert found.text.splitlines() == [
        "person out, as of 2026-11-01",
        "  The person has opted out. Nothing more is told.",
        "",
        *([f"no page or picture was written to {out}"] if out else []),
        show.NOTICE,
    ]
    assert list(tmp_path.iterdir()) == []
    kept = {k: v for k, v in found.facts.items() if v not in ([], None)}
    assert set(kept) == {"key", "as_of", "people"} | ({"out"} if out else set())
    assert set(kept["people"][0]) == {"person_key", "flag", "reasons"}


def test_beside_every_risk_of_known_disease_is_said_that_it_is_of_others(page):
    assert page("ill").text.count("; this says nothing of the person: the equations were made") == 3
    assert "this says nothing of the person" not in page("high").text
