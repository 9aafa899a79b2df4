"""What a sweep says on standard error beside its sums: what a site may not know.

Comes in: the night's settings and clinical folder, the lake, what the sweep did. Goes out: one line
a note.
Refuses: nothing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from flows import show
from flows.status import last_as_of
from flows.sweep import Swept
from screening import catalogue, clinical
from screening.clinical_columns import HANDED_OVER
from screening.config import Settings
from screening.lake import Lake
from screening.reasons import Reason, State

Row = Mapping[str, object]
# What cannot be seen of anybody where a table is not in the folder, or has no rows.
_SEEN_IN = {
    "person": "age, sex, death and clinical record",
    "observation": "measurements for the risk",
    "condition": "known disease",
    "medication": "treatment",
    "procedure": "stents, operations and formal calcium scans",
    "report_text": "calcium scores in reports",
    "person_policy": "wishes about their data",
}
# What is unknown for everybody then, and drawn for the risk. All else reads as "none recorded".
_UNKNOWN_WITHOUT = {
    "condition": ("diabetes", "infarctions in the family"),
    "medication": ("blood-pressure treatment", "lipid treatment"),
}
# Where nobody has a wish its header alone says so, every night; wishes that are gone are told.
_MAY_BE_EMPTY = "person_policy"
# Rows that a site need not mend: of nobody with a scan, of no use here, or there already.
_AS_EXPECTED = (Reason.NO_SCAN, Reason.CODE_NOT_USED, Reason.DUPLICATE_ROW)
# A table with a smaller share of the rows it had in the last sweep is told. From night to night an
# export grows, or loses what a site takes back; half of it goes when it was cut or came empty.
_SHARE_EXPECTED = 0.5
# No archive loses a tenth of its series from one sweep to the next of its own accord.
_SHARE_GONE = 0.1
# Settings that the lake keeps as NAME:CHOICE, and what each is called.
_CHOICES = {
    "flag_policy": "policy",
    "minimum_grade": "minimum_grade",
    "score2_region": "score2_region",
}
_UNSET = "not set"
_DOUBTS = {
    "date": "carry a date that cannot be, or that others contradict; the believable one was taken, "
    "where there is one",
    "age": "state an age that birth and scan date contradict; neither was believed, and without a "
    "birth date in the clinical record the age is unknown",
    "later": "are dated later than {as_of}, the day of the list, and are not on it (no_scan_date); "
    "where that day is today, the scanner's clock runs ahead",
}


def changed_settings(lake: Lake, settings: Settings) -> list[str]:
    """Return the note of settings that differ from those of the last sweep, if any do.

    Parameters
    ----------
    lake : before the sweep
    settings : tonight's
    """
    before = _by_name({r["name"]: r["value"] for r in lake.read("setting").to_pylist()})
    now = _by_name(settings.numbers())
    if not before:
        return []
    # What is in every lake of today and not in this one was not kept when it was swept.
    new = {name for name in now if name not in before and ":" not in name}
    changed = [
        f"{name} {now.get(name, _UNSET)} ({before.get(name, _UNSET)} before)"
        for name in sorted({*before, *now} - new)
        if now.get(name) != before.get(name)
    ]
    if not changed:
        return []
    return [
        f"flags use other settings than the last sweep: {', '.join(changed)}; "
        "is --config the right one?"
    ]


def _by_name(numbers: Mapping[str, float]) -> dict[str, str]:
    """Return what each setting says, by the name it has in the settings file."""
    found = {}
    for name, value in numbers.items():
        group, _, choice = name.partition(":")
        if group in _CHOICES:
            found[_CHOICES[group]] = choice
        else:
            found[name] = f"{value:g}"
    return found


def notes(folder: Path | None, lake: Lake, swept: Swept) -> list[str]:
    """Return the notes of one night.

    Parameters
    ----------
    folder : of clinical tables, None where none was given
    lake : after the sweep
    swept : what the sweep did
    """
    return [
        *_of_clinical(folder, lake, swept.run_id),
        *_of_series(swept, lake.read("series").num_rows),
        *_of_changed(lake),
        *_of_headers(lake),
        *_of_archive(swept),
        *_of_damaged(lake, swept),
    ]


def _of_damaged(lake: Lake, swept: Swept) -> list[str]:
    """Tell of files that nobody could read; those that were images before have a note of theirs."""
    runs = (r for r in lake.read("runs").to_pylist() if r["run_id"] == swept.run_id)
    n = sum(int(r["files_unreadable"] or 0) for r in runs) - swept.n_spoilt
    if n <= 0:
        return []
    what = "1 file of the archive cannot" if n == 1 else f"{n} files of the archive cannot"
    return [
        f"{what} be read (screening status --files names them): where they may belong to a study "
        "it waits, and whoever has no other score is on no list"
    ]


def _of_headers(lake: Lake) -> list[str]:
    """Tell of what headers say that the rest of them contradicts."""
    rows = lake.read("series").select(["header_doubts"]).column(0).to_pylist()
    counts = Counter(name for row in rows for name in row or ())
    as_of = last_as_of(lake)
    return [
        f"{counts[name]} series {said.format(as_of=as_of)}"
        for name, said in _DOUBTS.items()
        if counts[name]
    ]


def _is_it_whole(n_gone: int, n_series: int) -> str:
    is_much = n_gone > _SHARE_GONE * (n_gone + n_series)
    return (
        ", and whoever has no other score left the list; is all of it mounted?" if is_much else ""
    )


def _of_series(swept: Swept, n_series: int) -> list[str]:
    found = []
    if swept.n_gone_series:
        verb = "is" if swept.n_gone_series == 1 else "are"
        found.append(
            f"{swept.n_gone_series} series of {show.people(swept.n_gone_people)} of the last sweep "
            f"{verb} no longer in the archive{_is_it_whole(swept.n_gone_series, n_series)}"
        )
    if swept.n_taken_back:
        verb = "was" if swept.n_taken_back == 1 else "were"
        found.append(
            f"{swept.n_taken_back} series {verb} rejected or moved to another person since the "
            "last sweep; explain KEY tells of each"
        )
    if swept.n_kept:
        verb = "keeps" if swept.n_kept == 1 else "keep"
        found.append(
            f"{swept.n_kept} series {verb} a score of another model or scoring version than "
            "tonight's: rescore (new_only, or never) leaves what has a score as it is, and growth "
            'between two such scores is not told; rescore = "all" in --config scores them again'
        )
    return found


def _of_changed(lake: Lake) -> list[str]:
    """Tell of series that had a score, have other slices now, and wait for what these give."""
    names = ["series_key", "content_digest", "grown_from"]
    states: dict[str, dict[str, set[str]]] = {}
    for row in lake.read("dispositions").select([*names[:2], "state"]).to_pylist():
        of_series = states.setdefault(row["series_key"], {})
        of_series.setdefault(row["content_digest"], set()).add(row["state"])
    n_kept = n_without = 0
    series = lake.read("series")
    counting = catalogue.standing(series)
    for row in (r for r in series.select(names).to_pylist() if r["series_key"] in counting):
        before = states.get(row["series_key"], {})
        is_waiting = before.pop(row["content_digest"], set()) <= {State.PENDING}
        scored = {content for content, found in before.items() if State.SCORED in found}
        if is_waiting and scored:
            only_grew = bool(scored.intersection(row["grown_from"] or ()))
            n_kept, n_without = n_kept + only_grew, n_without + (not only_grew)
    said = (
        (n_kept, "only grew since the last score", "the old score stands"),
        (
            n_without,
            "changed since the last score",
            "nothing of it counts, and a flagged person may be off the list",
        ),
    )
    return [
        f"{n} series {what} and {'waits' if n == 1 else 'wait'} to be scored again: until then {so}"
        for n, what, so in said
        if n
    ]


def _of_archive(swept: Swept) -> list[str]:
    found = []
    if swept.n_arriving:
        what = "1 study is" if swept.n_arriving == 1 else f"{swept.n_arriving} studies are"
        found.append(
            f"{what} still being received and will be scored in a later sweep; settle_minutes of "
            "[archive] in --config says how long a study must rest"
        )
    if swept.nothing_rests:
        found.append(
            "every file of the archive was written or moved less than settle_minutes ago (whatever "
            "its date says), so times do not tell what is still being copied and nothing waited; "
            "if a copy is running, sweep again after it"
        )
    if swept.n_shut:
        what = "1 folder or file" if swept.n_shut == 1 else f"{swept.n_shut} folders or files"
        found.append(
            f"{what} of the archive could not be opened: what was known there stays, what is new "
            "there is not seen, whoever may lie there waits; find ARCHIVE ! -readable names them"
        )
    if swept.n_spoilt:
        what = "1 file" if swept.n_spoilt == 1 else f"{swept.n_spoilt} files"
        found.append(
            f"{what} of the archive held an image in the last sweep and cannot be read as one now: "
            "what was known stays, and the studies wait; bring the files back, or delete them "
            "(screening status --files names them)"
        )
    if swept.cut_short:
        found.append(
            f"{swept.cut_short} (unreachable): what was not listed stays as it was known, what is "
            "new there is not seen; see to the store, and sweep again"
        )
    if not swept.is_index_kept:
        found.append(
            "what the archive holds could not be written beside the lake (is its disk full?): the "
            "next sweep reads those headers again"
        )
    return found


def _of_clinical(folder: Path | None, lake: Lake, run_id: str) -> list[str]:
    if folder is None:
        used_again = lake.read("person").num_rows > 0
        note = "no --clinical tonight: the clinical tables of an earlier sweep were used again"
        return [note] if used_again else []
    missing = clinical.not_there(folder)
    now, before = _handed_over(lake.read("runs").to_pylist(), run_id)
    empty = [name for name in _SEEN_IN if now.get(name) == 0 and name != _MAY_BE_EMPTY]
    found = [
        f"{what} {folder}: nobody's {', '.join(_SEEN_IN[name] for name in names)} can be seen there"
        for names, what in (
            (missing, f"no {', '.join(missing)} table in"),
            (empty, f"no rows in {', '.join(empty)} of"),
        )
        if names
    ]
    unknown = [f for n, facts in _UNKNOWN_WITHOUT.items() if n in (*missing, *empty) for f in facts]
    if unknown:
        found.append(
            f"{', '.join(unknown)}: unknown for everybody, so that MESA's own estimates are empty "
            "and the model draws them for the risk (wider intervals)"
        )
    fewer = [
        f"{name}: {_rows(now.get(name, 0))}, {before[name]:,} in the last sweep"
        for name in HANDED_OVER
        if now.get(name, 0) < _SHARE_EXPECTED * before.get(name, 0)
    ]
    if fewer:
        found.append(f"fewer clinical rows than half: {'; '.join(fewer)}; is the export whole?")
    return found + _not_taken(lake.read("clinical_rejections").to_pylist())


def _handed_over(runs: Sequence[Row], run_id: str) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Return the rows by table of this sweep, and of the last that ended and was handed some."""
    given = {
        str(run["run_id"]): {
            n: int(str(run[f"rows_{n}"])) for n in HANDED_OVER if run[f"rows_{n}"] is not None
        }
        for run in sorted(runs, key=lambda r: str(r["started_at"]))
        if run["seconds"] is not None or run["run_id"] == run_id
    }
    now = given.pop(run_id, {})
    return now, next((rows for rows in reversed(given.values()) if rows), {})


def _not_taken(rejections: Sequence[Row]) -> list[str]:
    found = []
    cut = [r for r in rejections if r["reason"] == Reason.CUT_SHORT]
    if cut:
        told = "; ".join(f"{r['source']}, {r['detail']} ({r['n']})" for r in cut)
        found.append(f"clinical files with rows cut short: {told}; is the export whole?")
    counts: dict[str, int] = {}
    for r in rejections:
        if r["reason"] not in _AS_EXPECTED:
            counts[str(r["reason"])] = counts.get(str(r["reason"]), 0) + int(str(r["n"]))
    if counts:
        n = sum(counts.values())
        values = "1 clinical value was" if n == 1 else f"{n:,} clinical values were"
        by_reason = ", ".join(f"{reason} {number:,}" for reason, number in sorted(counts.items()))
        found.append(
            f"{values} not taken ({by_reason}); out_clinical_rejections in screening.duckdb tells "
            f"which, beside {_one_of(_AS_EXPECTED)}, which need no mending"
        )
    return found


def _one_of(reasons: Sequence[Reason]) -> str:
    return f"{', '.join(reasons[:-1])} and {reasons[-1]}"


def _rows(n: int) -> str:
    return "1 row" if n == 1 else f"{n:,} rows"
