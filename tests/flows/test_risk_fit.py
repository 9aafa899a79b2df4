"""`screening risk fit` as a user meets it, and the fitted model in `risk apply`."""

import csv
import json
import stat

import pyarrow as pa
import pytest
from click.testing import CliRunner
from outcome_case import site_table
from pyarrow import csv as arrow_csv

from flows.cli import cli
from screening.errors import ScreeningError


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fit")
    text, typed = site_table(900, 6, factor=2.0)
    inputs = {n: typed.column(n) for n in typed.column_names if n not in ("row", "refused")}
    table = pa.table({**{n: text.column(n) for n in text.column_names}, **inputs})
    arrow_csv.write_csv(table, folder / "outcomes.csv")
    arguments = ["risk", "fit", "--outcomes", str(folder / "outcomes.csv"), "--out"]
    arguments += [str(folder / "model"), "--group", "ward", "--name", "Our site"]
    return folder, CliRunner().invoke(cli, arguments)


def test_it_writes_model_card_and_report_for_the_owner_alone(fitted):
    folder, result = fitted
    assert result.exit_code == 0, result.output
    names = {"model.json", "card.md", "report.html", "report.json"}
    assert {p.name for p in (folder / "model").iterdir()} == names
    assert all(stat.S_IMODE((folder / "model" / n).stat().st_mode) == 0o600 for n in names)
    assert "not a medical device" in result.stdout
    report = json.loads((folder / "model" / "report.json").read_text())
    assert set(report["models"]) == {"MESA averaged", "recalibrated"}
    assert {f["variable"] for f in report["fairness"]} == {"sex", "age", "race", "ward"}


def test_the_page_fetches_nothing_names_nobody_and_says_what_is_too_little(fitted):
    page = (fitted[0] / "model" / "report.html").read_text()
    for word in ("http:", "https:", "<script", "p17,"):
        assert word not in page.replace('"http://www.w3.org', "")
    for word in ("Our site", "ward", "fewer than 10 events", "Aalen-Johansen", "Decision curve"):
        assert word in page + (fitted[0] / "model" / "card.md").read_text()


def test_the_fitted_model_is_used_where_settings_name_it(fitted, tmp_path):
    folder, _ = fitted
    settings = tmp_path / "screening.toml"
    settings.write_text(f'[risk]\nmodel = "{folder / "model" / "model.json"}"\n')
    people = tmp_path / "people.csv"
    people.write_text("person_id,age_years,sex,agatston\na,60,M,120\n")
    risks = []
    for more in ([], ["--config", str(settings)]):
        out = tmp_path / f"{len(more)}.csv"
        arguments = ["risk", "apply", "--clinical", str(people), "--out", str(out), *more]
        result = CliRunner().invoke(cli, arguments)
        assert result.exit_code == 0, result.output
        with out.open(newline="") as file:
            risks.append(float(next(csv.DictReader(file))["model_risk"]))
    assert risks[1] > 1.2 * risks[0]
    assert "Our site" in result.stdout


def test_a_sweep_refuses_a_model_that_is_none_before_it_begins(tmp_path):
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "a.txt").write_text("no scan")
    settings = tmp_path / "screening.toml"
    settings.write_text(f'[risk]\nmodel = "{settings}"\n')
    arguments = ["sweep", "--archive", str(tmp_path / "archive"), "--lake", str(tmp_path / "lake")]
    result = CliRunner().invoke(cli, [*arguments, "--config", str(settings)])
    assert "not a model.json of `screening risk fit`" in str(result.exception)
    assert not (tmp_path / "lake").exists()


def test_a_sweep_refuses_a_model_of_five_years_and_risk_apply_says_five(fitted, tmp_path):
    model = json.loads((fitted[0] / "model" / "model.json").read_text()) | {"years": 5}
    (tmp_path / "model.json").write_text(json.dumps(model))
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "a.txt").write_text("no scan")
    settings = tmp_path / "screening.toml"
    settings.write_text(f'[risk]\nmodel = "{tmp_path / "model.json"}"\n')
    more = ["--config", str(settings)]
    arguments = ["sweep", "--archive", str(tmp_path / "archive"), "--lake", str(tmp_path / "lake")]
    result = CliRunner().invoke(cli, [*arguments, *more])
    assert isinstance(result.exception, ScreeningError)
    assert "its risk is of 5 years, flags look at risks of 10" in str(result.exception)
    assert not (tmp_path / "lake").exists()
    people = tmp_path / "people.csv"
    people.write_text("person_id,age_years,sex,agatston\na,60,M,120\n")
    arguments = ["risk", "apply", "--clinical", str(people), "--out", str(tmp_path / "out.csv")]
    result = CliRunner().invoke(cli, [*arguments, *more, "--json"])
    assert json.loads(result.stdout)["model_years"] == 5
    result = CliRunner().invoke(cli, [*arguments, *more])
    (line,) = [
        line for line in result.stdout.splitlines() if line.strip(" │").startswith("model_risk ")
    ]
    assert line.split("│")[1].strip() == "5"


def test_too_few_events_are_one_line_and_leave_nothing(tmp_path):
    file = tmp_path / "outcomes.csv"
    file.write_text(
        "person_id,age_years,sex,scan_date,prevalent,followup_years,outcome\n"
        "a,60,M,2010-01-01,0,12,none\nb,61,F,2011-01-01,0,12,event\n"
    )
    arguments = ["risk", "fit", "--outcomes", str(file), "--out", str(tmp_path / "model")]
    result = CliRunner().invoke(cli, arguments)
    assert isinstance(result.exception, ScreeningError)
    assert "events within 10 years" in str(result.exception)
    assert not (tmp_path / "model").exists()
