"""One series' files become one checked volume in Hounsfield units.

Comes in: a series' key and the bytes of its files, in any order.
Goes out: a `Volume`, or a `Rejection` with the reason.
Refuses: what cannot be measured: not CT, not HU, not axial, a tilted gantry, slices that
differ, contradict one another or are unevenly spaced, pixels that do not decode.
"""

from screening.volume.load import load_volume
from screening.volume.slab import Slab, lay_back, slab_average

__all__ = ["Slab", "lay_back", "load_volume", "slab_average"]
