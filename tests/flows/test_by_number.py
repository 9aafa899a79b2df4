"""From a patient's number to what is decided, and from people nothing can be said of to numbers."""

import io
import json
import os
import sys
from subprocess import CompletedProcess

import pyarrow as pa
import pytest
from explain_case import AS_OF, TABLES, scored, series
from night import SECRET, Screening

from flows.cli import main
from screening.lake import Lake
from screening.lake.store import transaction
from screening.tables import INSTANCES_RAW, LAKE_TABLES

WHY = ("--reason", "the ward asks")
# Issuer and number as the archive has them; who they are in the tests' words.
NUMBERS = {
    "high": ("NORD", "00774411"), "unclear": ("NORD", "gx774412"), "out": ("NORD", "774413"),
    "twin of nord": ("NORD", "774414"), "twin of süd": ("Süd", "774414"),
    "twin of nobody": ("", "774414"),
    "nameless": ("NORD", ""), "unswept": ("NORD", "774415"),
}  # fmt: skip
RECORDED = ("high", "out")
SCORES = {"high": 1200.0, "unclear": 150.0, "out": 500.0, "nameless": 90.0}


def raw(place: int, issuer: str, number: str) -> dict:
    said = {
        "path": f"{place}", "size_bytes": 1, "mtime_ns": 1, "modality": "CT", "accession": "",
        "image_type": [], "patient_id": number, "issuer": issuer, "sop_instance_uid": f"3.{place}",
        "series_instance_uid": f"2.{place}", "study_instance_uid": f"1.{place}",
    }  # fmt: skip
    return dict.fromkeys(INSTANCES_RAW.schema.names) | said


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    made = Lake.open(tmp_path_factory.mktemp("by") / "lake", SECRET.encode(), create=True)
    images = [raw(n, *who) for n, who in enumerate(NUMBERS.values())]
    keyed = made.vault.pseudonymise(pa.Table.from_pylist(images, schema=INSTANCES_RAW.schema))
    key = dict(zip(NUMBERS, keyed["person_key"].to_pylist(), strict=True))
    swept = [who for who in NUMBERS if who != "unswept"]
    tables = {
        "series": [series(key[who]) for who in swept],
        "dispositions": [scored(key[who], SCORES.get(who, 0.0)) for who in swept],
        "person": [{"person_key": key[who], "sex": "M", "race": "white"} for who in RECORDED],
        "policy": [{"person_key": key["out"], "scope": "opt_out_all", "valid_from": AS_OF}],
        "runs": TABLES["runs"],
    }
    with made.lease("r"):
        for name, rows in tables.items():
            schema = LAKE_TABLES[name].schema
            empty = dict.fromkeys(schema.names)
            made.replace(name, pa.Table.from_pylist([empty | row for row in rows], schema=schema))
    return made


@pytest.fixture
def screening(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Screening:
    """The command line, in this process."""

    def leave(code: int) -> None:
        raise SystemExit(code)

    def run(*arguments: str, typed: str = "", **extra: str) -> CompletedProcess[str]:
        monkeypatch.setattr(os, "_exit", leave)
        monkeypatch.setattr(sys, "argv", ["screening", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        for name, value in {"SCREENING_SECRET": SECRET, **extra}.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as left:
            main()
        return CompletedProcess(arguments, left.value.code, *capsys.readouterr())

    return run


@pytest.fixture
def ask(screening: Screening, lake: Lake):
    return lambda *more, **extra: screening("explain", "--lake", str(lake.path), *more, **extra)


def key_of(lake: Lake, who: str) -> str:
    (key,) = lake.vault.look_up(NUMBERS[who][1], NUMBERS[who][0], "test")
    return key


def looks(lake: Lake) -> list[tuple[str, int]]:
    with transaction(lake.vault.file, lake.vault.keys) as store:
        return [(reason, people) for _, _, reason, people in store.audits()]


@pytest.mark.parametrize("written", ["00774411", "774411", " 0774 411 "])
def test_a_number_however_written_explains_its_person_and_is_not_told(ask, lake, written):
    key = key_of(lake, "high")
    done = ask("--patient", written, *WHY)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:2] == [
        f"person {key}, as of {AS_OF}",
        "  Why: on the list: Agatston 1000 or more.",
    ]
    assert done.stdout == ask(key).stdout
    assert "774411" not in done.stdout + done.stderr
    assert looks(lake)[-1] == ("the ward asks", 1)


def test_letters_are_compared_as_capitals_and_json_and_page_carry_the_key(ask, lake, tmp_path):
    page = tmp_path / "p.html"
    done = ask("--patient", "GX 774412", "--issuer", "nord", *WHY, "--json", "--out", str(page))
    facts = json.loads(done.stdout)
    assert facts["key"] == key_of(lake, "unclear")
    assert facts["people"][0]["flag"] == "cannot_say"
    assert "774412" not in done.stdout + done.stderr + page.read_text()


@pytest.mark.parametrize("number", ["885522", "7744", "UNKNOWN", "0000", "", "774415"])
def test_a_number_nobody_has_is_one_line_without_it(ask, lake, number):
    """Also one that says there is none, and one whose scans no sweep has brought to the lake."""
    done = ask("--patient", number, *WHY)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "screening: no person with this patient number in this lake\n"
    assert looks(lake)[-1] == ("the ward asks", int(number == "774415"))


def test_two_people_with_a_number_are_told_apart_by_who_gave_it(ask, lake):
    done = ask("--patient", "774414", *WHY)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("screening: 3 people have this patient number, each of another issuer")
    assert "--issuer" in line
    assert "774414" not in line
    for issuer, who in (("nord", "nord"), ("SÜD", "süd"), ("", "nobody")):
        told = ask("--patient", "774414", "--issuer", issuer, *WHY)
        assert told.stdout.startswith(f"person {key_of(lake, f'twin of {who}')}, "), told.stderr


def test_nobody_is_guessed_from_another_issuer(ask):
    done = ask("--patient", "774414", "--issuer", "WEST", *WHY)
    assert (done.returncode, done.stdout) == (2, "")
    said = "screening: no person with this patient number in this lake, of this issuer\n"
    assert done.stderr == said


def test_of_who_opted_out_the_wish_alone_is_told(ask, lake):
    done = ask("--patient", "774413", *WHY)
    assert done.stdout == ask(key_of(lake, "out")).stdout
    assert "The person has opted out. Nothing more is told." in done.stdout
    assert "500" not in done.stdout


def test_a_reason_is_needed_and_the_secret(ask, lake, screening):
    before = looks(lake)
    bare = ask("--patient", "774411")
    assert bare.stderr == (
        'screening: --patient needs --reason "why", which is kept in the audit trail\n'
    )
    told = ask("--patient", "774411", *WHY, SCREENING_SECRET="")
    for other in (("flagged",), ("status", "--unsure")):
        same = screening(
            *other, "--lake", str(lake.path), "--identified", *WHY, SCREENING_SECRET=""
        )
        assert (same.returncode, same.stderr) == (told.returncode, told.stderr)
    assert "the secret of this lake is missing" in told.stderr
    assert (bare.returncode, told.returncode) == (2, 2)
    assert looks(lake) == before


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("00774411",), "--patient NUMBER finds who has a patient number"),
        (("007", "744", "11"), "give either a key, or a patient number"),
        (("--patient", "007", "744", "11", *WHY), "give either a key, or a patient number"),
        ((), "give either a key, or a patient number"),
        (("p_1", "--issuer", "NORD"), "--issuer goes with --patient"),
        (("p_1", *WHY), "--reason goes with --patient"),
    ],
)
def test_what_is_typed_wrongly_is_one_line_that_does_not_repeat_it(ask, typed, said):
    done = ask(*typed)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert said in line
    assert "744" not in line


def test_a_number_that_is_asked_for_is_in_no_shells_history(ask, lake):
    done = ask("--patient", "-", *WHY, "--json", typed="774411\n")
    assert json.loads(done.stdout)["key"] == key_of(lake, "high")


def test_people_nothing_can_be_said_of_have_numbers_for_a_reason(screening, lake):
    unsure = ("status", "--lake", str(lake.path), "--unsure")
    plain = json.loads(screening(*unsure, "--json").stdout)
    done = screening(*unsure, "--identified", *WHY, "--json")
    named = json.loads(done.stdout)
    assert looks(lake)[-1] == ("the ward asks", len(named))
    assert [row["person_key"] for row in plain] == [row["person_key"] for row in named]
    shown = [(row.pop("issuer"), row.pop("patient_id")) for row in named]
    assert named == plain
    assert {NUMBERS["unclear"], ("SÜD", "774414"), ("NORD", "")} <= set(shown)
    assert not {NUMBERS[who] for who in RECORDED} & set(shown)
    text = screening(*unsure, "--identified", *WHY).stdout
    (line,) = [line for line in text.splitlines() if "gx774412" in line]
    assert key_of(lake, "unclear") in line
    assert "77441" not in screening(*unsure).stdout


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--unsure", "--identified"), "--identified needs --reason"),
        (("--unsure", *WHY), "--reason goes with --identified"),
        (("--identified", *WHY), "--identified goes with --unsure"),
        (("--unscored", "--identified", *WHY), "--identified goes with --unsure"),
    ],
)
def test_status_names_people_in_the_list_of_people_alone(screening, lake, more, said):
    done = screening("status", "--lake", str(lake.path), *more)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_no_number_is_written_anywhere_but_sealed(lake: Lake) -> None:
    for path in lake.path.rglob("*"):
        assert not path.is_file() or b"77441" not in path.read_bytes(), path.name
