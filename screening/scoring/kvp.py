"""Thresholds that fit the tube voltage.

Comes in: the tube voltage, and whether tin filtered the beam. Goes out: the threshold and weight
edges that stand for the same calcium as 130, 200, 300, 400 HU do at 120 kVp, and where they come
from; and from which HU on nothing is calcium.
Refuses: nothing; without a voltage, outside the table, or behind tin, it says so and gives none.

The 1990 convention keeps its 130 HU at every voltage and stays the score; this one stands beside.
"""

from dataclasses import dataclass

import numpy as np

from screening.records import Acquisition, Volume

# Graeni, Eur Heart J Cardiovasc Imaging 2018, doi 10.1093/ehjci/jey019, as two programs carry
# them: lower edges of weight 1, 2, 3, 4. Their 120 kVp edges, one HU below Agatston's, are left
# out in favour of Agatston's own.
KVP_EDGES_HU = {
    70: (207, 318, 477, 636),
    80: (177, 271, 408, 544),
    100: (145, 222, 334, 446),
    120: (130, 200, 300, 400),
    135: (119, 183, 274, 364),
}
# The table ends at 135 kVp; up to here its last edges are used, and named so.
HIGHEST_KVP = 140.0
_SAME_KVP = 0.5
# Arterial calcium is mineral as in bone, and no denser: the hardest cortical bone holds about
# 1,200 mg hydroxyapatite in a cm3, which is 1,560 HU at 120 kVp (130 HU are 100 mg/cm3,
# McCollough, Radiology 2007;243:527). The brightest coronary class in use begins at 1,000 HU
# (van Rosendael, JAMA Cardiol 2020;5:282). On a real scan at 110 kVp a rib's end reached 1,679
# and aortic calcium 1,540 HU, edge enhancement included. So 2,000 HU leave calcium a quarter more.
METAL_FROM_HU_120KVP = 2000.0
_HIGHEST_HU = 3000.0  # scanners without an extended scale end at 3,071


@dataclass(frozen=True, slots=True)
class KvpThresholds:
    """Lower edges of weight 1 to 4, HU, and how they were found."""

    edges_hu: tuple[int, int, int, int]
    source: str  # standard | table | interpolated | held


def thresholds(kvp: float | None) -> KvpThresholds | None:
    """Return the edges for a tube voltage; None where it is unknown or outside 70 to 140 kVp."""
    table = np.array(list(KVP_EDGES_HU))
    if kvp is None or not table[0] - _SAME_KVP <= kvp <= HIGHEST_KVP + _SAME_KVP:
        return None
    edges = np.array(list(KVP_EDGES_HU.values()))
    nearest = int(table[np.argmin(np.abs(table - kvp))])
    if abs(kvp - nearest) <= _SAME_KVP:
        kvp, source = nearest, "standard" if nearest == 120 else "table"
    else:
        source = "held" if kvp > table[-1] else "interpolated"
    found = [round(float(np.interp(kvp, table, column))) for column in edges.T]
    return KvpThresholds((found[0], found[1], found[2], found[3]), source)


def thresholds_of(acquisition: Acquisition) -> tuple[KvpThresholds | None, str]:
    """Return the edges for a scan, and their source; where there are none, why.

    Why: the voltage is unknown, or outside_table, or behind a tin_filter.

    Tin takes the soft part of the spectrum, and no row of the table fits: 100 kV behind tin scored
    lower than 120 kV without, by 16 units as a mean of 78 people (Apfaltrer, High-pitch low-voltage
    CT coronary artery calcium scoring with tin filtration, Eur Radiol 2018), where 100 kV alone
    scores higher.
    """
    if acquisition.has_tin_filter:
        return None, "tin_filter"
    found = thresholds(acquisition.kvp)
    if found is not None:
        return found, found.source
    return None, "unknown" if acquisition.kvp is None else "outside_table"


def mineral_gain(kvp: float | None) -> float:
    """How much brighter the same calcium is than at 120 kVp, by the table's first edges.

    Linear between its voltages, constant beyond them; 1 where the voltage is unknown.
    """
    first_edges = [edges[0] for edges in KVP_EDGES_HU.values()]
    equal_hu = np.interp(120.0 if kvp is None else kvp, list(KVP_EDGES_HU), first_edges)
    return float(equal_hu / KVP_EDGES_HU[120][0])


def metal_from_hu(kvp: float | None) -> float:
    """From which value on nothing is calcium; mineral is brighter at low voltages."""
    return min(METAL_FROM_HU_120KVP * mineral_gain(kvp), _HIGHEST_HU)


def at_kvp_of(hu_120kvp: float, volume: Volume) -> float:
    """Return what so many HU at 120 kVp are at the scan's tube voltage, for metal."""
    return hu_120kvp * metal_from_hu(volume.acquisition.kvp) / METAL_FROM_HU_120KVP
