"""Chooses which series of a study is worked, or says why none is.

Comes in: `Series` records, and the keys of people who opted out or whose identity conflicts.
Goes out: one `Decision` a series: ranked by preference, or refused with every reason.
Refuses: two series under one key. Rules are in `rules.py`, preferences in `preference.py`.
"""

from screening.choose.decide import CHOOSE_VERSION, choose
from screening.choose.preference import preference
from screening.choose.rules import CAVEATS, RULES, People, Rule, reasons_for

__all__ = [
    "CAVEATS",
    "CHOOSE_VERSION",
    "RULES",
    "People",
    "Rule",
    "choose",
    "preference",
    "reasons_for",
]
