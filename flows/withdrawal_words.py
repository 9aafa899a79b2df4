"""What the archive took back, and scores that no longer count or soon will not, in words.

Comes in: rows of `withdrawals`, `series` and `dispositions`. Goes out: sentences.
Refuses: nothing.
"""

from collections.abc import Iterable, Mapping

from flows import show, words
from screening.reasons import Reason, State

Row = Mapping[str, object]


def withdrawn(row: Row) -> str:
    """Tell one series that was taken from a person."""
    score = row["agatston"]
    had = "It had no score" if score is None else f"Its score (Agatston {show.number(score, 1)})"
    told = f"{had}." if score is None else f"{had} no longer counts."
    return (
        f"withdrawn on {row['withdrawn_on']}: series {row['series_key']}, "
        f"{row['modality']} of {row['index_date'] or 'no date'}. "
        f"{words.sentence(row['reason'])} {told} [{row['reason']}]"
    )


def to_be_redone(state: Row) -> list[str]:
    """Say of a score that it is of fewer slices than there are now."""
    reason = state["redo_reason"]
    if not reason:
        return []
    told = "more of the series came since: it will be scored again."
    return [f"{told} {words.sentence(reason)} [{reason}]"]


def superseded(series: Row, state: Row, history: Iterable[Row]) -> list[str]:
    """Tell the scores of a series that do not count: of other content, or of a stand-in."""
    scored = [
        row
        for row in history
        if row["series_key"] == series["series_key"] and row["state"] == State.SCORED
    ]
    found = [
        f"superseded, since slices came or went: {_of(row)}"
        for row in scored
        if row["content_digest"] not in (series["content_digest"], _standing(series, state, scored))
    ]
    if state["reason"] == Reason.NOT_CHOSEN:
        found += [
            f"superseded, since a better series of the study has a score: {_of(row)}"
            for row in scored
            if row["content_digest"] == series["content_digest"]
        ]
    return found


def _standing(series: Row, state: Row, scored: Iterable[Row]) -> object:
    """Return the earlier content whose score stands; None where none does."""
    if not state["redo_reason"]:
        return None
    contents = words.as_list(series["grown_from"])
    with_score = {row["content_digest"] for row in scored}
    return next((content for content in reversed(contents) if content in with_score), None)


def _of(row: Row) -> str:
    return f"Agatston {show.number(row['agatston'], 1)} of {str(row['committed_at'])[:10]}"
