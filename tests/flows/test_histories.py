"""Random nights of random archives: what must hold after any of them."""

import random
from collections import Counter
from pathlib import Path

import pytest
from histories import Histories, Night, Row, Scan

Happened = dict[int, list[tuple[Scan, str]]]
ELSEWHERE = ("not_chosen", "opted_out")  # of a first one that still owns its images


def named(row: Row) -> str:
    return str(row["detail"]).split(": ")[1]


def told(night: Night) -> dict[str, tuple[object, ...]]:
    names = ("state", "reason", "detail", "redo_reason", "image_digest")
    return {key: tuple(row[n] for n in names) for key, row in night.rows.items()}


def counts_for(night: Night, key: str) -> bool:
    """Whether the images of a series that is named count, for it or for the best of its study."""
    row = night.rows.get(key, {"state": "gone", "reason": "gone"})
    if row["reason"] == "not_chosen":
        row = night.rows[named(row)]
    return row["state"] == "scored" or row["reason"] == "opted_out"


def faults(night: Night) -> list[object]:
    """What may hold after no night, whatever came before."""
    rows = night.rows.values()
    scored = [r for r in rows if r["state"] == "scored"]
    images = Counter(r["image_digest"] for r in scored)
    studies = Counter((r["study_key"], r["person_key"]) for r in scored)
    found: list[object] = [("twice", k) for k, n in (images + studies).items() if n > 1]
    found += [
        ("named", r["series_key"], r["reason"], r["detail"])
        for r in rows
        if r["reason"] in ("not_chosen", "duplicate_images_of") and not counts_for(night, named(r))
    ]
    found += [
        ("pending", r["series_key"], r["reason"])
        for r in rows
        if r["state"] == "pending" and r["study_key"] not in night.held
    ]
    return found + [("second choice", *two) for two in second_choices(night)]


def second_choices(night: Night) -> list[tuple[str, str]]:
    """Scores beside a better copy of what counts in another study, where no copy is before it."""
    place = {k: (r["study_key"], r["person_key"], night.places[k]) for k, r in night.rows.items()}
    copies = {k: named(r) for k, r in night.rows.items() if r["reason"] == "duplicate_images_of"}

    def is_behind(key: str, copy: str) -> bool:
        return place[copy][:2] == place[key][:2] and place[copy][2] < place[key][2]

    return [
        (key, copy)
        for key, row in night.rows.items()
        for copy, original in copies.items()
        if row["state"] == "scored"
        and is_behind(key, copy)
        and night.rows[original]["state"] == "scored"
        and place[original][:2] != place[copy][:2]
        and not any(is_behind(original, other) for other in copies)
    ]


def lost(before: Night, after: Night, happened: Happened) -> list[object]:
    """Scores that stood and do not, though in their world nothing touched images or rules.

    Where something waited last night, a better one may have its score since.
    """
    harmless = {"n_edits", "is_young", "undelivered", "n_spare"}
    waited = {study.split("-")[0] for study in before.held}
    found: list[object] = []
    for key, row in before.rows.items():
        world = key.split("-")[0]
        events = happened.get(int(world), [])
        is_its_own = all(scan.key == key for scan, _ in events) and world not in waited
        if row["state"] != "scored" or not is_its_own:
            continue
        names = {e for _, e in events}
        waits = row["study_key"] in after.held
        stands = names <= harmless | {"n_slices" if waits else "fewer n_spare"}
        if not stands:
            continue
        now = after.rows[key]
        if now["reason"] == "not_chosen":  # for a copy in the same study
            now = after.rows[named(now)]
        kept = [(r["state"], r["study_key"]) for r in (row, now)]
        if kept[0] != kept[1]:
            found.append(("lost", key, events, after.rows[key]["reason"]))
    return found


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_images_count_once_and_nothing_is_lost_or_forgotten(
    tmp_path: Path, seed: int
) -> None:
    worlds = Histories(tmp_path, random.Random(seed), n_worlds=100)
    before = worlds.night()
    assert faults(before) == []
    for _ in range(8):
        happened = worlds.change()
        after = worlds.night()
        assert (faults(after), lost(before, after, happened)) == ([], [])
        before = after
    worlds.rest()
    rested = worlds.night()
    quiet = worlds.night()
    assert faults(quiet) == []
    assert told(quiet) == told(rested)
    assert quiet.n_worked == 0
