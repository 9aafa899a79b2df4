"""`screening risk apply` and `risk equations` as a user meets them."""

import csv
import json
import stat
from math import exp

import pytest
from click.testing import CliRunner

from flows.cli import cli
from flows.risk_apply import ADDED
from screening.errors import ScreeningError
from screening.risk import EQUATIONS, MODEL
from screening.tables import PEOPLE_RISK

INPUTS = (
    "person_id,age_years,sex,race,total_cholesterol_mg_dl,hdl_cholesterol_mg_dl,systolic_bp_mmhg,"
    "bp_treated,lipid_treated,diabetes,smoker,family_history_mi,egfr,bmi,agatston"
)
# The contract of the command line, in its own words.
CONTRACT = [
    "mesa_chd_10y", "mesa_chd_10y_cac", "prevent_cvd_10y", "prevent_cvd_30y", "prevent_ascvd_10y",
    "prevent_ascvd_30y", "prevent_hf_10y", "prevent_hf_30y", "pce_ascvd_10y", "frs_cvd_10y",
    "score2_low", "score2_moderate", "score2_high", "score2_very_high", "model_risk",
    "model_risk_low", "model_risk_high", "model_imputed", "reasons",
]  # fmt: skip
ROWS = (
    "vector,50,F,black,200,45,160,1,0,1,0,0,90,35,",
    "whole,55,M,white,213,50,140,0,0,0,0,0,90,27,100",
    "other,55,M,other,213,50,140,0,0,0,0,0,90,27,100",
    "negative,-55,M,white,213,50,140,0,0,0,0,0,90,27,100",
    "mmol,55,M,white,5.5,1.3,140,0,0,0,0,0,90,27,100",
    "sexless,55,,white,213,50,140,0,0,0,0,0,90,27,100",
    "twice,55,M,white,213,50,140,0,0,0,0,0,90,27,100",
    "twice,55,M,white,213,50,140,0,0,0,0,0,90,27,100",
    "two,55,M,white,213,50,140,0,0,0,0,0,90,27,100",
    "two,55,F,white,213,50,140,0,0,0,0,0,90,27,100",
)


def run(tmp_path, *rows, header=INPUTS, options=()):
    source, out = tmp_path / "people.csv", tmp_path / "risks.csv"
    source.write_text("\n".join((header, *rows, "")), encoding="utf-8")
    arguments = ["risk", "apply", "--clinical", str(source), "--out", str(out), *options]
    result = CliRunner().invoke(cli, arguments)
    if isinstance(result.exception, ScreeningError):
        assert not out.exists()
        assert {p.name for p in tmp_path.iterdir()} == {"people.csv"}
        raise result.exception
    assert result.exit_code == 0, result.output
    with out.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file)), result


def test_columns_rows_and_order_are_the_contract(tmp_path):
    rows, _ = run(tmp_path, *ROWS)
    assert list(rows[0]) == [*INPUTS.split(","), *CONTRACT]
    assert [*ADDED] == CONTRACT
    assert [row["person_id"] for row in rows] == [line.split(",")[0] for line in ROWS]


def test_a_published_vector_through_the_whole_command(tmp_path):
    row = run(tmp_path, *ROWS)[0][0]
    expected = {
        "prevent_cvd_10y": 0.147, "prevent_ascvd_10y": 0.092, "prevent_hf_10y": 0.081,
        "prevent_cvd_30y": 0.530, "prevent_ascvd_30y": 0.354, "prevent_hf_30y": 0.390,
        "pce_ascvd_10y": 0.245,
    }  # fmt: skip
    assert {name: round(float(row[name]), 3) for name in expected} == expected
    assert row["mesa_chd_10y"]
    assert not row["mesa_chd_10y_cac"]
    assert "missing_input agatston: mesa_chd_10y_cac" in row["reasons"]


def test_bad_people_are_named_and_counted_and_the_rest_goes_on(tmp_path):
    rows, result = run(tmp_path, *ROWS, "cut,55,M", options=["--json"])
    facts = json.loads(result.stdout)
    # By position: two people stand there twice.
    reasons = [row["reasons"] for row in rows]
    assert reasons[1] == ""
    assert reasons[3] == "out_of_range age_years: all"
    assert reasons[4].startswith("unit_suspect total_cholesterol_mg_dl: mesa_chd_10y, ")
    assert "unit_suspect hdl_cholesterol_mg_dl: mesa_chd_10y, " in reasons[4]
    assert reasons[5:] == [
        "missing_input sex: all equations", "", "duplicate_row person_id: all",
        "identity_conflict person_id: all", "identity_conflict person_id: all",
    ]  # fmt: skip
    assert (facts["rows"], facts["rows_left_out"], facts["lines_left_out"]) == (10, 1, [12])
    assert facts["causes"]["identity_conflict person_id"] == 2
    assert facts["causes"]["unit_suspect hdl_cholesterol_mg_dl"] == 1
    assert facts["estimated"]["frs_cvd_10y"] == sum(bool(row["frs_cvd_10y"]) for row in rows) == 4
    assert facts["equation_for_white_people"] == {"pce_ascvd_10y": 1}
    assert "left out: rows with too many or too few cells: 1 (line 12)" in result.stderr
    assert "by the equation for white people" in result.stderr


def test_every_empty_cell_has_a_reason_and_every_estimate_none(tmp_path):
    rows, _ = run(tmp_path, *ROWS, "old,88,F,,213,50,140,0,,0,0,0,10,45,", "nobody,,,,,,,,,,,,,,")
    for row in rows:
        said = {
            name
            for item in filter(None, row["reasons"].split("; "))
            for name in item.split(": ")[-1].split(", ")
        }
        columns = {e.column for e in (*EQUATIONS, MODEL)}
        empty = {name for name in columns if not row[name]}
        assert (
            said == empty
            or ("all" in said and empty == columns)
            or ("all equations" in said and empty == columns - {"model_risk"})
        )
        assert (
            bool(row["model_risk"]) is bool(row["model_risk_low"]) is bool(row["model_risk_high"])
        )


def test_what_the_file_holds_besides_comes_back_as_it_was(tmp_path):
    rows, result = run(
        tmp_path,
        '007,61.50,f,"a ""note"", with; marks"',
        " 8 ,60,M,",
        header="person_id,age_years,sex,ward",
    )
    assert [list(row.values())[:4] for row in rows] == [
        ["007", "61.50", "f", 'a "note", with; marks'],
        [" 8 ", "60", "M", ""],
    ]
    assert "no input, passed on as it is: ward" in result.stderr
    assert "unknown for everybody: race, total_cholesterol_mg_dl" in result.stderr


def test_the_answer_is_its_owners_alone_also_over_an_open_file(tmp_path):
    (tmp_path / "risks.csv").write_text("old")
    (tmp_path / "risks.csv").chmod(0o644)
    run(tmp_path, *ROWS)
    assert stat.S_IMODE((tmp_path / "risks.csv").stat().st_mode) == 0o600
    assert {p.name for p in tmp_path.iterdir()} == {"people.csv", "risks.csv"}


def test_contributions_are_columns_that_add_up(tmp_path, tmp_path_factory):
    rows, _ = run(tmp_path, *ROWS, options=["--contributions"])
    for row in rows:
        adds = [v for name, v in row.items() if name.startswith("model_adds_")]
        assert len(adds) == 14  # reference, eleven inputs, race, averaging
        if row["model_risk"]:
            total = sum(map(float, adds))
            assert 1 - exp(-exp(total)) == pytest.approx(float(row["model_risk"]), rel=1e-9)
        else:
            assert not any(adds)
    header = f"{INPUTS},model_adds_race"
    with pytest.raises(ScreeningError, match="already has the column model_adds_race"):
        run(
            tmp_path_factory.mktemp("clash"),
            f"{ROWS[0]},1",
            header=header,
            options=["--contributions"],
        )


def test_a_header_alone_is_a_table_of_nobody(tmp_path):
    rows, result = run(tmp_path, options=["--json"])
    assert rows == []
    assert json.loads(result.stdout)["rows"] == 0


@pytest.mark.parametrize(
    ("header", "rows", "says"),
    [
        ("person_id,age_years", ["a,60"], "no column sex"),
        (f"{INPUTS},score2_low", [f"{ROWS[0]},1"], "already has the column score2_low"),
        (INPUTS, ['a,60,"F'], "a quotation mark in it is not closed"),
    ],
)
def test_a_table_that_cannot_be_used_is_one_line_and_leaves_nothing(tmp_path, header, rows, says):
    with pytest.raises(ScreeningError, match=says):
        run(tmp_path, *rows, header=header)


def test_the_question_is_never_overwritten_by_the_answer(tmp_path):
    file = tmp_path / "people.csv"
    file.write_text(f"{INPUTS}\n{ROWS[1]}\n")
    arguments = ["risk", "apply", "--clinical", str(file), "--out", str(file)]
    result = CliRunner().invoke(cli, arguments)
    assert "give another name to --out" in str(result.exception)
    assert file.read_text() == f"{INPUTS}\n{ROWS[1]}\n"


def test_a_folder_that_is_not_there(tmp_path):
    file = tmp_path / "people.csv"
    file.write_text(f"{INPUTS}\n{ROWS[1]}\n")
    arguments = ["risk", "apply", "--clinical", str(file), "--out", str(tmp_path / "no" / "r.csv")]
    result = CliRunner().invoke(cli, arguments)
    assert isinstance(result.exception, ScreeningError)
    assert "cannot write" in str(result.exception)


def test_the_summary_tells_endpoints_and_causes(tmp_path):
    output = run(tmp_path, *ROWS)[1].stdout
    assert "10 rows of" in output
    for equation in EQUATIONS:
        assert equation.column in output
        assert equation.endpoint in output
    assert "out_of_range age_years" in output
    assert "not a medical device" in output


def test_equations_are_told_to_people_and_to_programs():
    text = CliRunner().invoke(cli, ["risk", "equations"]).stdout
    facts = json.loads(CliRunner().invoke(cli, ["risk", "equations", "--json"]).stdout)
    beside = ("row", "model_risk_low", "model_risk_high", "model_imputed", "reasons")
    assert [f["column"] for f in facts] == [n for n in PEOPLE_RISK.schema.names if n not in beside]
    for fact in facts:
        assert fact["endpoint"] in text
        assert fact["source"] in text
        assert fact["race"] in text
    assert facts[0]["ranges"] == {"age_years": "45 to 84"}


def test_the_help_names_every_column_that_is_read():
    text = CliRunner().invoke(cli, ["risk", "apply", "--help"]).stdout
    for name in INPUTS.split(","):
        assert name in text
