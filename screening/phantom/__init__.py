"""Synthetic patients.

Comes in: seeds, traits, protocols. Goes out: chests whose calcium is known, and scans of them.
Refuses: traits and protocols that no person and no scanner has.
"""

from screening.phantom.body import Body, make_body
from screening.phantom.hospital import write_hospital
from screening.phantom.people import AS_OF
from screening.phantom.protocol import Protocol, hu_per_mg_cm3
from screening.phantom.scan import SimulatedScan, region_map, simulate
from screening.phantom.shapes import Region
from screening.phantom.traits import Traits, draw_coronary_agatston, random_traits
from screening.phantom.trial import trial_scan
from screening.phantom.truth import Truth

__all__ = [
    "AS_OF",
    "Body",
    "Protocol",
    "Region",
    "SimulatedScan",
    "Traits",
    "Truth",
    "draw_coronary_agatston",
    "hu_per_mg_cm3",
    "make_body",
    "random_traits",
    "region_map",
    "simulate",
    "trial_scan",
    "write_hospital",
]
