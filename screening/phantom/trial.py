"""One chest on which a model is tried.

Comes in: how far apart its slices are.
Goes out: the scan as a `Volume`, and the truth about its calcium.
Refuses: nothing.

The person is the same every time: calcium in the coronaries, the aorta and the aortic valve,
and none that fools a scorer worse than those.
"""

from screening.phantom.body import make_body
from screening.phantom.protocol import Protocol
from screening.phantom.scan import simulate
from screening.phantom.traits import Traits
from screening.phantom.truth import Truth
from screening.records import Volume

TRIAL_SEED = 20_251_125
_TRAITS = Traits(coronary_agatston_target=400.0, aorta_mg=60.0, aortic_valve_mg=15.0)
_ABOVE_MM, _BELOW_MM = 60.0, 40.0  # of the heart: a chest is known by more than its heart


def trial_scan(increment_mm: float = 5.0) -> tuple[Volume, Truth]:
    """Scan the trial chest, 512 x 512, over the heart and what is next to it.

    Parameters
    ----------
    increment_mm : slices as thick and as far apart; 5 mm, the thickest that are scored, costs
        a slow model least

    Returns
    -------
    Volume, Truth
    """
    body = make_body(TRIAL_SEED, _TRAITS)
    low, high = body.heart_box_lps_mm
    protocol = Protocol(
        increment_mm=increment_mm,
        thickness_mm=increment_mm,
        noise_hu=9.0,
        z_top_mm=float(high[2]) + _ABOVE_MM,
        z_bottom_mm=float(low[2]) - _BELOW_MM,
    )
    scan = simulate(body, protocol, TRIAL_SEED)
    return scan.as_volume("trial"), scan.truth
