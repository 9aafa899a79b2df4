"""A table of people as somebody hands it over: units, words, copies, broken rows."""

import pytest

from screening.clinical import open_people, people_file, read_people, take_census
from screening.errors import ScreeningError
from screening.tables import PEOPLE

HEADER = (
    "person_id,age_years,sex,race,total_cholesterol_mg_dl,hdl_cholesterol_mg_dl,systolic_bp_mmhg,"
    "bp_treated,lipid_treated,diabetes,smoker,family_history_mi,egfr,bmi,agatston"
)
GOOD = "a,55,M,white,213,50,140,0,1,0,0,0,90,27.5,100"


def read(tmp_path, *lines, header=HEADER, encoding="utf-8"):
    file = tmp_path / "people.csv"
    file.write_bytes("\n".join((header, *lines, "")).encode(encoding))
    people = open_people(file)
    census = take_census(people)
    rows = [row for _, typed in read_people(people, census) for row in typed.to_pylist()]
    assert len(rows) == census.n_rows
    return rows, census


def changed(**change):
    cells = dict(zip(HEADER.split(","), GOOD.split(","), strict=True))
    return ",".join({**cells, **change}.values())


def one(tmp_path, **change):
    rows, _ = read(tmp_path, changed(**change))
    return rows[0]


def test_a_good_row(tmp_path):
    assert one(tmp_path) == {
        "row": 1, "age_years": 55.0, "sex": "M", "race": "white",
        "total_cholesterol_mg_dl": 213.0, "hdl_cholesterol_mg_dl": 50.0,
        "systolic_bp_mmhg": 140.0, "bp_treated": 0.0, "lipid_treated": 1.0, "diabetes": 0.0,
        "smoker": 0.0, "family_history_mi": 0.0, "egfr": 90.0, "bmi": 27.5, "agatston": 100.0,
        "refused": [],
    }  # fmt: skip


@pytest.mark.parametrize("nothing", ["", " ", "NA", "NaN", "NULL"])
def test_nothing_is_unknown_and_refused_for_nothing(tmp_path, nothing):
    names = HEADER.split(",")[1:]
    row = one(tmp_path, **dict.fromkeys(names, nothing))
    assert [row[name] for name in names] == [None] * len(names)
    assert row["refused"] == []


@pytest.mark.parametrize(
    ("text", "reason"), [("20000", None), ("20001", "out_of_range"), ("99999", "out_of_range")]
)
def test_a_score_above_any_there_is_is_refused_as_in_the_lake(tmp_path, text, reason):
    row = one(tmp_path, agatston=text)
    assert row["agatston"] == (None if reason else float(text))
    assert row["refused"] == ([f"agatston:{reason}"] if reason else [])


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("total_cholesterol_mg_dl", "50.1", "1000"),
        ("hdl_cholesterol_mg_dl", "8", "200"),
        ("systolic_bp_mmhg", "50", "300"),
        ("egfr", "3", "250"),
        ("bmi", "8", "150"),
    ],
)
def test_the_edges_of_what_is_plausible(tmp_path, name, low, high):
    # HDL stays below total cholesterol, and the other way round, so that only the edge is judged.
    lipids = {"total_cholesterol_mg_dl": "900", "hdl_cholesterol_mg_dl": "9"}
    for text, is_taken in (
        (low, True), (high, True), (str(float(low) * 0.99), False), (f"{high}.1", False),
    ):  # fmt: skip
        row = one(tmp_path, **{**lipids, name: text})
        assert row[name] == (float(text) if is_taken else None)
        assert row["refused"] == ([] if is_taken else [f"{name}:unit_suspect"])


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        (
            {"total_cholesterol_mg_dl": "5.5", "hdl_cholesterol_mg_dl": "1.3"},
            ["total_cholesterol_mg_dl:unit_suspect", "hdl_cholesterol_mg_dl:unit_suspect"],
        ),
        # One lipid alone in mmol/L; total cholesterol in g/L; pressure in kPa.
        ({"hdl_cholesterol_mg_dl": "1.3"}, ["hdl_cholesterol_mg_dl:unit_suspect"]),
        ({"total_cholesterol_mg_dl": "2.1"}, ["total_cholesterol_mg_dl:unit_suspect"]),
        ({"systolic_bp_mmhg": "18.7"}, ["systolic_bp_mmhg:unit_suspect"]),
        (
            {"total_cholesterol_mg_dl": "55", "hdl_cholesterol_mg_dl": "55"},
            ["total_cholesterol_mg_dl:unit_suspect", "hdl_cholesterol_mg_dl:unit_suspect"],
        ),
        ({"total_cholesterol_mg_dl": "55.1", "hdl_cholesterol_mg_dl": "55"}, []),
        ({"age_years": "sixty"}, ["age_years:bad_value"]),
        ({"age_years": "inf"}, ["age_years:bad_value"]),
        ({"bmi": '"27,5"'}, ["bmi:bad_value"]),
        ({"smoker": "2"}, ["smoker:bad_value"]),
        ({"smoker": "former"}, ["smoker:bad_value"]),
        ({"sex": "X"}, ["sex:bad_value"]),
        ({"sex": "unknown"}, []),
        ({"race": "martian"}, ["race:bad_value"]),
        # Below zero is no matter of units: the equations refuse it.
        ({"age_years": "-5", "total_cholesterol_mg_dl": "-200"}, []),
    ],
)
def test_a_value_that_is_not_taken_is_named(tmp_path, change, refused):
    row = one(tmp_path, **change)
    assert row["refused"] == refused
    for entry in refused:
        assert row[entry.split(":")[0]] is None


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("sex", "f", "F"),
        ("sex", "Male", "M"),
        ("race", " White ", "white"),
        ("race", "asian", "other"),
        ("smoker", "1.0", 1.0),
        ("smoker", "TRUE", 1.0),
        ("smoker", "False", 0.0),
        ("age_years", " 61.5 ", 61.5),
        ("agatston", "1e3", 1000.0),
    ],
)
def test_the_words_a_site_may_use(tmp_path, name, text, value):
    assert one(tmp_path, **{name: text})[name] == value


def test_people_who_stand_there_twice(tmp_path):
    rows, census = read(
        tmp_path,
        changed(person_id="a"),
        changed(person_id="b"),
        changed(person_id=" a "),
        changed(person_id="c"),
        changed(person_id="c", sex="F"),
        changed(person_id=""),
        changed(person_id=" "),
        changed(person_id="NA"),
    )
    assert [row["refused"] for row in rows] == [
        [], [], ["person_id:duplicate_row"], ["person_id:identity_conflict"],
        ["person_id:identity_conflict"], *[["person_id:missing_input"]] * 3,
    ]  # fmt: skip
    assert (len(census.twice), len(census.contradicting)) == (2, 1)


def test_copies_are_found_across_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(people_file, "_BLOCK_BYTES", 1000)
    lines = [changed(person_id=f"p{n % 40}", agatston=str(n // 80)) for n in range(80)]
    rows, _ = read(tmp_path, *lines, changed(person_id="p0", agatston="7"))
    assert [r["row"] for r in rows] == list(range(1, 82))
    refused = [r["refused"] for r in rows]
    assert refused[0] == refused[40] == refused[80] == ["person_id:identity_conflict"]
    assert refused[1:40] == [[]] * 39
    assert refused[41:80] == [["person_id:duplicate_row"]] * 39


def test_rows_with_too_many_or_too_few_cells_are_left_out_and_counted(tmp_path):
    rows, census = read(tmp_path, GOOD, "b,60", changed(person_id="c"), f"{GOOD},more")
    assert [row["row"] for row in rows] == [1, 2]
    assert census.lines_left_out == (3, 5)


def test_a_note_may_have_lines_and_quotation_marks(tmp_path):
    lines = ['a,60,F,"two\nlines, ""quoted"""', "b,61,M,"]
    rows, census = read(tmp_path, *lines, header="person_id,age_years,sex,note")
    assert [row["age_years"] for row in rows] == [60.0, 61.0]
    assert census.lines_left_out == ()


def test_other_columns_stand_aside_and_absent_ones_are_unknown(tmp_path):
    rows, _ = read(tmp_path, "x;a;60;M;7", header="ward;person_id;age_years; sex ;agatston")
    assert (rows[0]["sex"], rows[0]["agatston"], rows[0]["egfr"]) == ("M", 7.0, None)
    people = open_people(tmp_path / "people.csv")
    assert people.passed_on == ("ward",)
    assert "egfr" in people.absent
    assert "agatston" not in people.absent


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    rows, _ = read(tmp_path, GOOD, encoding="utf-8-sig")
    assert rows[0]["age_years"] == 55.0


def test_lines_may_end_as_on_windows_and_a_column_may_have_no_name(tmp_path):
    file = tmp_path / "people.csv"
    file.write_bytes(b",person_id,age_years,sex\r\n0,a,60,F\r\n1,b,61,M")
    people = open_people(file)
    ((text, typed),) = read_people(people, take_census(people))
    assert text.column_names == ["", "person_id", "age_years", "sex"]
    assert typed.column("sex").to_pylist() == ["F", "M"]


def test_a_header_alone_is_nobody(tmp_path):
    rows, census = read(tmp_path)
    assert (rows, census.n_rows) == ([], 0)


def test_the_schema_is_the_declared_one(tmp_path):
    file = tmp_path / "people.csv"
    file.write_text(f"{HEADER}\n{GOOD}\n")
    people = open_people(file)
    (piece,) = read_people(people, take_census(people))
    assert piece[1].schema == PEOPLE.schema
    assert piece[0].column("person_id").to_pylist() == ["a"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"person_id,sex\na,F\n", "no column age_years"),
        (b"", "no column person_id, age_years, sex"),
        (b"person_id,age_years,sex,sex\n", "the column 'sex' stands there twice"),
        ("person_id,age_years,sex\nJosé,60,F\n".encode("latin-1"), "not UTF-8"),
        (b'person_id,age_years,sex\n"Doe,60,F\nb,61,M\n', "mark in it is not closed"),
        (b'person_id,age_years,sex\nDoe,60,"F\nb,61,M\n', "mark in it is not closed"),
        (b'person_id,age_years,sex\na,60,F\n"Doe,61,M\n"b,62,M\n', "is not closed"),
    ],
)
def test_what_is_no_table_of_people(tmp_path, body, says):
    file = tmp_path / "people.csv"
    file.write_bytes(body)
    with pytest.raises(ScreeningError, match=says) as raised:
        take_census(open_people(file))
    assert "Doe" not in str(raised.value)
    assert "Jos" not in str(raised.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ScreeningError, match="No such file"):
        open_people(tmp_path / "people.csv")
