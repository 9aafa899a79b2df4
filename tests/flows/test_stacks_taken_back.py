"""Of two reconstructions under one UID one goes: which, the content tells, not the key."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from archive_case import TODAY, Archive, stack
from pydicom.dataset import Dataset

from flows.crawl import crawl
from flows.withdrawal import withdrawn
from screening import archive, catalogue
from screening.config import ArchiveSettings
from screening.lake import Lake
from screening.tables import DISPOSITIONS

LARGE, SMALL = 40, 24  # slices
SCORES = {LARGE: 40.0, SMALL: 24.0}


def sharp(ds: Dataset, number: int) -> None:
    ds.ConvolutionKernel, ds.InstanceNumber = "B70f", 100 + number


class Nights:
    """A folder with both, and its lake."""

    def __init__(self, folder: Path, away: Path) -> None:
        self.away = away
        self.archive = Archive(folder).add([b"never empty"], name="note.txt")
        self.archive.n = 0
        self.archive.add(stack(LARGE), name="large/{}")
        self.archive.add(stack(SMALL, 1, sharp, increment_mm=5.0), name="small/{}")
        self.lake = Lake.open(self.archive.lake, b"a secret for tests only", create=True)
        away.mkdir()

    def sweep(self) -> dict[int, str]:
        """Crawl; return the key of each stack by its number of slices."""
        address = archive.resolve(str(self.archive.folder))
        source = archive.open_source(address, ArchiveSettings())
        with self.lake.lease("test"):
            found = crawl(self.lake, None, source, TODAY)
            now = catalogue.series_table(catalogue.group(found.instances).entries)
            self.lake.replace("withdrawals", withdrawn(self.lake, now, TODAY))
            self.lake.replace("series", now)
        return {row["n_slices"]: row["series_key"] for row in now.to_pylist()}

    def score(self) -> None:
        made = datetime(2026, 11, 1, tzinfo=UTC)
        rows = [
            dict.fromkeys(DISPOSITIONS.schema.names)
            | {name: row[name] for name in ("series_key", "study_key", "person_key")}
            | {"content_digest": row["content_digest"], "state": "scored", "reasons": []}
            | {"agatston": SCORES[row["n_slices"]], "committed_at": made, "choose_version": 1}
            | {"model_digest": "m", "scoring_version": 1}
            for row in self.lake.read("series").to_pylist()
        ]
        with self.lake.lease("test"):
            scored = pa.Table.from_pylist(rows, schema=DISPOSITIONS.schema)
            self.lake.append("dispositions", scored, "test", 1)

    def take(self, *names: str) -> None:
        for name in names:
            (self.archive.folder / name).rename(self.away / name.replace("/", "-"))

    def bring(self, *names: str) -> None:
        for name in names:
            (self.away / name.replace("/", "-")).rename(self.archive.folder / name)

    def gone(self) -> list[tuple[object, ...]]:
        rows = self.lake.read("withdrawals").to_pylist()
        return [(r["series_key"], r["reason"], r["agatston"]) for r in rows]


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    return Nights(tmp_path / "archive", tmp_path / "away")


@pytest.mark.parametrize(("name", "size"), [("small", SMALL), ("large", LARGE)])
def test_a_stack_that_goes_has_its_row_until_it_is_back(
    nights: Nights, name: str, size: int
) -> None:
    """Where the large one goes the small one takes its key: what is gone is the large one."""
    keys = nights.sweep()
    nights.score()
    nights.take(name)
    (left,) = nights.sweep().values()
    assert left == keys[LARGE]
    row = (keys[SMALL], "left_archive", SCORES[size])
    assert nights.gone() == [row]
    nights.sweep()
    assert nights.gone() == [row]
    nights.bring(name)
    assert nights.sweep() == keys
    assert nights.gone() == []


def test_both_go_and_one_is_back(nights: Nights) -> None:
    keys = nights.sweep()
    nights.score()
    nights.take("small", "large")
    nights.sweep()
    assert {key for key, _, _ in nights.gone()} == set(keys.values())
    nights.bring("small")
    nights.sweep()
    assert [key for key, _, _ in nights.gone()] == [keys[SMALL]]


def test_stacks_that_become_one_are_not_gone(nights: Nights) -> None:
    """The slices of the small one are sent again, as those that go on where the large one ends."""
    assert len(nights.sweep()) == 2
    nights.take("small")
    nights.archive.add(stack(LARGE + SMALL, 0)[LARGE:], name="small/{}")
    assert nights.sweep().keys() == {LARGE + SMALL}
    assert nights.gone() == []


@pytest.mark.parametrize("n_lost", [1, 10])
def test_a_stack_goes_while_the_other_loses_slices(nights: Nights, n_lost: int) -> None:
    keys = nights.sweep()
    nights.score()
    nights.take(*(f"large/{n}" for n in range(LARGE - n_lost, LARGE)), "small")
    nights.sweep()
    assert nights.gone() == [(keys[SMALL], "left_archive", SCORES[SMALL])]


def test_a_stack_that_grows_past_the_other_is_not_gone(nights: Nights) -> None:
    """It takes the key of the other, which gets one of its own: a key goes, no images do."""
    keys = nights.sweep()
    longer = stack(LARGE + 8, 1, sharp, increment_mm=5.0)[SMALL:]
    nights.archive.add(longer, name="more/{}")
    now = nights.sweep()
    assert now[LARGE + 8] == keys[LARGE]
    assert keys[SMALL] not in now.values()
    assert nights.gone() == []
