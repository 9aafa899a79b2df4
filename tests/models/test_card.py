"""The card tells how a model does on real backgrounds, and where it fails by figures."""

import shutil
from pathlib import Path

import pytest
from judged_case import of

from models.train.card import card

SIMULATED = [
    of(200.0, 150.0, perfect=200.0, wrong=(("LM", "AORTA", 50.0),)),
    of(0.0, 0.0),
]
PLACED = [
    of(90.0, 40.0, perfect=90.0, wrong=(("LAD", "PERICARDIUM", 30.0), ("LAD", "METAL", 20.0))),
    of(0.0, 77.0, wrong=(("AORTA", "LM", 77.0),)),
    of(0.0, 0.0),
]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "default").mkdir()
    shutil.copy(Path("models/default/manifest.json"), tmp_path / "default")
    return tmp_path / "default"


def test_real_backgrounds_have_a_table_of_their_own(folder):
    text = card(folder, {"unseen-default": SIMULATED, "placed-left-out": PLACED}, [])
    table = text.split("*simulated calcium in real scans (n = 3)*")[1].split("##")[0]
    assert "3 draws" in table
    assert "| measure | left-out |" in table
    assert "| specificity >0 | 0.5 |" in table
    assert "| units wrongly counted | 77 |" in table


def test_where_it_fails_is_told_by_figures(folder):
    text = card(folder, {"unseen-default": SIMULATED, "placed-left-out": PLACED}, [])
    fails = text.split("## Where it fails")[1]
    assert "lost to the aorta: 50 Agatston units in 1 of 2 simulated chests; 0 " in fails
    assert "as coronary: 0 Agatston units in 0 of 2 simulated chests; 77 " in fails
    assert "0 of 200 units in simulated chests; 30 of 90 units" in fails
    assert "(pericardium 30)" in fails
    assert "1 of 2 draws in real scans without calcium" in fails


def test_a_model_without_real_backgrounds_has_no_table_of_them(folder):
    text = card(folder, {"unseen-default": SIMULATED}, [])
    assert "in real scans" not in text
