"""What the archive took back, and scores that no longer count, in words.

Comes in: rows of `withdrawals`, `series` and `dispositions`. Goes out: sentences.
Refuses: nothing.
"""

from collections.abc import Iterable, Mapping

from flows import show, words
from screening.reasons import State

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


def superseded(series: Row, history: Iterable[Row]) -> list[str]:
    """Tell the scores of what a series was before its content changed."""
    return [
        f"superseded, since slices came or went: Agatston {show.number(row['agatston'], 1)} "
        f"of {str(row['committed_at'])[:10]}"
        for row in history
        if row["series_key"] == series["series_key"]
        and row["state"] == State.SCORED
        and row["content_digest"] != series["content_digest"]
    ]
