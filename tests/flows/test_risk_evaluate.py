"""`screening risk evaluate` as a user meets it, over lakes of simulated people."""

import csv
import json
import re
import stat
from dataclasses import asdict

import pytest
from click.testing import CliRunner
from night import SECRET, open_lake
from simulated_lake import evaluate, make

from flows.cli import cli
from flows.risk_simulate import OUTCOMES, REFERENCE
from flows.status import last_as_of
from screening.errors import ScreeningError
from screening.lake import Lake

SIMULATED = "(simulated outcomes)"


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    folder = make(tmp_path_factory.mktemp("large") / "site", 8000, 3)
    return folder, evaluate(folder)


@pytest.fixture(scope="module")
def fair(tmp_path_factory):
    """The same people where nothing is planted."""
    folder = tmp_path_factory.mktemp("fair") / "site"
    return evaluate(make(folder, 8000, 3, ward_factor=1.0, south_reads=1.0))


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return make(tmp_path_factory.mktemp("small") / "site", 200, 5)


@pytest.fixture(scope="module")
def plain(small):
    return evaluate(small).sums


def by_level(report):
    return {(g.variable, g.level): g for g in report.groups}


# What is planted


def test_a_ward_with_twice_the_events_is_seen(large, fair):
    planted, nothing = by_level(large[1]), by_level(fair)
    assert planted["ward", "B"].ratio.low > planted["ward", "A"].ratio.high
    # Twice the rate is less than twice the share: people die, and have it once.
    assert 1.3 < planted["ward", "B"].ratio.value / planted["ward", "A"].ratio.value < 2.3
    a, b = nothing["ward", "A"].ratio, nothing["ward", "B"].ratio
    assert a.low < b.high
    assert b.low < a.high


def test_a_scanner_that_reads_too_little_is_seen_by_whom_the_list_misses(large, fair):
    planted, nothing = by_level(large[1]), by_level(fair)
    assert planted["site", "south"].difference.high < 0
    assert nothing["site", "south"].difference.low < 0 < nothing["site", "south"].difference.high
    # The same people with the same fates: all of this is the scanner's.
    lost = nothing["site", "south"].sensitivity.value - planted["site", "south"].sensitivity.value
    assert lost > 0.08
    assert planted["site", "north"].sensitivity.value == pytest.approx(
        nothing["site", "north"].sensitivity.value, abs=0.04
    )
    rates = [planted["site", s].flag_rate for s in ("south", "north")]
    assert rates[0].high < rates[1].low


# Two clocks


def test_what_came_after_the_scan_is_an_outcome_and_no_reason(large):
    folder, report = large
    with (folder / "evaluation" / "people.csv").open(newline="") as file:
        people = list(csv.DictReader(file))
    later = [p for p in people if p["flag"] == "flagged" and p["today"] == "known_ascvd"]
    # Of who is not part of research the file has a key alone.
    hidden = sum(p["why_none"] == "does not want to be part of research" for p in people)
    assert 100 < report.sums.since["known_ascvd"] - hidden <= len(later)
    # Each of them is evaluated once, and is on no other side of the sum.
    assert {p["is_evaluated"] for p in later if not p["why_none"]} == {"True"}
    assert {p["outcome"] for p in later if not p["why_none"]} == {"event"}
    assert len(people) == len({p["person_key"] for p in people}) == report.sums.n_swept
    sums = report.sums
    assert sums.n_swept == sums.n_evaluated + sum(sums.kept_off.values()) + sum(
        sums.without_outcome.values()
    )
    assert "known_ascvd" not in sums.kept_off
    assert sums.without_outcome["had the disease before the scan"] > 100


def test_flags_at_everybodys_own_day_are_those_of_queries_day_by_day(small):
    lake = open_lake(small / "lake")
    as_of = last_as_of(lake)
    today = lake.query("core_person_flag", as_of)
    dated = [r for r in today.to_pylist() if r["index_date"]]
    import pyarrow as pa

    landmarks = pa.table(
        {
            "person_key": [r["person_key"] for r in dated],
            "landmark": pa.array([r["index_date"] for r in dated], pa.date32()),
        }
    )
    names = ("flag", "tier", "reasons", "index_date", "is_on_statin", "flag_risk", "agatston")
    found = {r["person_key"]: r for r in
             lake.query_at("core_person_flag", landmarks, as_of, {}).to_pylist()}  # fmt: skip
    assert set(found) == {r["person_key"] for r in dated}
    days = sorted({r["index_date"] for r in dated})[::6]
    compared = 0
    for day in days:
        for row in lake.query("core_person_flag", day).to_pylist():
            if row["index_date"] == day:
                own = found[row["person_key"]]
                assert [own[n] for n in names] == [row[n] for n in names]
                compared += 1
    assert compared >= len(days)
    # And today some of them are off the list for what came later.
    moved = [k for k, r in found.items() if r["flag"] == "flagged"]
    still = {r["person_key"] for r in dated if r["flag"] == "flagged"}
    assert 0 < len(still & set(moved)) < len(moved)


# The report


def test_it_writes_four_files_for_the_owner_alone(large):
    folder, report = large
    out = folder / "evaluation"
    names = {"report.html", "report.json", "workload.csv", "people.csv"}
    assert {p.name for p in out.iterdir()} == names
    assert all(stat.S_IMODE((out / n).stat().st_mode) == 0o600 for n in names)
    numbers = json.loads((out / "report.json").read_text())
    assert numbers == json.loads(json.dumps(asdict(report)))
    with (out / "workload.csv").open(newline="") as file:
        curve = list(csv.DictReader(file))
    assert {r["ranking"] for r in curve} == {
        "worklist", "score alone", "10-year risk", "the list at random", "everybody at random",
    }  # fmt: skip
    assert "10" in {r["per_week"] for r in curve}


def test_the_page_fetches_nothing_names_nobody_and_says_simulated_in_every_heading(large):
    folder, _ = large
    page = (folder / "evaluation" / "report.html").read_text()
    assert not re.search(r"https?:|<script|<link|@import|url\(", page)
    headings = re.findall(r"<h[12]>(.*?)</h[12]>", page)
    assert len(headings) >= 8
    assert all(heading.endswith(SIMULATED) for heading in headings)
    keys = open_lake(folder / "lake").read("series")["person_key"].to_pylist()
    text = page + (folder / "evaluation" / "report.json").read_text()
    assert not any(key in text for key in keys)
    assert "SIM00" not in text
    for word in ("more of its events are missed", "Wilson", "fewer than 10 events", "10 a week"):
        assert word in page


def test_outcomes_that_are_not_simulated_are_not_called_so(small, tmp_path):
    file = edited(small, tmp_path, lambda rows: [{**r, "simulated": "0"} for r in rows])
    assert not evaluate(small, outcomes=file).is_simulated
    assert SIMULATED not in (small / "evaluation" / "report.html").read_text()


def test_a_key_of_the_lake_names_a_person_as_well_as_a_number_does(small, tmp_path):
    lake = open_lake(small / "lake")
    import pyarrow as pa

    def by_key(rows):
        who = pa.table(
            {"issuer": [r["issuer"] for r in rows], "mrn": [r["person_id"] for r in rows]}
        )
        keys = lake.vault.person_keys(who).to_pylist()
        return [{**r, "person_id": k, "issuer": ""} for r, k in zip(rows, keys, strict=True)]

    one, two = (
        asdict(evaluate(small, outcomes=edited(small, tmp_path, change)))
        for change in (by_key, lambda rows: rows[::-1])
    )
    for numbers in (one, two):
        del numbers["outcomes_sha256"]
    assert one == two


# Bad input


def edited(folder, tmp_path, change):
    with (folder / OUTCOMES).open(newline="") as file:
        rows = change(list(csv.DictReader(file)))
    out = tmp_path / "edited.csv"
    with out.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return out


BAD_ROWS = (
    ({"person_id": "NOBODY"}, "no scan carries this person_id, or two people do"),
    ({"person_id": ""}, "no person_id"),
    ({"scan_date": "1.5.2012"}, "scan_date cannot be read"),
    ({"scan_date": "2001-01-01"}, "the person has no CT of that scan_date in the lake"),
    ({"followup_years": "-2", "outcome": "event"},
     "followup_years is negative: it ended before the scan"),
    ({"followup_years": "soon"}, "followup_years cannot be read"),
    ({"followup_years": "0"}, "event or end at the scan itself"),
    ({"outcome": "MI?"}, "outcome is not none, event or death"),
    ({"prevalent": ""}, "prevalent is not 0 or 1"),
)  # fmt: skip


def test_rows_that_cannot_be_used_are_counted_each_by_its_name(small, tmp_path, plain):
    def spoil(rows):
        used = [i for i, r in enumerate(rows) if r["prevalent"] == "0"]
        for i, (changes, _) in zip(used, BAD_ROWS, strict=False):
            rows[i] |= changes
        again, against = rows[used[20]], rows[used[21]]
        return [*rows, again, {**against, "followup_years": "1.25"}]

    sums = evaluate(small, outcomes=edited(small, tmp_path, spoil)).sums
    for says in [says for _, says in BAD_ROWS] + ["the same row again"]:
        assert sums.rows_left_out[says] == plain.rows_left_out.get(says, 0) + 1
    assert sums.rows_left_out[
        "rows of one person and scan_date that contradict each other"
    ] == 2  # fmt: skip
    assert sums.n_rows == sums.n_with_outcome + sum(sums.rows_left_out.values()) == 202
    assert sums.n_swept == plain.n_swept == 200
    # Nine rows spoilt, one person of two contradicting ones.
    assert plain.n_with_outcome - sums.n_with_outcome == 10
    assert sums.without_outcome["no row that can be used; see the rows left out"] == 8


def test_without_the_row_the_person_is_told(small, tmp_path):
    sums = evaluate(small, outcomes=edited(small, tmp_path, lambda rows: rows[5:])).sums
    assert sums.without_outcome["no row in the outcome table"] == 5


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda rows: [{**r, "person_id": f"X{i}"} for i, r in enumerate(rows)],
         r"nobody to evaluate: of 200 .* 200 × no scan carries"),
        (lambda rows: [{**r, "outcome": "none"} for r in rows], "no event within 10 years"),
        (lambda rows: [{k: v for k, v in r.items() if k != "outcome"} for r in rows],
         "no column outcome"),
        (lambda rows: [{k: v for k, v in r.items() if k != "person_id"} for r in rows],
         "no column person_id"),
        (lambda rows: [{k: v for k, v in r.items() if k != "ward"} for r in rows],
         "no column ward, which --group names"),
    ],
)  # fmt: skip
def test_what_cannot_be_evaluated_is_one_line_and_writes_nothing(small, tmp_path, change, says):
    file = edited(small, tmp_path, change)
    with pytest.raises(ScreeningError, match=says) as caught:
        evaluate(small, outcomes=file)
    assert "\n" not in str(caught.value)


def command(folder, *more):
    lake, outcomes, out = folder / "lake", folder / OUTCOMES, folder / "cli"
    arguments = ["risk", "evaluate", "--lake", str(lake), "--outcomes", str(outcomes)]
    environment = {"SCREENING_SECRET": SECRET}
    return CliRunner().invoke(cli, [*arguments, "--out", str(out), *more], env=environment)


def test_the_command_prints_sums_tiers_and_orders(small):
    result = command(small, "--reference", str(small / REFERENCE), "--capacity-per-week", "1")
    assert result.exit_code == 0, result.output
    assert "200 people swept = " in result.stdout
    for word in ("worklist", "cannot say", "the best 1 a week", "not a medical device", SIMULATED):
        assert word in result.stdout
    assert json.loads(command(small, "--json", "--horizon-years", "8").stdout)["years"] == 8


def test_no_capacity_is_a_wrong_option(small):
    result = command(small, "--capacity-per-week", "0")
    assert result.exit_code == 2
    assert "--capacity-per-week" in result.output


def test_a_lake_without_a_sweep_or_without_people_is_one_line(small, tmp_path):
    from shutil import copy

    from screening.tables import LAKE_TABLES

    (tmp_path / "site").mkdir()
    copy(small / OUTCOMES, tmp_path / "site" / OUTCOMES)
    lake = Lake.open(tmp_path / "site" / "lake", SECRET.encode(), create=True)
    with pytest.raises(ScreeningError, match="no sweep of this lake has finished"):
        evaluate(tmp_path / "site")
    with lake.lease("r"):
        lake.replace("runs", open_lake(small / "lake").read("runs"))
        lake.replace("series", LAKE_TABLES["series"].empty())
    with pytest.raises(ScreeningError, match="holds nobody with a CT"):
        evaluate(tmp_path / "site")


def test_a_policy_of_scores_by_region_needs_the_region(small):
    import pyarrow as pa

    from screening.tables import SETTING

    lake = open_lake(small / "lake")
    before = lake.read("setting")
    rows = [{"name": "flag_policy:esc_2021", "value": 1.0}]
    try:
        with lake.lease("r"):
            lake.replace("setting", pa.Table.from_pylist(rows, SETTING.schema))
        with pytest.raises(ScreeningError, match="score2_region"):
            evaluate(small)
    finally:
        with lake.lease("r"):
            lake.replace("setting", before)


def test_a_folder_with_something_in_it_is_no_place_to_simulate(small):
    result = CliRunner().invoke(cli, ["risk", "simulate", "--out", str(small)])
    assert isinstance(result.exception, ScreeningError)


def test_the_synthetic_hospital_is_evaluated_person_by_person(swept, hospital, screening, tmp_path):
    done = screening(
        "risk", "evaluate", "--lake", str(swept), "--outcomes", str(hospital.folder / OUTCOMES),
        "--reference", str(hospital.folder / REFERENCE), "--group", "ward", "--out",
        str(tmp_path / "out"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert SIMULATED in done.stdout
    with (tmp_path / "out" / "people.csv").open(newline="") as file:
        people = list(csv.DictReader(file))
    lake = open_lake(swept)
    assert len(people) == lake.query("core_person_flag", last_as_of(lake)).num_rows
    died = [p for p in people if p["today"] == "deceased"]
    assert [(p["flag"], p["outcome"], p["is_evaluated"]) for p in died] == [
        ("flagged", "death", "True")
    ]
