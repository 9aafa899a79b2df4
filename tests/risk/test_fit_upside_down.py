"""Outcomes that contradict calcium give no model in which calcium protects."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from outcome_case import site_table
from scipy.special import expit, logit

from screening.config import RiskSettings
from screening.errors import ScreeningError
from screening.risk import fit_site, use_for_flag
from screening.risk.joint import LN_CALCIUM
from screening.risk.linear_model import mesa_model, read_model
from screening.risk.survival import calibration_line, rising_line

RISK = np.linspace(0.01, 0.3, 60)
ONES = np.ones(60)


def events(at):
    found = np.zeros(60)
    found[list(at)] = 1.0
    return found


@pytest.mark.parametrize(
    "event",
    [events(range(0, 20, 2)), events(range(50, 60))],
    ids=["fewer events at higher risk", "events apart from the rest"],
)
def test_where_no_rising_line_fits_the_intercept_alone_meets_the_number_of_events(event):
    intercept, slope = rising_line(RISK, event, ONES)
    assert slope == 1.0
    assert expit(intercept + logit(RISK)).sum() == pytest.approx(event.sum(), rel=1e-9)


def test_a_rising_line_is_taken_as_it_is():
    event = events([*range(0, 60, 9), *range(40, 60, 2)])
    assert rising_line(RISK, event, ONES) == calibration_line(RISK, event, ONES)
    assert rising_line(RISK, event, ONES)[1] > 0


def fit(text, typed, columns=()):
    return fit_site(
        text, typed, RiskSettings(columns=columns), 10.0, "site", "CHD", (),
        today=date(2026, 1, 1), rows_left_out={},
    )  # fmt: skip


@pytest.mark.parametrize("n", [900, 6000], ids=["recalibration", "enough to refit"])
def test_scores_turned_round_make_no_model_in_which_calcium_protects(n):
    text, typed = site_table(n, 6, factor=2.0)
    place = typed.column_names.index("agatston")
    turned = 3000.0 / (1.0 + typed.column("agatston").to_numpy())
    typed = typed.set_column(place, "agatston", pa.array(turned))
    model, report = fit(text, typed)
    assert model.recalibration is not None
    assert model.recalibration[1] > 0
    assert model.coefficient("ln_agatston_plus_1") > 0
    assert report.step == "recalibration"


def test_a_column_of_words_is_refused_in_one_line():
    text, typed = site_table(700, 6, factor=2.0)
    with pytest.raises(ScreeningError, match=r"column ward, which .* holds no number"):
        fit(text, typed, columns=("ward",))


def test_a_model_whose_risk_falls_with_mesas_is_no_model(tmp_path):
    file = tmp_path / "model.json"
    falls = mesa_model().model_copy(update={"name": "ours", "recalibration": (-4.3, -0.31)})
    file.write_text(falls.model_dump_json())
    with pytest.raises(ScreeningError, match=r"not a model\.json"):
        read_model(file)


def test_a_model_whose_risk_falls_with_calcium_is_refused_when_read(tmp_path):
    file = tmp_path / "model.json"
    mesa = mesa_model()
    turned = mesa.coefficients | {LN_CALCIUM: -mesa.coefficient(LN_CALCIUM)}
    falls = mesa.model_copy(update={"name": "ours", "coefficients": turned})
    file.write_text(falls.model_dump_json())
    with pytest.raises(ScreeningError, match=r"^risk model model\.json: risk falls with calcium"):
        read_model(file)
    with pytest.raises(ScreeningError, match="risk falls with calcium"):
        use_for_flag(RiskSettings(model=str(file)))
