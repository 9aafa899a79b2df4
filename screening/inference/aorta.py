"""Calcium of the thoracic aorta away from the heart.

Comes in: a located scan, and what the candidate network says of a thing.
Goes out: candidates along the aorta beyond the heart's reach, those of them that are its calcium.
Refuses: coronary arteries: none runs there, whatever the network says.

Within its reach the heart's candidates hold root, ascending and part of the descending aorta. The
arch and the rest are looked at here, apart, so that nothing of it changes a coronary score.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from screening.inference.anatomy import COARSE_CHANNELS, heart_box
from screening.inference.candidates import Candidates, find_candidates
from screening.inference.frame import CELL_MM
from screening.inference.location import Location
from screening.records import CORONARY_LABELS, Label

_AORTA, _BONE = COARSE_CHANNELS.index("aorta"), COARSE_CHANNELS.index("bone")
_MOST_THINGS = 128
# The heart lies on the diaphragm at the ninth to tenth thoracic vertebra, the aorta leaves at the
# twelfth (Gray's Anatomy): two of some 25 mm, discs included.
_BELOW_HEART_CELLS = round(50.0 / CELL_MM)
# Ribs and spine lie against the arch, seen by a network that met few of them there: on eight whole
# simulated chests four pieces of bone were called aorta, at 0.61 to 0.73 of aorta and bone;
# of 30 true pieces the least sure stood at 0.97.
_SURE_OF_BONE = 0.9
_MAY_BE_BONE = 0.3  # lower than near the heart: plaque and a rib may touch
_CORONARY = np.array([int(label) for label in CORONARY_LABELS])


def aorta_candidates(located: Location) -> Candidates | None:
    """Find the bright things along the aorta beyond the heart's reach; None where none can be."""
    anatomy, grid = located.anatomy, located.grid
    # The wall lies at the rim of the map, or in the next cell.
    cells = ndimage.binary_dilation(anatomy.maps[_AORTA] > 0.5)
    cells &= ~anatomy.reach & (anatomy.maps[_BONE] < _MAY_BE_BONE) & (grid.valid > 0)
    lowest = int(np.flatnonzero(anatomy.heart.any(axis=(1, 2))).max())
    cells[lowest + 1 + _BELOW_HEART_CELLS :] = False
    if not cells.any():
        return None
    box = heart_box(located.frame, grid, cells)
    along = replace(anatomy, reach=cells)
    return find_candidates(located.frame, grid, along, box, located.blood, _MOST_THINGS)


def its_calcium(p: NDArray[np.float32]) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Tell which candidates are calcium of the aorta.

    Parameters
    ----------
    p : float32 (n, labels), probabilities of each

    Returns
    -------
    bool (n,); float32 (n, labels), the probabilities without coronary arteries
    """
    p = p.copy()
    p[:, _CORONARY] = 0
    p /= np.maximum(p.sum(axis=1, keepdims=True), 1e-6)
    is_no_bone = p[:, Label.AORTA] >= _SURE_OF_BONE * (p[:, Label.AORTA] + p[:, Label.BONE])
    return (p.argmax(axis=1) == Label.AORTA) & is_no_bone, p


def joined(heart: Candidates, aorta: Candidates, chosen: NDArray[np.bool_]) -> Candidates:
    """Put the chosen candidates of the aorta behind those of the heart."""
    number = len(heart.component) + np.cumsum(chosen) - 1
    voxels = chosen[aorta.owner]
    next_thing = heart.component.max(initial=-1) + 1
    return Candidates(
        voxels=np.concatenate([heart.voxels, aorta.voxels[voxels]]),
        owner=np.concatenate([heart.owner, number[aorta.owner[voxels]]]),
        component=np.concatenate([heart.component, next_thing + aorta.component[chosen]]),
        patches=np.concatenate([heart.patches, aorta.patches[chosen]]),
        masks=np.concatenate([heart.masks, aorta.masks[chosen]]),
        features=np.concatenate([heart.features, aorta.features[chosen]]),
    )
