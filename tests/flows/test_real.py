"""Real, de-identified chest CTs, where the folder with them lies beside the checkout."""

import json
from pathlib import Path

import pydicom
import pytest
from night import Screening, open_lake

REAL = Path(__file__).parents[3] / "shared" / "real-ct"
pytestmark = pytest.mark.skipif(
    not REAL.is_dir(), reason="the real scans are not beside this checkout"
)

CHESTS = ("chest-68M", "chest-70F", "chest-80M")


@pytest.fixture(scope="module")
def lake(screening: Screening, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("real") / "lake"
    done = screening("sweep", "--archive", str(REAL), "--lake", str(folder))
    assert done.returncode == 0, done.stderr
    return folder


def by_folder(lake: Path) -> dict[str, list[dict[str, object]]]:
    """Current dispositions by the folder their files lie in."""
    opened = open_lake(lake)
    where = {
        r["series_key"]: r["path"].split("/")[0] for r in opened.read_index().instances.to_pylist()
    }
    found: dict[str, list[dict[str, object]]] = {}
    for row in opened.read("dispositions").to_pylist():
        found.setdefault(where[row["series_key"]], []).append(row)
    return found


def test_the_three_chests_are_scored(lake: Path) -> None:
    rows = by_folder(lake)
    for name in CHESTS:
        assert [r["state"] for r in rows[name]] == ["scored"], (name, rows[name][0]["reasons"])


def test_each_chest_is_in_a_low_category(lake: Path) -> None:
    """By eye: about 19, about 16, and none; far from the flag's first threshold of 100."""
    rows = by_folder(lake)
    for name in CHESTS:
        assert rows[name][0]["agatston"] < 100, name


def test_the_head_is_refused_for_what_it_is(lake: Path) -> None:
    (row,) = by_folder(lake)["head-tilt"]
    assert row["state"] == "ineligible"
    assert set(row["reasons"]) & {"not_chest", "tilt_uncorrected"}


def test_the_contrast_abdomen_is_refused_for_what_it_is(lake: Path) -> None:
    for row in by_folder(lake)["contrast-abdomen-j2k"]:
        assert row["state"] == "ineligible"
        assert set(row["reasons"]) & {"contrast_tag", "contrast_pixels", "not_chest"}


def test_the_sums_hold(screening: Screening, lake: Path) -> None:
    facts = json.loads(screening("status", "--lake", str(lake), "--json").stdout)
    files = facts["files"]
    assert files["seen"] == sum(1 for p in REAL.rglob("*") if p.is_file())
    assert files["seen"] == sum(v for k, v in files.items() if k != "seen")


def test_score_gives_the_contract_for_a_real_scan(screening: Screening) -> None:
    done = screening("score", str(REAL / "chest-68M"), "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["series"]["n_slices"] == 167
    assert facts["series"]["spacing_mm"][2] == pytest.approx(2.0, abs=0.01)
    assert facts["status"] == "scored"
    assert set(facts["vessels"]) == {"LM", "LAD", "LCX", "RCA"}
    assert {"load", "infer", "score"} <= set(facts["seconds"])
    header = pydicom.dcmread(next((REAL / "chest-68M").iterdir()), stop_before_pixels=True)
    assert facts["series"]["kvp"] == float(header.KVP)
