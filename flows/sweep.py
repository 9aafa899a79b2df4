"""One night: crawl, catalogue, choose, score, estimate, flag, publish.

Comes in: a `Night`. Goes out: a lake that holds the whole truth about the archive.
Refuses: what its stages refuse, in one line.

A Prefect task is a stage; scans are plain Dask futures inside the scoring stage.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import pyarrow as pa

from flows.cluster import Cluster
from flows.comings import keep_list
from flows.crawl import Crawled, crawl
from flows.growth import grown_from
from flows.handout import Orders, changed_since
from flows.people_stage import estimate, opted_out, take_clinical
from flows.plan import Ledger, Plan, lasting, make_plan
from flows.prefect_server import PrefectServer, prefect_server
from flows.scoring_stage import Scoring, Tally
from flows.withdrawal import withdrawn
from screening import archive, catalogue, choose, inference, scoring
from screening.catalogue import Entry
from screening.config import Settings
from screening.dispositions import Disposition, Versions
from screening.errors import ScreeningError
from screening.lake import TOLD_BY, Index, Lake, PeopleTold, people_told
from screening.privacy import safe_detail
from screening.reasons import Reason, State
from screening.records import Decision, ScoringParameters
from screening.tables import DISPOSITIONS, FILES, RUNS

Progress = Callable[[str, int, int], None]
Result = TypeVar("Result")


def no_progress(stage: str, done: int, total: int) -> None:
    """Show nothing."""


@dataclass(frozen=True, slots=True)
class Night:
    """What one sweep is asked to do."""

    archive: str
    lake: Lake
    clinical: Path | None
    as_of: date
    settings: Settings
    progress: Progress = no_progress
    run_id: str = field(default_factory=lambda: f"run_{uuid4().hex[:12]}")


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep did."""

    run_id: str
    seconds: float
    tally: Tally
    n_kept: int  # scores of another model or scoring version, left as they are
    n_gone_series: int  # of the sweep before, no longer in the archive
    n_gone_people: int  # whose series these were
    is_index_kept: bool = True  # of the archive, for the next sweep
    n_shut: int = 0  # folders and files of the archive that could not be opened
    n_taken_back: int = 0  # series rejected, or moved to another person, since the sweep before
    n_arriving: int = 0  # studies still being received, and held back for that
    nothing_rests: bool = False  # every file of the archive is too young to tell
    cut_short: str = ""  # why the archive's listing ended before its end
    n_spoilt: int = 0  # files that were images in the last sweep and are damaged


def sweep(night: Night, server: PrefectServer | None = None) -> Swept:
    """Run one night.

    Parameters
    ----------
    night : what to do
    server : a Prefect server already being started, else one is started here

    Raises
    ------
    ScreeningError
        What is wrong and what to do; the lake stays as far as it had come.
    """
    address = archive.resolve(night.archive)
    model = inference.open_model(night.settings.model)
    if server is not None:
        return _sweep(night, address, model, server)
    with prefect_server(night.lake.path) as own:
        return _sweep(night, address, model, own)


def _sweep(night: Night, address: str, model: inference.Model, server: PrefectServer) -> Swept:
    with night.lake.lease(night.run_id), Cluster(night.settings, night.lake.path) as cluster:
        return _run_flow(night, _Stages(night, address, model, cluster), server)


def _run_flow(night: Night, stages: "_Stages", server: PrefectServer) -> Swept:
    """Let Prefect run the stages; only stage names and states reach its database."""
    server.wait()
    from prefect import flow, task
    from prefect.cache_policies import NO_CACHE

    failures: list[BaseException] = []

    def stage(name: str, function: Callable[[], Result]) -> Result:
        def guarded() -> Result:
            try:
                return function()
            except Exception as error:  # noqa: BLE001 - Prefect stores messages; raised again below
                failures.append(error)
                raise ScreeningError(f"stage {name} failed: {safe_detail(error)}") from None

        run = task(name=name, cache_policy=NO_CACHE, persist_result=False)(guarded)
        result: Result = run()
        return result

    @flow(name="sweep", flow_run_name=night.run_id, persist_result=False)
    def night_flow() -> Swept:
        crawled = stage("crawl", stages.crawl)
        entries = stage("catalogue", lambda: stages.group(crawled))
        stage("clinical", stages.clinical)
        plan, ledger = stage("choose", lambda: stages.choose(entries))
        tally = stage("score", lambda: stages.score(plan, ledger))
        stage("estimate", stages.estimate)
        return stage("publish", lambda: stages.publish(tally))

    try:
        swept: Swept = night_flow()
    except ScreeningError:
        if failures:
            raise failures[0] from None
        raise
    return swept


class _Stages:
    """The stages of one night, in the order of the flow."""

    def __init__(
        self, night: Night, address: str, model: inference.Model, cluster: Cluster
    ) -> None:
        self._night = night
        self._lake = night.lake
        self._address = address
        self._source = archive.open_source(address, night.settings.archive)
        self._cluster = cluster
        self._versions = Versions(
            choose.CHOOSE_VERSION, model.identity.digest, scoring.SCORING_VERSION
        )
        self._begun = time.monotonic()
        self._n_kept = 0
        self._is_index_kept, self._n_shut = True, 0
        self._waiting: frozenset[str] = frozenset()  # studies of which something is unreachable
        self._arriving: frozenset[str] = frozenset()  # studies with a young file
        self._index = Index(FILES.empty(), ())
        self._ledger = Ledger(DISPOSITIONS.empty(), self._versions, night.settings.rescore)
        self._told = PeopleTold({}, {}, frozenset())
        self._decisions: tuple[Decision, ...] = ()  # of rules, wishes apart
        self._n_held, self._nothing_rests, self._cut_short = 0, False, ""
        self._n_spoilt = 0
        self._gone: list[dict[str, object]] = []  # what was taken back since the last sweep
        self._run: dict[str, object] = {
            "run_id": night.run_id,
            "started_at": datetime.now(UTC),
            "as_of": night.as_of,
            "model_digest": self._versions.model_digest,
            "scoring_version": self._versions.scoring_version,
        }

    def crawl(self) -> Crawled:
        self._night.progress("reading headers", 0, 1)
        minutes = self._night.settings.archive.settle_minutes
        self._nothing_rests = archive.nothing_rests(self._address, time.time(), minutes)
        crawled = crawl(self._lake, self._cluster, self._source, self._night.as_of)
        self._waiting, self._arriving = crawled.waiting, crawled.arriving
        self._index = crawled.index
        self._is_index_kept, self._n_shut = crawled.is_kept, crawled.n_shut
        self._cut_short, self._n_spoilt = crawled.cut_short, crawled.n_spoilt
        self._night.progress("reading headers", 1, 1)
        return crawled

    def group(self, crawled: Crawled) -> tuple[Entry, ...]:
        index = crawled.index
        rejected = catalogue.rejections(index.read(catalogue.NOTE_COLUMNS))
        found = catalogue.group_parts(index.read(), rejected, self._night.as_of)
        self._told = people_told(index.read(TOLD_BY), rejected)
        now = catalogue.series_table(found.entries, self._told.conflicted)
        touched = catalogue.touched(index.read(catalogue.TOUCHED_COLUMNS), rejected)
        now = self._judged(found.entries, now, touched)
        known = self._lake.read("withdrawals").to_pylist()
        withdrawals = withdrawn(self._lake, now, self._night.as_of)
        self._gone = [r for r in withdrawals.to_pylist() if r not in known]
        # Before the series: a night killed between the two finds them withdrawn all the same.
        self._lake.replace("withdrawals", withdrawals)
        self._lake.replace("series", now)
        reasons = crawled.files["reason"].to_pylist()
        self._run.update(
            files_seen=crawled.n_seen,
            files_instance=index.n_instances - found.n_duplicate_files,
            files_not_dicom=reasons.count(Reason.NOT_DICOM),
            files_unreadable=reasons.count(Reason.UNREADABLE)
            + reasons.count(Reason.TRUNCATED_FILE)
            + reasons.count(Reason.UNREACHABLE),
            files_duplicate=found.n_duplicate_files,
            files_ignored=reasons.count(Reason.IGNORED_FILE),
        )
        self._write_run()
        return tuple(found.entries)

    def _judged(self, entries: Sequence[Entry], now: pa.Table, touched: frozenset[str]) -> pa.Table:
        """Add to tonight's series what rules say of each, and what it grew from."""
        nobody: frozenset[str] = frozenset()  # wishes are read later, and asked by themselves
        every = [e.series for e in entries]
        self._decisions = choose.choose(every, nobody, self._told.conflicted)
        self._ledger = Ledger(
            self._lake.read("dispositions"), self._versions, self._night.settings.rescore
        )
        held = lasting(self._decisions, self._ledger, self._waiting, self._arriving)
        return catalogue.judged(now, held, grown_from(self._lake.read("series"), now, touched))

    def _write_run(self) -> None:
        """Put this sweep's row in the place of its earlier, less complete one."""
        runs = self._lake.read("runs")
        others = [r for r in runs.to_pylist() if r["run_id"] != self._night.run_id]
        rows = [*others, {**dict.fromkeys(RUNS.schema.names), **self._run}]
        self._lake.replace("runs", pa.Table.from_pylist(rows, schema=RUNS.schema))

    def clinical(self) -> None:
        night = self._night
        given = take_clinical(self._lake, night.clinical, night.settings, night.as_of, self._told)
        self._run.update(given)
        self._write_run()  # what was handed over says which facts are unknown (core_delivered)

    def choose(self, entries: tuple[Entry, ...]) -> tuple[Plan, Ledger]:
        ledger, version = self._ledger, choose.CHOOSE_VERSION
        counted = self._lake.query("core_image_owner", self._night.as_of).to_pylist()
        ledger.set_owners({r["image_digest"]: r["series_key"] for r in counted})
        silent = opted_out(self._lake, self._night.as_of)
        theirs = [e.series for e in entries if e.series.person_key in silent]
        # Whether the wish is new tonight or not.
        self._lake.forget_images(frozenset(series.series_key for series in theirs))
        refused = choose.choose(theirs, silent, self._told.conflicted)
        by_key = {d.series_key: d for d in (*self._decisions, *refused)}
        decisions = list(by_key.values())
        plan = make_plan(entries, decisions, ledger, version, self._waiting, self._arriving)
        self._n_held = plan.n_arriving
        return replace(plan, decided=tuple(map(self._waiting_row, plan.decided))), ledger

    def _waiting_row(self, row: Disposition) -> Disposition:
        """Give what waits the key that working has where it waits.

        Under the rules' key an earlier night's `not_chosen` is settled and would stand.
        """
        if row.state is not State.PENDING:
            return row
        return replace(row, versions=replace(self._versions, scoring_version=0))

    def score(self, plan: Plan, ledger: Ledger) -> Tally:
        settings = self._night.settings
        candidates = [entry for study in plan.studies for entry in study.candidates]
        if settings.rescore != "all":  # else they are scored tonight
            self._n_kept = sum(map(ledger.keeps_another, candidates))
        orders = Orders(
            settings.model,
            ScoringParameters(),
            settings.scan_timeout_seconds + self._source.longest_read_seconds,
            self._cluster.threads_per_worker,
            settings.providers,
        )
        stage = Scoring(
            lake=self._lake,
            cluster=self._cluster,
            settings=settings,
            orders=orders,
            versions=self._versions,
            run_id=self._night.run_id,
            address=self._address,
            progress=lambda done, total: self._night.progress("scoring", done, total),
            has_changed=changed_since(self._source, self._index, candidates),
        )
        tally = stage.run(plan, ledger)
        self._n_held += tally.n_held
        return tally

    def estimate(self) -> None:
        settings = self._night.settings.risk
        estimate(self._lake, self._night.as_of, settings, self._told.birth_key_of)

    def publish(self, tally: Tally) -> Swept:
        self._night.progress("publishing", 0, 1)
        keep_list(self._lake, self._night.as_of)
        self._lake.check_keys()
        seconds = time.monotonic() - self._begun
        self._run.update(seconds=seconds, n_scored=tally.n_scored, bytes_read=tally.bytes_read)
        self._write_run()
        self._lake.publish(self._night.as_of, self._night.run_id)
        self._lake.maintain()
        self._night.progress("publishing", 1, 1)
        left = [r for r in self._gone if r["reason"] == Reason.LEFT_ARCHIVE]
        return Swept(
            self._night.run_id,
            seconds,
            tally,
            self._n_kept,
            len(left),
            len({r["person_key"] for r in left}),
            self._is_index_kept,
            self._n_shut,
            len(self._gone) - len(left),
            self._n_held,
            self._nothing_rests,
            self._cut_short,
            self._n_spoilt,
        )
