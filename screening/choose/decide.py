"""One decision a series.

Comes in: series records in any order, and people's keys.
Goes out: decisions sorted by series key; the same for any order of the input.
Refuses: two series under one key.
"""

from collections import defaultdict
from collections.abc import Sequence

from screening.choose.preference import preference
from screening.choose.rules import People, caveats_for, detail_of, reasons_for
from screening.errors import ScreeningError
from screening.reasons import Reason, State
from screening.records import Decision, Series

# Raise by hand when a rule, a threshold or a preference changes: past refusals are then
# decided anew.
CHOOSE_VERSION = 8


def choose(
    series: Sequence[Series],
    opted_out: frozenset[str] = frozenset(),
    conflicted: frozenset[str] = frozenset(),
) -> tuple[Decision, ...]:
    """Decide about every series.

    Parameters
    ----------
    series : sequence of Series
        Of any number of studies, in any order.
    opted_out, conflicted : frozenset of str
        Person keys of those who opted out, and of those whose identity contradicts itself.

    Returns
    -------
    tuple of Decision, one a series, sorted by series key
        Eligible series are PENDING without reasons and ranked within their study from 0;
        `detail` names their caveats (such as `no_scan_date`). Refused series are INELIGIBLE,
        those of conflicted people QUARANTINED, with every reason that applies, the first
        deciding.

    Raises
    ------
    ScreeningError
        Two series share a key.
    """
    n_repeated = len(series) - len({s.series_key for s in series})
    if n_repeated:
        raise ScreeningError(f"choose: {n_repeated} series keys occur more than once")
    people = People(opted_out, conflicted)
    decisions: list[Decision] = []
    eligible: dict[tuple[str, str], list[Series]] = defaultdict(list)
    for one in series:
        reasons = reasons_for(one, people)
        if reasons:
            decisions.append(_refusal(one, reasons))
        else:
            # By person too: studies of two people may carry one StudyInstanceUID.
            eligible[one.study_key, one.person_key].append(one)
    for group in eligible.values():
        for rank, one in enumerate(sorted(group, key=preference)):
            detail = " ".join(caveats_for(one))
            decisions.append(
                Decision(one.series_key, one.study_key, State.PENDING, (), rank, detail)
            )
    return tuple(sorted(decisions, key=lambda d: d.series_key))


def _refusal(series: Series, reasons: tuple[Reason, ...]) -> Decision:
    is_conflict = reasons[0] is Reason.IDENTITY_CONFLICT
    return Decision(
        series_key=series.series_key,
        study_key=series.study_key,
        state=State.QUARANTINED if is_conflict else State.INELIGIBLE,
        reasons=reasons,
        rank=None,
        detail=detail_of(series, reasons[0]),
    )
