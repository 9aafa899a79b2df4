"""What a header's sequences of contrast agents and routes say, as its plain tags would.

Comes in: a data set. Goes out: the agents' names, or a volume, empty where none was given; the way
into the body where none of it led into blood.
Refuses: nothing.

Enhanced CT has no ContrastBolusAgent: each agent is an item of (0018,0012), PS3.3 C.7.6.4b, with
its code, its ingredient, its volume and the way it was given.
"""

from collections.abc import Iterable

from pydicom.dataset import Dataset

from screening.header_values import contrast_agent, is_not_into_blood, text

AGENT_SEQUENCE = 0x00180012
ROUTE_SEQUENCE = 0x00180014
# Codes of their own: oral and rectal route, in SNOMED CT and as SNOMED RT names them.
_NOT_INTO_BLOOD_CODES = frozenset({"26643006", "37161004", "G-D140", "G-D160"})


def agent_of_sequence(dataset: Dataset) -> str:
    """Return what the items name, joined by a slash; empty where there are none."""
    told = [_agent(item) for item in dataset.get("ContrastBolusAgentSequence") or ()]
    return " / ".join(dict.fromkeys(agent for agent in told if agent))


def route_of_sequence(dataset: Dataset) -> str:
    """Return what the sequences call the way, where all of it led into no vessel; else nothing."""
    items = dataset.get("ContrastBolusAgentSequence") or ()
    holders = [dataset] if _routes(dataset) else list(items)
    if not holders or not all(_led_elsewhere(_routes(one)) for one in holders):
        return ""
    return "ORAL"


def _agent(item: Dataset) -> str:
    if _led_elsewhere(_routes(item)):
        return ""
    ingredients = item.get("ContrastBolusIngredientCodeSequence") or ()
    named = "\\".join(text(one.get("CodeMeaning")) for one in ingredients)
    return contrast_agent(
        item.get("CodeMeaning") or item.get("ContrastBolusAgent"),
        text(item.get("ContrastBolusVolume")),
        named or text(item.get("ContrastBolusIngredient")),
    )


def _routes(holder: Dataset) -> list[Dataset]:
    return list(holder.get("ContrastBolusAdministrationRouteSequence") or ())


def _led_elsewhere(routes: Iterable[Dataset]) -> bool:
    found = [
        text(route.get("CodeValue")) in _NOT_INTO_BLOOD_CODES
        or is_not_into_blood(text(route.get("CodeMeaning")))
        for route in routes
    ]
    return bool(found) and all(found)
