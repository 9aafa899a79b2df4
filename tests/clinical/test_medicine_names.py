"""Medicines by their names: what is treated, with what, and what no list knows."""

import pytest
from clinical_tables import ALICE, refused, resolve, write

from screening.clinical import read_clinical

LIPID, PRESSURE = "other_lipid_lowering", "antihypertensive"


def told(folder, name, code=""):
    write(folder, person=[ALICE])
    (folder / "medication.csv").write_text(
        f"mrn,code,start_at,stop_at,name\nA1,{code},2024-05-06,,{name}\n"
    )
    return read_clinical(folder, resolve)


@pytest.mark.parametrize(
    ("concept", "names"),
    [
        ("statin", "Vytorin|Inegy|Lypqozet|Roszet|Lipitor|Sortis|Zypitamag|Flolipid|Altoprev"),
        (LIPID, "Zetia|bempedoic acid|Nexletol|Nexlizet|evolocumab|Repatha|alirocumab|Praluent"),
        (LIPID, "Gemfibrozil|Lopid|bezafibrate|Welchol|Leqvio"),
        (PRESSURE, "hydralazine|labetalol|doxazosin|perindopril|quinapril|nebivolol|indapamide"),
        (PRESSURE, "clonidine|Zestril|Norvasc|Diovan|Cozaar|Benicar|Micardis|Toprol-XL|HCTZ"),
        (PRESSURE, "Amlodipin|Torasemid|Bystolic|Lasix|Coversyl|Tenormin|Cardura"),
    ],
)
def test_names_that_are_known(tmp_path, concept, names):
    for name in names.split("|"):
        tables = told(tmp_path, f"{name} 10 MG Oral Tablet")
        assert tables.event["concept"].to_pylist() == [concept], name


@pytest.mark.parametrize(
    "name", ["Ibuprofen", "timolol ophthalmic", "minoxidil topical", "niacin", "Metformin"]
)
def test_a_name_that_no_list_knows_is_counted(tmp_path, name):
    tables = told(tmp_path, name)
    assert tables.event.num_rows == 0
    assert refused(tables, "medication") == {("code_not_used", "code_not_used"): 1}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Caduet 5 mg/10 mg", ""),
        ("amlodipine 5 MG / atorvastatin 10 MG Oral Tablet", ""),
        ("", "C10BX03"),
        ("", "C10BX11"),
        ("amlodipine / atorvastatin", "83367"),
    ],
)
def test_a_statin_with_a_blood_pressure_drug_is_two_facts(tmp_path, name, code):
    tables = told(tmp_path, name, code)
    assert sorted(tables.event["concept"].to_pylist()) == [PRESSURE, "statin"]


@pytest.mark.parametrize(
    ("name", "intensity"),
    [
        ("Caduet 10 mg/40 mg", ""),  # which of the two is the statin's the name does not say
        ("Vytorin 10 mg/40 mg", ""),
        ("Vytorin (ezetimibe 10 MG / simvastatin 40 MG)", "moderate"),
        ("amlodipine 10 MG / atorvastatin 80 MG", "high"),
    ],
)
def test_of_a_package_of_two_the_statins_strength_counts(tmp_path, name, intensity):
    found = {r["concept"]: r["intensity"] for r in told(tmp_path, name).event.to_pylist()}
    assert found["statin"] == intensity
