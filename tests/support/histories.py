"""Archives that change by night at random, many at once; only the work on pixels is pretended.

Comes in: a seed. Goes out: what each night made of every series, by the sweep's own planning,
turns and ledger and by the files of `sql/`. Refuses: nothing.

Worlds lie beside one another in one lake and share no key, so that a night of all is one query.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from series_case import CHEST

from flows.growth import grown_from
from flows.plan import Ledger, lasting, make_plan
from flows.scoring_stage import Scoring
from screening import catalogue, choose
from screening.catalogue import Entry
from screening.config import Settings
from screening.dispositions import Disposition, Versions
from screening.lake.ledger import Ledger as Kept
from screening.lake.publish import Run, Source, query
from screening.lake.sqlfiles import read_relations
from screening.pipeline import Worked
from screening.reasons import Reason, Room, State
from screening.records import Rejection, ScoredSeries, Series, SeriesJob
from screening.resources import sql_folder
from screening.tables import DISPOSITIONS, LAKE_TABLES

VERSIONS = Versions(choose.CHOOSE_VERSION, "m", 9)
DAY = date(2026, 11, 1)
KERNELS = ("Br40f", "B60f", "B20f")
EVENTS = (
    *["is_here", "n_edits"] * 4, *["is_enhanced", "n_slices", "fewer n_spare", "kernel"] * 2,
    "fewer n_slices", "n_spare", "is_rejected", "silent", "conflicted", "undelivered", "is_young",
)  # fmt: skip
SETTINGS = Settings()
WISH = {"scope": "opt_out_all", "valid_from": date(2026, 1, 1)}
RELATIONS = read_relations(sql_folder())
Row = dict[str, Any]


@dataclass
class Scan:
    """One series of the archive, as it may change."""

    world: int
    key: str
    study: str
    person: str
    pixels: str
    kernel: str
    is_here: bool = True
    n_slices: int = 100
    n_spare: int = 1  # files of an image that is there already
    n_edits: int = 0  # of headers that no rule reads
    is_enhanced: bool = False
    is_rejected: bool = False
    is_young: bool = False

    @property
    def images(self) -> str:
        """The digest that working it gives."""
        return f"{self.world}-{self.pixels}-{self.n_slices}"

    def series(self) -> Series:
        content = f"{self.images}/{self.n_spare}/{self.n_edits}/{self.kernel}"
        return replace(
            CHEST, series_key=self.key, study_key=self.study, person_key=self.person,
            kernel=self.kernel, n_files=self.n_slices + self.n_spare, n_slices=self.n_slices,
            z_range_mm=(0.0, 3.0 * (self.n_slices - 1)), has_contrast_tag=self.is_enhanced,
            content_digest=content, rejection="113001" if self.is_rejected else "",
        )  # fmt: skip


@dataclass
class Memory:
    """A lake without a disk, as far as planning, scoring and `sql/` need one."""

    tables: dict[str, pa.Table] = field(
        default_factory=lambda: {name: t.empty() for name, t in LAKE_TABLES.items()}
    )

    def read(self, name: str) -> pa.Table:
        return self.tables[name]

    def append(self, name: str, rows: pa.Table, *_: object) -> None:
        """Keep rows as the lake's own table does: of one key what gives way, and what does not."""
        old = self.tables[name]
        if name == DISPOSITIONS.name:
            kept = Kept()
            kept.load(0, old)
            new, better = kept.sort_out(rows)
            key = DISPOSITIONS.key
            gone = {tuple(r[k] for k in key) for r in better.select(key).to_pylist()}
            stays = [tuple(r[k] for k in key) not in gone for r in old.select(key).to_pylist()]
            old, rows = old.filter(pa.array(stays, pa.bool_())), pa.concat_tables([new, better])
        self.tables[name] = pa.concat_tables([old, rows]).combine_chunks()

    def replace(self, name: str, rows: Sequence[Row]) -> None:
        schema = LAKE_TABLES[name].schema
        filled = [{**dict.fromkeys(schema.names), **row} for row in rows]
        self.tables[name] = pa.Table.from_pylist(filled, schema=schema)

    def query(self, name: str, folder: Path) -> list[Row]:
        source = Source(folder, self.read, lambda _: pa.table({}))
        return query(source, RELATIONS, name, Run(DAY, "", DAY)).to_pylist()


class PretendedScoring(Scoring):
    """The sweep's scoring stage, whose workers read nothing and end in any order."""

    def _work(
        self, turn: Sequence[Entry], attempts: Counter[str]
    ) -> Iterator[tuple[SeriesJob, Worked]]:
        for entry in random.Random(len(turn)).sample(turn, len(turn)):
            key = entry.series.series_key
            digest = entry.series.content_digest.split("/")[0]
            outcome: Any = ScoredSeries(key, *[None] * 4)  # type: ignore[arg-type]
            if "spoilt" in digest:
                outcome = Rejection(Room.SCORING, key, Reason.CONTRAST_PIXELS)
            yield SeriesJob(key, "", entry.paths), Worked(key, outcome, 0, digest)

    def _disposition(self, entry: Entry, worked: Worked, ledger: Ledger) -> Disposition:
        return replace(super()._disposition(entry, worked, ledger), scored=None)


@dataclass
class Night:
    """What a night made: rows of `core_disposition` by series, and which series were worked."""

    rows: dict[str, Row]
    n_worked: int
    places: dict[str, int]  # in its study, of each that rules let count
    held: frozenset[str]  # studies of which more may come, or of which something was not delivered


@dataclass
class Histories:
    """Worlds of two people's studies, of which one may be sent again."""

    folder: Path
    rng: random.Random
    n_worlds: int
    lake: Memory = field(default_factory=Memory)
    scans: list[Scan] = field(default_factory=list)
    silent: set[str] = field(default_factory=set)
    conflicted: set[str] = field(default_factory=set)
    undelivered: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for world in range(self.n_worlds):
            owners = [f"{world}-p{self.rng.randint(0, 1)}" for _ in range(3)]
            made: list[Scan] = []
            for number in range(self.rng.randint(2, 5)):
                study = self.rng.randint(0, 1)
                pixels = self.rng.choice(("A", "B", "C", "spoilt"))
                made.append(Scan(world, f"{world}-s{number}", f"{world}-st{study}", owners[study],
                                 pixels, self.rng.choice(KERNELS)))  # fmt: skip
            # The first study sent once more, whole, under other UIDs.
            made += [
                replace(scan, key=f"{scan.key}-again", study=f"{world}-st2", person=owners[2])
                for scan in made
                if scan.study.endswith("st0")
            ]
            for scan in made:
                scan.is_here = self.rng.random() < 0.7
            self.scans += made

    def rest(self) -> None:
        """Let all that was sent be there, and old."""
        self.undelivered.clear()
        for scan in self.scans:
            scan.is_young = False

    def change(self) -> dict[int, list[tuple[Scan, str]]]:
        """Let up to two things happen in each world; return what, by world."""
        self.rest()
        happened: dict[int, list[tuple[Scan, str]]] = {}
        for event, people in (("silent", self.silent), ("conflicted", self.conflicted)):
            for scan in self.scans:
                if scan.person in people and self.rng.random() < 0.1:
                    self._happen(scan, event)
                    happened.setdefault(scan.world, []).append((scan, event))
        for world in range(self.n_worlds):
            mine = [s for s in self.scans if s.world == world]
            for _ in range(self.rng.randint(0, 2)):
                scan, event = self.rng.choice(mine), self.rng.choice(EVENTS)
                self._happen(scan, event)
                happened.setdefault(world, []).append((scan, event))
        return happened

    def _happen(self, scan: Scan, event: str) -> None:
        if event in ("is_here", "is_enhanced", "is_rejected"):
            setattr(scan, event, not getattr(scan, event))
        elif event in ("n_edits", "n_slices", "n_spare"):
            setattr(scan, event, getattr(scan, event) + 1)
        elif event in ("fewer n_slices", "fewer n_spare"):
            name = event.split()[1]
            setattr(scan, name, max(0, getattr(scan, name) - 1))
        elif event == "kernel":
            scan.kernel = self.rng.choice(KERNELS)
        else:
            {
                "silent": self.silent,
                "conflicted": self.conflicted,
            }.get(event, set()).symmetric_difference_update({scan.person})
            self.undelivered |= {scan.study} if event == "undelivered" else set()
        is_written = event in ("is_here", "n_edits", "n_slices", "n_spare", "is_young")
        scan.is_young = scan.is_young or (is_written and self.rng.random() < 0.4)

    def night(self) -> Night:
        """Sweep once, as `_Stages` of the sweep does."""
        lake = self.lake
        entries = [Entry.of(s.series(), (f"{s.key}/1",)) for s in self.scans if s.is_here]
        self.rng.shuffle(entries)
        young = frozenset(s.study for s in self.scans if s.is_here and s.is_young)
        held, people = frozenset(self.undelivered), frozenset(self.conflicted)
        every = [e.series for e in entries]
        decisions = choose.choose(every, frozenset(), people)
        ledger = Ledger(lake.read("dispositions"), VERSIONS, "new_only")
        now = catalogue.series_table(entries, people)
        grown = grown_from(lake.read("series"), now, frozenset())
        lasts = lasting(decisions, ledger, held, young)
        lake.tables["series"] = catalogue.judged(now, lasts, grown)
        lake.replace("policy", [WISH | {"person_key": p} for p in sorted(self.silent)])
        lake.replace("runs", [{"run_id": "r", "started_at": datetime.now(UTC), "as_of": DAY,
                               "model_digest": "m", "scoring_version": 9}])  # fmt: skip
        owners = lake.query("core_image_owner", self.folder)
        ledger.set_owners({r["image_digest"]: r["series_key"] for r in owners})
        theirs = [s for s in every if s.person_key in self.silent]
        refused = choose.choose(theirs, frozenset(self.silent), people)
        by_key = {d.series_key: d for d in (*decisions, *refused)}
        plan = make_plan(entries, list(by_key.values()), ledger, choose.CHOOSE_VERSION, held, young)
        waits = replace(VERSIONS, scoring_version=0)
        decided = (replace(d, versions=waits) if d.state is State.PENDING else d
                   for d in plan.decided)  # fmt: skip
        stage: Any = PretendedScoring(
            lake, None, SETTINGS, None, VERSIONS, "r", "", lambda *_: None, lambda _: False
        )  # type: ignore[arg-type]
        tally = stage.run(replace(plan, decided=tuple(decided)), ledger)
        rows = lake.query("core_disposition", self.folder)
        places = {d.series_key: 99 if d.rank is None else d.rank for d in decisions}
        return Night({r["series_key"]: r for r in rows}, tally.n_worked, places, young | held)
