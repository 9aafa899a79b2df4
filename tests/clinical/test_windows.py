"""Windows of single concepts are of concepts there are."""

import pytest
from clinical_tables import ALICE, resolve, write

from screening.clinical import read_clinical
from screening.config import ClinicalSettings
from screening.errors import ScreeningError


def test_a_window_for_what_no_code_is_of_is_refused_in_one_line(tmp_path):
    write(tmp_path, person=[ALICE])
    known = ClinicalSettings(value_years_of={"systolic_bp_mmhg": 2})
    assert read_clinical(tmp_path, resolve, known).person.num_rows == 1
    wrong = ClinicalSettings(value_years_of={"systolic": 2})
    with pytest.raises(ScreeningError, match="names systolic, which no code is of; known: bmi"):
        read_clinical(tmp_path, resolve, wrong)
