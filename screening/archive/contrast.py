"""What a header's sequence of contrast agents says, as its plain tag would.

Comes in: a data set. Goes out: the agents' names, or a volume; empty where none was given.
Refuses: nothing.

Enhanced CT has no ContrastBolusAgent: each agent is an item of (0018,0012), PS3.3 C.7.6.4b, with
its code, its ingredient, its volume and the way it was given.
"""

import re

from pydicom.dataset import Dataset

from screening.header_values import contrast_agent, text

AGENT_SEQUENCE = 0x00180012
# What is drunk or given by other ways makes no blood bright (SNOMED CT's route names).
_NOT_INTO_BLOOD = re.compile(
    r"\b(?:ORAL|RECTAL|BY MOUTH|PER OS|ENTERAL|VAGINAL|TOPICAL|INTRATHECAL|INHALATION)\b"
)
# Codes of their own: oral and rectal route, in SNOMED CT and as SNOMED RT names them.
_NOT_INTO_BLOOD_CODES = frozenset({"26643006", "37161004", "G-D140", "G-D160"})


def agent_of_sequence(dataset: Dataset) -> str:
    """Return what the items name, joined by a slash; empty where there are none."""
    told = [_agent(item) for item in dataset.get("ContrastBolusAgentSequence") or ()]
    return " / ".join(dict.fromkeys(agent for agent in told if agent))


def _agent(item: Dataset) -> str:
    routes = item.get("ContrastBolusAdministrationRouteSequence") or ()
    if routes and all(_is_not_into_blood(route) for route in routes):
        return ""
    ingredients = item.get("ContrastBolusIngredientCodeSequence") or ()
    named = "\\".join(text(one.get("CodeMeaning")) for one in ingredients)
    return contrast_agent(
        item.get("CodeMeaning") or item.get("ContrastBolusAgent"),
        text(item.get("ContrastBolusVolume")),
        named or text(item.get("ContrastBolusIngredient")),
    )


def _is_not_into_blood(route: Dataset) -> bool:
    meaning = text(route.get("CodeMeaning")).upper()
    is_coded = text(route.get("CodeValue")) in _NOT_INTO_BLOOD_CODES
    return is_coded or _NOT_INTO_BLOOD.search(meaning) is not None
