"""Studies being sent to a real Orthanc, and what it takes back: by DICOMweb and by DIMSE.

Every stage of a night runs but the model: a scan's score is a thousand and its number of slices.
"""

import gc
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from archive_case import setting, stack, to_bytes
from key_object import rejection_note
from orthanc import PASSWORD, USER, Orthanc, needs_orthanc, running
from pydicom.dataset import Dataset

from flows.crawl import Crawled, crawl
from flows.explain import explain, print_explanation
from flows.handout import changed_since
from flows.people_stage import estimate
from flows.plan import Ledger, Plan, make_plan
from flows.withdrawal import withdrawn
from screening import archive, catalogue, choose
from screening.config import ArchiveSettings, RiskSettings
from screening.dispositions import Disposition, Stamp, Versions, to_table
from screening.lake import TOLD_BY, Lake, people_told
from screening.reasons import State
from screening.records import SeriesJob
from screening.tables import DISPOSITIONS, PERSON, RUNS

# pynetdicom leaves the socket of a peer that was not there to the garbage collector.
pytestmark = [
    needs_orthanc,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
TODAY = date(2026, 1, 3)  # the day after the scans
LIMITS = ArchiveSettings(requests_per_second=0, patience_seconds=1, slice_days=20_000)
VERSIONS = Versions(choose.CHOOSE_VERSION, "m", 1)
SENT_LATE, REJECTED, MOVED, DELETED = 0, 1, 2, 3
N_SLICES, LATE, INCREMENT_MM = 24, 2, 5.0  # as short as a chest may be
SCORE = 1000.0
WHOLE, PART = SCORE + N_SLICES, SCORE + N_SLICES - LATE


@dataclass
class Nights:
    """A server, its lake, and how many scans the last night worked."""

    source: archive.Source
    lake: Lake
    n: int = field(default=0, init=False)
    between: Callable[[], object] = field(default_factory=lambda: _nothing, init=False)

    def sweep(self) -> int:
        """Run a night; return how many scans were worked."""
        self.n += 1
        stamp = Stamp(f"run{self.n}", datetime(2026, 1, 3, self.n, tzinfo=UTC))
        with self.lake.lease(stamp.run_id):
            crawled = crawl(self.lake, None, self.source, TODAY)
            entries = catalogue.group(crawled.instances).entries
            told = people_told(crawled.index.read(TOLD_BY))
            now = catalogue.series_table(entries, told.conflicted)
            self.lake.replace("withdrawals", withdrawn(self.lake, now, TODAY))
            self.lake.replace("series", now)
            self.lake.replace("runs", _run(stamp))
            self.lake.replace("person", _people(now))
            plan, work = self._plan(crawled, entries)
            scored = [Disposition(e.series, VERSIONS, State.SCORED, ()) for e in work]
            rows = to_table([*plan.decided, *scored], stamp).to_pylist()
            sizes = {e.series.series_key: e.series.n_slices for e in work}
            for row in rows:
                if row["state"] == "scored":
                    row |= {"agatston": SCORE + sizes[row["series_key"]], "grade": "A"}
            made = pa.Table.from_pylist(rows, schema=DISPOSITIONS.schema)
            self.lake.append("dispositions", made, stamp.run_id, 1)
            estimate(self.lake, TODAY, RiskSettings(), told.birth_key_of)
        return len(work)

    def _plan(
        self, crawled: Crawled, entries: Sequence[catalogue.Entry]
    ) -> tuple[Plan, list[catalogue.Entry]]:
        ledger = Ledger(self.lake.read("dispositions"), VERSIONS, "none")
        decisions = choose.choose([e.series for e in entries])
        plan = make_plan(
            entries, decisions, ledger, choose.CHOOSE_VERSION, crawled.waiting, crawled.arriving
        )
        self.between()
        every = [entry for study in plan.studies for entry in study.candidates]
        return plan, [
            entry
            for entry in every
            if ledger.outcome(entry) is None and _handed_out(crawled, self.source, entry)
        ]

    def states(self) -> dict[int, tuple[object, ...]]:
        """State, reason, score and person of each scan, by its number."""
        uids = {
            row["series_key"]: row["path"].split("/")[1]
            for row in self.lake.read_index().instances.to_pylist()
        }
        return {
            NUMBERS[uids[row["series_key"]]]: tuple(
                row[n] for n in ("state", "reason", "agatston", "person_key")
            )
            for row in self.lake.query("core_disposition", TODAY).to_pylist()
            if uids[row["series_key"]] in NUMBERS
        }

    def flagged(self) -> set[str]:
        return set(self.lake.query("out_flagged", TODAY)["person_key"].to_pylist())

    def withdrawn(self) -> dict[str, str]:
        every = self.lake.read("withdrawals").to_pylist()
        rows = [row for row in every if row["modality"] == "CT"]  # a note may go, too
        assert all(row["agatston"] == WHOLE for row in rows)
        return {row["person_key"]: row["reason"] for row in rows}


def _nothing() -> None:
    """Happens between listing and scoring."""


def _handed_out(crawled: Crawled, source: archive.Source, entry: catalogue.Entry) -> bool:
    """Whether a scan is worked, asked as the sweep asks before it hands it out."""
    job = SeriesJob(entry.series.series_key, "", entry.paths)
    return not changed_since(source, crawled.index, [entry])(job)


def _run(stamp: Stamp) -> pa.Table:
    row = dict.fromkeys(RUNS.schema.names) | {
        "run_id": stamp.run_id, "started_at": stamp.committed_at, "as_of": TODAY,
        "model_digest": VERSIONS.model_digest, "scoring_version": VERSIONS.scoring_version,
    }  # fmt: skip
    return pa.Table.from_pylist([row], schema=RUNS.schema)


def _people(series: pa.Table) -> pa.Table:
    """Return a clinical record of everybody."""
    row = dict.fromkeys(PERSON.schema.names) | {"sex": "F", "is_deceased": False}
    keys = sorted(set(series["person_key"].to_pylist()))
    return pa.Table.from_pylist([row | {"person_key": k} for k in keys], schema=PERSON.schema)


def scan(number: int, patient: str = "") -> list[Dataset]:
    """A chest of one study and one person."""
    study = f"1.2.3.{number + 1}"
    edit = setting(
        StudyInstanceUID=study, SeriesInstanceUID=f"{study}.1", PatientID=patient or f"P{number}"
    )
    return stack(N_SLICES, number, edit, INCREMENT_MM)


NUMBERS = {f"1.2.3.{number + 1}.1": number for number in range(4)}


def send(server: Orthanc, images: Iterable[Dataset]) -> None:
    for image in images:
        server.ask("POST", "/instances", data=to_bytes(image))


def delete(server: Orthanc, level: str, **query: str) -> None:
    asked = {"Level": level, "Query": query}
    for found in server.ask("POST", "/tools/find", json=asked).json():
        folder = {"Study": "studies", "Series": "series"}[level]
        server.ask("DELETE", f"/{folder}/{found}")


@pytest.fixture(params=["web", "dimse"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(tmp_path: Path):
    """It has a part of the first scan."""
    with running(tmp_path / "orthanc") as orthanc:
        send(orthanc, scan(SENT_LATE)[:-LATE])
        yield orthanc


@pytest.fixture
def nights(server: Orthanc, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SCREENING_ARCHIVE_USER", USER)
    monkeypatch.setenv("SCREENING_ARCHIVE_PASSWORD", PASSWORD)
    monkeypatch.setattr("screening.archive.dicomweb._clients", {})
    source = archive.open_source(archive.resolve(getattr(server, kind)), LIMITS)
    yield Nights(source, Lake.open(tmp_path / "lake", b"a secret for tests", create=True))
    gc.collect()  # see above


def test_sent_in_parts_and_taken_back(
    server: Orthanc, nights: Nights, capsys: pytest.CaptureFixture[str]
) -> None:
    """First night: three whole and a part of the fourth. By day all four change."""
    for number in (REJECTED, MOVED, DELETED):
        send(server, scan(number))
    assert nights.sweep() == 4
    first = nights.states()
    assert {n: row[:3] for n, row in first.items()} == {
        n: ("scored", "", PART if n == SENT_LATE else WHOLE) for n in range(4)
    }
    person = {n: str(row[3]) for n, row in first.items()}
    assert nights.flagged() == set(person.values())

    send(server, scan(SENT_LATE)[-LATE:])
    send(server, [rejection_note(scan(REJECTED), "113001")])
    delete(server, "Study", StudyInstanceUID=f"1.2.3.{MOVED + 1}")
    send(server, scan(MOVED, "ANOTHER"))
    delete(server, "Series", SeriesInstanceUID=f"1.2.3.{DELETED + 1}.1")

    assert nights.sweep() == 1  # the one that late slices made another
    then = nights.states()
    assert then[SENT_LATE] == ("scored", "", WHOLE, person[SENT_LATE])
    assert then[REJECTED][:2] == ("ineligible", "rejected_in_archive")
    assert then[MOVED][:3] == ("scored", "", WHOLE)
    assert DELETED not in then
    assert nights.withdrawn() == {
        person[REJECTED]: "rejected_in_archive",
        person[MOVED]: "moved_to_another_person",
        person[DELETED]: "left_archive",
    }
    assert nights.flagged() == {person[SENT_LATE], then[MOVED][3]}
    assert then[MOVED][3] not in person.values()
    print_explanation(explain(nights.lake, person[SENT_LATE], None))
    assert f"superseded, since slices came or went: Agatston {PART:,.1f}" in capsys.readouterr().out

    delete(server, "Series", Modality="KO")
    send(server, scan(DELETED))
    assert nights.sweep() == 0  # back again, as they were
    assert nights.withdrawn() == {person[MOVED]: "moved_to_another_person"}
    assert nights.flagged() >= {person[REJECTED], person[DELETED]}


def test_a_study_that_grows_while_it_is_listed_waits(
    server: Orthanc, nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = type(nights.source).instances
    late = scan(SENT_LATE)[-LATE:]

    def meanwhile(source: archive.Source, study: str) -> object:
        found = listed(source, study)
        if study == f"1.2.3.{SENT_LATE + 1}":
            send(server, late)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(type(nights.source), "instances", meanwhile)
        assert nights.sweep() == 0
    assert nights.states()[SENT_LATE][:2] == ("pending", "still_arriving")
    assert nights.sweep() == 1
    assert nights.states()[SENT_LATE][:3] == ("scored", "", WHOLE)


def test_a_study_that_grew_after_it_was_listed_is_not_worked(
    server: Orthanc, nights: Nights
) -> None:
    send(server, scan(DELETED))
    nights.between = lambda: send(server, scan(SENT_LATE)[-LATE:])
    assert nights.sweep() == 1  # the other
    assert nights.states()[DELETED][0] == "scored"
    nights.between = _nothing
    assert nights.sweep() == 1
    assert nights.states()[SENT_LATE][:3] == ("scored", "", WHOLE)
