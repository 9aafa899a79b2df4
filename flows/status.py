"""`screening status`: the reconciliation of a lake.

Comes in: a lake. Goes out: the three sums, the reasons and the last run, as the contract
names them; every series without a score. Refuses: nothing; an empty lake is all zeros.
"""

from collections import Counter, defaultdict
from datetime import date

from flows import words
from flows.comings import kept_for
from screening.errors import ScreeningError
from screening.lake import Lake
from screening.reasons import Reason, State

_FILES = ("seen", "instance", "not_dicom", "unreadable", "duplicate", "ignored")
_MISSED = ("n", "n_studies", "n_people", "n_people_without_score", "n_people_never_scored")
_USABLE = ("A", "B", "C")  # as in core_person_score
_PEOPLE = ("with_scan", "flagged", "not_flagged", "cannot_say")


def last_as_of(lake: Lake) -> date:
    """Return the date the last sweep's flags are true for; a lake never swept has none."""
    dates = [d for r in _runs(lake) if isinstance(d := r["as_of"], date)]
    return dates[-1] if dates else date.min


def require_a_finished_sweep(lake: Lake) -> None:
    """Refuse to show a list that no sweep has brought to its end."""
    if not any(r["seconds"] is not None for r in _runs(lake)):
        raise ScreeningError("no sweep of this lake has finished yet; run screening sweep first")


def _runs(lake: Lake) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = lake.read("runs").to_pylist()
    return sorted(rows, key=lambda r: str(r["started_at"]))


def _last_run(runs: list[dict[str, object]]) -> dict[str, object] | None:
    if not runs:
        return None
    row = runs[-1]
    return {
        "run_id": row["run_id"],
        "started": str(row["started_at"]),
        "as_of": str(row["as_of"]),
        "seconds": row["seconds"],
        "scored": row["n_scored"],
        "bytes_read": row["bytes_read"],
        "finished": row["seconds"] is not None,
    }


def status(lake: Lake) -> dict[str, object]:
    """Return the contract's status object."""
    runs = _runs(lake)
    as_of = last_as_of(lake)
    files = dict.fromkeys(_FILES, 0)
    if runs:
        files = {name: runs[-1][f"files_{name}"] or 0 for name in _FILES}  # type: ignore[misc]
    counts = {r["state"]: r["n"] for r in lake.query("out_status_series", as_of).to_pylist()}
    series = {"found": sum(counts.values())}
    series.update({state.value: counts.get(state.value, 0) for state in State})
    people_rows = lake.query("out_status_people", as_of).to_pylist()
    people = {n: people_rows[0][n] if people_rows else 0 for n in _PEOPLE}
    decided = sorted(
        lake.query("out_status_reasons", as_of).to_pylist(), key=lambda r: str(r["reason"])
    )
    missed = {r["reason"]: r for r in lake.query("out_missed_opportunity", as_of).to_pylist()}
    return {
        "files": files,
        "series": series,
        "people": people,
        "reasons": {r["reason"]: r["n"] for r in decided},
        "reasons_series": {r["reason"]: r["n_series"] for r in decided if r["n_series"]},
        "reasons_people": {r["reason"]: r["n_people"] for r in decided if r["n_people"]},
        "list": _changes(lake, as_of, kept_for(runs)),
        "missed_for_contrast": {name: missed["any"][name] for name in _MISSED},
        "last_run": _last_run(runs),
    }


def _changes(lake: Lake, as_of: date, kept: date | None) -> dict[str, object]:
    """Count who came onto the list as of its date, and by reason who left it.

    kept : the day for which it is known who came and left; after as_of that is a look into the
        past, and nothing to count
    """
    is_past = kept is not None and as_of < kept
    n_new, left = (0, {}) if is_past else _moved(lake, as_of)
    return {
        "new": n_new,
        "left": sum(left.values()),
        "left_for": left,
        "past_of": str(kept) if is_past else None,
    }


def _moved(lake: Lake, as_of: date) -> tuple[int, dict[str, int]]:
    rows = lake.read("listed").to_pylist()
    n_new = sum(r["listed_on"] == as_of and r["left_on"] is None for r in rows)
    if not any(r["left_on"] == as_of for r in rows):
        return n_new, {}
    left = lake.query("out_left_list", as_of).to_pylist()
    return n_new, dict(sorted(Counter(r["reason"] for r in left if r["left_on"] == as_of).items()))


def n_failed(lake: Lake, run_id: str) -> int:
    """Count the series that a run, not one before it, found failed or quarantined."""
    bad = (State.FAILED, State.QUARANTINED)
    rows = lake.read("dispositions").select(["series_key", "state", "run_id"]).to_pylist()
    return len({r["series_key"] for r in rows if r["run_id"] == run_id and r["state"] in bad})


def unscored(lake: Lake) -> list[dict[str, object]]:
    """Return every series without a score and why, by state, reason, date and key.

    `reasons` has the deciding one first, which `explanation` puts in words; none of it is identity.
    """
    rows = [
        {
            "series_key": r["series_key"],
            "person_key": r["person_key"],
            "modality": r["modality"],
            "index_date": r["index_date"],
            "state": r["state"],
            "reasons": r["reasons"],
            "detail": r["detail"],
            "explanation": words.sentence(r["reason"]),
        }
        for r in lake.query("core_disposition", last_as_of(lake)).to_pylist()
        if r["state"] != State.SCORED
    ]
    order = ("state", "reasons", "index_date", "series_key")
    return sorted(rows, key=lambda r: tuple(str(r[name]) for name in order))


def unsure(lake: Lake) -> list[dict[str, object]]:
    """Return the people of whom too little is known to say, the highest score first, and why.

    They are on no list: whoever works one decides what to do about them. Who has no score that
    counts is told with one that lacks only its date. `doubtful_agatston` is what a later scan of a
    lower grade, or one without a date, reads: it sorts too.
    """
    as_of = last_as_of(lake)
    series = lake.query("core_disposition", as_of).to_pylist()
    undated, why = _undated(series), _why_unscored(series)
    rows = []
    for person in lake.query("core_person_flag", as_of).to_pylist():
        if person["flag"] != "cannot_say":
            continue
        counts = person["series_key"] is not None
        score = person if counts else undated.get(str(person["person_key"]), person)
        rows.append(
            {
                "person_key": person["person_key"],
                "agatston": score["agatston"],
                "quality_flags": score["quality_flags"],
                "doubtful_agatston": person["doubtful_agatston"],
                "grade": score["grade"],
                "age_years": person["age_years"],
                "sex": person["sex"],
                "index_date": person["index_date"],
                "reason": person["reason"],
                "explanation": _explained(str(person["reason"]), why[str(person["person_key"])]),
            }
        )
    return sorted(rows, key=lambda r: (-_highest(r), str(r["person_key"])))


def _highest(row: dict[str, object]) -> float:
    return max(float(str(row[name] or 0.0)) for name in ("agatston", "doubtful_agatston"))


def _why_unscored(series: list[dict[str, object]]) -> dict[str, Counter[str]]:
    """Count of each person what decided that CT series have no score."""
    why: dict[str, Counter[str]] = defaultdict(Counter)
    for row in series:
        if row["state"] != State.SCORED and row["modality"] == "CT":
            why[str(row["person_key"])][str(row["reason"])] += 1
    return why


def _explained(reason: str, why: Counter[str]) -> str:
    """Put a reason into words; of somebody without a score also what the scans lack."""
    told = [reason, *(r for r, _ in why.most_common())] if reason == Reason.NO_SCORE else [reason]
    return " ".join(words.sentence(r) for r in told)


def _undated(series: list[dict[str, object]]) -> dict[str, dict[str, object]]:
    """Return of each person the best score without a date: never the highest, which is biased."""
    rows = [
        r
        for r in series
        if r["state"] == State.SCORED and r["index_date"] is None and r["grade"] in _USABLE
    ]
    rows.sort(key=lambda r: (r["grade"], r["series_key"]), reverse=True)
    return {str(r["person_key"]): r for r in rows}


def files(lake: Lake) -> list[dict[str, object]]:
    """Return every file of the archive that is no usable image and why, damaged ones first.

    A path may hold a patient's name or number: this is for the archive's own people.
    """
    rows = [
        {"reason": r["reason"], "path": r["path"], "explanation": words.sentence(r["reason"])}
        for r in lake.read_index().files.to_pylist()
    ]
    harmless = (Reason.NOT_DICOM, Reason.IGNORED_FILE)
    return sorted(rows, key=lambda r: (r["reason"] in harmless, str(r["reason"]), str(r["path"])))


VIEWS = {"unscored": unscored, "unsure": unsure, "files": files}


def sums_hold(facts: dict[str, dict[str, int]]) -> bool:
    """Whether the three sums of the design hold."""
    files, series, people = facts["files"], facts["series"], facts["people"]
    return (
        files["seen"] == sum(files[n] for n in _FILES[1:])
        and series["found"] == sum(series[s.value] for s in State)
        and people["with_scan"] == sum(people[n] for n in _PEOPLE[1:])
    )
