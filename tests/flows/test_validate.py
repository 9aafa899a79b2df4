"""`screening validate`: whose score meets whose, what is left out and why, what the page holds."""

import csv
import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from night import Hospital, Screening, open_lake

from flows.reference import Ledger, LeftOut, join, read_reference
from flows.validate import print_summary, validate
from screening.errors import ScreeningError
from screening.lake import Lake
from screening.tables import INSTANCES_RAW, LAKE_TABLES

AS_OF, DAY = date(2026, 11, 1), date(2026, 6, 1)
N_PEOPLE = 24
SEVERAL, TWINS = "MRN-SEVERAL", "MRN-TWINS"
CUT = 10.0  # of whom the heart is not complete
# Patient number and Agatston score of one scan each; two scans of one day; one not scored.
SCANS = [
    *((f"MRN-{i}", [0.0, 20.0, 150.0, 500.0, 1200.0][i % 5] * (1 + i / 100)) for i in range(24)),
    (SEVERAL, 10.0),
    (SEVERAL, 30.0),
    ("MRN-FAILED", None),
    ("MRN-OUT", 77.0),
    ("MRN-NOBODY-READ-THIS", 5.0),
]


def _series(keys: dict, i: int) -> dict:
    return {
        **keys, "modality": "CT", "index_date": DAY, "age_years": 40.0 + 2 * i,
        "sex": "M" if i % 2 else "F", "content_digest": "c", "manufacturer": "SIEMENS",
        "kernel": "Br40", "thickness_mm": 3.0, "is_gated": False,
    }  # fmt: skip


def _disposition(keys: dict, agatston: float | None) -> dict:
    state = {
        "quality_flags": ["heart_incomplete"] if agatston == CUT else [],
        "state": "scored",
        "reasons": [],
        "agatston": agatston,
        "agatston_lm": 0.0,
        "agatston_lad": agatston,
        "agatston_lcx": 0.0,
        "agatston_rca": 0.0,
        "grade": "A",
    }
    if agatston is None:
        state = {"state": "failed", "reasons": ["missing_slice_in_heart"]}
    return {
        **keys, **state, "content_digest": "c", "choose_version": 1, "scoring_version": 1,
        "model_digest": "a" * 64, "model_name": "default",
        "committed_at": datetime(2026, 11, 1, tzinfo=UTC),
    }  # fmt: skip


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    made = Lake.open(tmp_path_factory.mktemp("v") / "lake", b"a secret for tests", create=True)
    blank = dict.fromkeys(INSTANCES_RAW.schema.names)
    raw = [
        blank | {"path": f"{i:03d}", "sop_instance_uid": f"1.2.{i}.1.1", "image_type": [],
                 "series_instance_uid": f"1.2.{i}.1", "study_instance_uid": f"1.2.{i}",
                 "patient_id": number, "issuer": "SITE", "accession": "", "modality": "CT"}
        for i, (number, _) in enumerate(SCANS)
    ]  # fmt: skip
    names = ("series_key", "study_key", "person_key")
    instances = made.vault.pseudonymise(pa.Table.from_pylist(raw, schema=INSTANCES_RAW.schema))
    keys = instances.select(names).to_pylist()
    rows = {
        "series": [_series(k, i) for i, k in enumerate(keys)],
        "dispositions": [_disposition(k, a) for k, (_, a) in zip(keys, SCANS, strict=True)],
        "policy": [{"person_key": keys[-2]["person_key"], "scope": "opt_out_research"}],
        "runs": [{"run_id": "r", "started_at": datetime(2026, 11, 1, tzinfo=UTC), "as_of": AS_OF,
                  "seconds": 1.0}],
    }  # fmt: skip
    with made.lease("r"):
        for name, values in rows.items():
            schema = LAKE_TABLES[name].schema
            empty = dict.fromkeys(schema.names)
            made.replace(name, pa.Table.from_pylist([empty | v for v in values], schema=schema))
    return made


@pytest.fixture
def keys(lake: Lake) -> list[str]:
    uids = pa.array([f"1.2.{i}.1" for i in range(len(SCANS))])
    return lake.vault.series_keys(uids).to_pylist()


@pytest.fixture
def reference(tmp_path: Path):
    def write(*rows: object, head: str = "issuer,mrn,study_date,agatston", end: str = "\n") -> Path:
        file = tmp_path / "reference.csv"
        lines = [head, *(row if isinstance(row, str) else ",".join(map(str, row)) for row in rows)]
        file.write_text(end.join(lines) + end, encoding="utf-8")
        return file

    return write


def _all(keys: list[str]) -> list[tuple]:
    return [(keys[i], agatston) for i, (_, agatston) in enumerate(SCANS[:N_PEOPLE])]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("SITE,MRN-1,2026-06-01,21", None),
        ("site, mrn-1 ,20260601,21.5", None),
        (",MRN-1,2026-06-01,0", None),
        ("SITE,,2026-06-01,21", LeftOut.NO_KEY),
        ("SITE,MRN-1,01.06.2026,21", LeftOut.BAD_DATE),
        ("SITE,MRN-1,,21", LeftOut.BAD_DATE),
        ("SITE,MRN-1,2026-06-01,", LeftOut.BAD_NUMBER),
        ("SITE,MRN-1,2026-06-01,-1", LeftOut.BAD_NUMBER),
        ("SITE,MRN-1,2026-06-01,20000", None),
        ("SITE,MRN-1,2026-06-01,20001", LeftOut.BAD_NUMBER),
        ("SITE,MRN-1,2026-06-01,nan", LeftOut.BAD_NUMBER),
        ("SITE,MRN-1,2026-06-01,inf", LeftOut.BAD_NUMBER),
        ("SITE,MRN-1,2026-06-01,>400", LeftOut.BAD_NUMBER),
        ("SITE,MRN-1", LeftOut.BAD_DATE),
        ("SITE,MRN-1,2026-06-01,1,234", LeftOut.BAD_CELLS),
        ("SITE,MRN-1,2026-06-01,21,,", None),
        ("SITE,STRANGER,2026-06-01,21", LeftOut.UNKNOWN_PERSON),
        ("ELSEWHERE,MRN-1,2026-06-01,21", LeftOut.UNKNOWN_PERSON),
        ("SITE,MRN-1,2026-06-02,21", LeftOut.NO_SCAN_THAT_DAY),
        ("SITE,MRN-FAILED,2026-06-01,21", LeftOut.NOT_SCORED),
        (f"SITE,{SEVERAL},2026-06-01,21", LeftOut.SEVERAL_SCANS),
        ("SITE,MRN-OUT,2026-06-01,77", LeftOut.OPTED_OUT),
    ],
)
def test_every_row_is_compared_or_counted(lake, reference, row, reason):
    joined = join(lake, reference(row), AS_OF)
    assert joined.ledger.n_rows == 1
    assert {r: len(at) for r, at in joined.ledger.lines.items()} == ({reason: 1} if reason else {})
    assert len(joined.pairs) == (0 if reason else 1)
    if reason is None:
        assert joined.pairs[0].measured == SCANS[1][1]


def test_rows_by_series_key(lake, reference, keys):
    rows = [(keys[1], 20), (keys[24], 11), ("s_nobody", 5), ("", 5), (keys[2], 1), (keys[2], 2)]
    joined = join(lake, reference(*rows, head="series_key,agatston"), AS_OF)
    assert [(p.reference, p.measured) for p in joined.pairs] == [(20, SCANS[1][1]), (11, 10.0)]
    assert joined.ledger.lines == {
        LeftOut.NO_KEY: [5],
        LeftOut.UNKNOWN_SERIES: [4],
        LeftOut.NAMED_TWICE: [6, 7],
    }


def test_what_is_at_least_so_much_is_compared_and_remarked_on(lake, reference, keys):
    joined = join(lake, reference((keys[1], 20), (keys[24], 11), head="series_key,agatston"), AS_OF)
    assert len(joined.pairs) == 2
    assert joined.ledger.bounds == [3]


def test_each_row_may_name_its_scan_in_its_own_way(lake, reference, keys):
    rows = [
        (keys[24], "", "", "", 11),
        ("", "SITE", "MRN-1", "2026-06-01", 20),
        ("", "", "", "", 5),
    ]
    joined = join(lake, reference(*rows, head="series_key,issuer,mrn,study_date,agatston"), AS_OF)
    assert [(p.reference, p.measured) for p in joined.pairs] == [(11, 10.0), (20, SCANS[1][1])]
    assert joined.ledger.lines == {LeftOut.NO_KEY: [4]}


def test_scores_without_a_reference_and_rows_without_a_score_are_counted(lake, reference, keys):
    rows = [*_all(keys), (keys[26], 3)]
    joined = join(lake, reference(*rows, head="series_key,agatston"), AS_OF)
    assert len(joined.pairs) == N_PEOPLE
    assert joined.n_without_reference == 3  # two of one day, one that nobody read
    assert joined.ledger.not_scored == {"missing_slice_in_heart": 1}


def test_vessels_and_reconstruction(lake, reference, keys):
    head = "series_key,agatston,LM,LAD,LCX,RCA,reconstruction"
    file = reference((keys[1], 20, 0, 20, "", 0, "iterative"), (keys[2], 9, 0, "x", 0, 0, ""),
                     head=head)  # fmt: skip
    joined = join(lake, file, AS_OF)
    assert joined.pairs[0].reference_vessels == (0, 20, None, 0)
    assert joined.pairs[0].reconstruction == "iterative"
    assert joined.pairs[1].reference_vessels == (0, None, 0, 0)
    assert joined.ledger.bad_vessels == [3]


def test_spreadsheets_write_csv_in_their_own_ways(reference):
    file = reference("a;20", head="\ufeffseries_key;agatston", end="\r\n")
    (row,) = read_reference(file, Ledger())
    assert (row.series_key, row.agatston) == ("a", 20)


def test_a_quoted_line_break_is_no_row_of_its_own(reference):
    ledger = Ledger()
    file = reference('a,20,"two\nlines"', "b,-1,", "c,30,", head="series_key,agatston,note")
    rows = read_reference(file, ledger)
    assert [(row.series_key, row.line) for row in rows] == [("a", 3), ("c", 5)]
    assert ledger.lines == {LeftOut.BAD_NUMBER: [4]}


def test_what_no_csv_reader_takes_is_one_line(reference):
    with pytest.raises(ScreeningError, match="no CSV from line"):
        read_reference(reference("a," + "9" * 200_000, head="series_key,agatston"), Ledger())


@pytest.mark.parametrize(
    ("head", "missing"),
    [("series_key,score", "agatston"), ("mrn,agatston", "study_date"), ("", "agatston, mrn")],
)
def test_a_file_without_its_columns_is_refused(lake, reference, head, missing):
    with pytest.raises(ScreeningError, match=f"lacks {missing}"):
        join(lake, reference(head=head), AS_OF)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-8-sig"])
def test_a_file_is_read_by_its_mark(lake, tmp_path, encoding):
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    text = f"{mark}issuer;mrn;study_date;agatston\r\nSITE;MRN-1;2026-06-01;21\r\n"
    (tmp_path / "r.csv").write_bytes(text.encode(encoding))
    found = join(lake, tmp_path / "r.csv", AS_OF)
    assert (found.ledger.n_rows, len(found.pairs)) == (1, 1)


def test_a_file_that_is_no_text_is_refused(lake, tmp_path):
    (tmp_path / "r.csv").write_bytes(b"series_key,agatston\n\xff\xfe,1\n")
    with pytest.raises(ScreeningError, match="not UTF-8"):
        join(lake, tmp_path / "r.csv", AS_OF)


def test_nothing_to_compare_says_why(lake, reference, tmp_path):
    with pytest.raises(ScreeningError, match=r"none of the 1 rows .*: 1 × no scan carries"):
        validate(lake, reference("SITE,STRANGER,2026-06-01,21"), tmp_path / "out")
    assert not list((tmp_path / "out").glob("*"))


def test_a_missed_score_is_told_beside_the_meaning_of_zero(lake, reference, keys, tmp_path):
    rows = [(keys[0], 12.4), (keys[5], 0), (keys[1], 20)]
    done = validate(lake, reference(*rows, head="series_key,agatston"), tmp_path / "out")
    told = "1 had calcium in the reference; the highest of these scores is 12."
    assert told in json.loads(done.json)["zero"]


@pytest.fixture
def report(lake, reference, keys, tmp_path):
    file = reference(*_all(keys), ("s_nobody", 1), head="series_key,agatston")
    done = validate(lake, file, tmp_path / "out")
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    numbers = json.loads((tmp_path / "out/report.json").read_text(encoding="utf-8"))
    return SimpleNamespace(done=done, page=page, numbers=numbers, folder=tmp_path / "out")


def test_the_report_of_perfect_agreement(report):
    figures = report.numbers["overall"]["figures"]
    assert figures["icc_agatston"]["value"] == figures["kappa_design_linear"]["value"] == 1
    assert figures["sensitivity_ge100"] == {
        "value": 1.0, "low": None, "high": None, "interval": None, "n_scans": 14, "n_people": 14,
        "why": "n < 20",
    }  # fmt: skip
    table = report.numbers["overall"]["confusion"]["design"]["rows_reference_columns_measured"]
    assert [row[i] for i, row in enumerate(table)] == [5, 5, 5, 5, 4]
    assert report.numbers["reference"]["left_out"] == [
        {"reason": LeftOut.UNKNOWN_SERIES.value, "n": 1, "lines": [26]}
    ]
    assert report.numbers["scored_without_reference"] == 3
    assert report.numbers["models"][0]["digest"] == "a" * 64
    assert set(report.numbers["subgroups"]["sex"]) == {"F", "M"}
    assert "reconstruction" not in report.numbers["subgroups"]


def test_the_page_fetches_nothing_and_says_what_it_is(report):
    assert "Research software, not a medical device" in report.page
    assert "does not rule coronary calcium out" in report.page.replace("\n", " ")
    assert "Of 5 scans that measured zero, 0 had calcium in the reference." in report.page
    assert "Not known of any scan: reconstruction." in report.page
    assert report.page.count("data:image/svg+xml;base64,") == 7
    assert not re.search(r"https?:|<script|<link|@import|url\(", report.page)
    assert "default-src 'none'" in report.page


def test_the_plot_without_double_zeros_is_drawn_only_where_there_are_some(
    lake, reference, keys, tmp_path
):
    above = [(key, score) for key, score in _all(keys) if score > 0]
    validate(lake, reference(*above, head="series_key,agatston"), tmp_path / "out")
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert page.count("data:image/svg+xml;base64,") == 6
    assert "Without scans that are zero in both" not in page


def test_a_bias_is_told_with_its_direction(report, capsys):
    print_summary(report.done)
    told = capsys.readouterr().out
    assert "bias (measured − reference), Agatston" in told
    assert "bias (measured − reference), ln(A + 1)" in told
    assert ">measured − reference of</th>" in report.page


def test_the_readme_says_what_of_a_part_stands_in_the_page_and_what_in_the_numbers(report):
    parts = report.page.split("<h2>Subgroups")[1]
    assert "sensitivity ≥ 100" in parts
    assert "≥ 300" not in parts.partition("<h2>Methods")[0].replace("thresholds 300", "")
    assert "F1 and the thresholds 300 and 400: in report.json." in parts
    (group, *_) = report.numbers["subgroups"]["sex"].values()
    names = {f"{m}_{t}" for m in ("sensitivity", "specificity", "f1")
             for t in ("gt0", "ge100", "ge300", "ge400")}  # fmt: skip
    assert names <= set(group["figures"])


def test_the_report_names_nobody(report, lake, keys):
    people = [r["person_key"] for r in lake.read("series").to_pylist()]
    whole = report.page + report.done.json
    for word in ("MRN-", "SITE", "2026-06-01", *keys, *people):
        assert word not in whole
    for file in ("report.html", "report.json"):
        assert (report.folder / file).stat().st_mode & 0o077 == 0


def test_the_same_twice(report, lake, reference, keys, tmp_path):
    rows = [("s_nobody", 1), *reversed(_all(keys))]
    again = validate(lake, reference(*rows, head="series_key,agatston"), tmp_path / "again")
    one, two = json.loads(report.done.json), json.loads(again.json)
    for name in ("overall", "subgroups", "population"):
        assert one[name] == two[name]
    assert (tmp_path / "again/report.html").read_text().split("<h2>Agreement")[1] == (
        report.page.split("<h2>Agreement")[1]
    )


def test_the_command_over_a_swept_lake(
    swept: Path, hospital: Hospital, screening: Screening, tmp_path: Path
):
    truth = [r for r in pq.read_table(hospital.truth).to_pylist() if r["kind"] == "series"]
    rows = [r for r in truth if r["true_agatston"] is not None and r["index_date"]]
    rows = [r for r in rows if r["expected_state"] == "scored"]
    file = tmp_path / "truth.csv"
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["issuer", "mrn", "study_date", "agatston", "LM", "LAD", "LCX", "RCA"])
        for r in rows:
            vessels = [r[f"true_agatston_{v}"] for v in ("lm", "lad", "lcx", "rca")]
            who = (r["issuer"], r["patient_id"], r["index_date"])
            writer.writerow([*who, r["true_agatston"], *vessels])
    done = screening("validate", "--lake", str(swept), "--reference", str(file), "--out",
                     str(tmp_path / "out"), "--json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    left_out = sum(entry["n"] for entry in facts["reference"]["left_out"])
    assert facts["reference"]["rows"] == len(rows) == facts["reference"]["compared"] + left_out
    assert facts["reference"]["compared"] >= 3
    assert facts["overall"]["figures"]["icc_log"]["value"] > 0.8
    assert set(facts["vessels"]) == {"LM", "LAD", "LCX", "RCA"}
    written = (tmp_path / "out/report.html").read_text() + done.stdout + done.stderr
    assert (tmp_path / "out/report.json").read_text() == done.stdout
    for r in rows:
        assert r["patient_id"] not in written
        assert r["series_instance_uid"] not in written
    scored = [r for r in open_lake(swept).read("dispositions").to_pylist() if r["agatston"]]
    assert not any(r["series_key"] in written for r in scored)
