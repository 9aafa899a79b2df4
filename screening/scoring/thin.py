"""Metal of thin slices in their averages.

Comes in: the averages' `Labelled`, and the thin slices with theirs; or both as `Seen`.
Goes out: the averages' labels, what is metal in the thin slices named so.
Refuses: nothing.

Averaging dims a clip to what plaque is: on the thin slices it is told by its brightness, in the
averages it would count.
"""

from dataclasses import replace

import numpy as np

from screening.records import CORONARY_LABELS, Label, Labelled, Volume
from screening.scoring.clips import SEEN_FROM_HU
from screening.scoring.metal import name_metal
from screening.seen import Seen


def with_metal_of_thin(
    labelled: Labelled, counts: tuple[int, ...], thin: Volume, thin_labelled: Labelled
) -> Labelled:
    """Label as metal what is called coronary in averages, and metal in a thin slice they hold.

    Parameters
    ----------
    labelled : of the averages
    counts : how many thin slices each of them stands for, from the head
    thin, thin_labelled : the slices as the scanner made them, of the same rows and columns

    Returns
    -------
    The averages' labels, the same where none changes; metal is yet to be named in them
    (`name_metal`), for what touches it. Of what is renamed the probability is that of metal, as
    the averages have it
    """
    named = name_metal(thin, thin_labelled)
    index = named.index[named.label == Label.METAL]
    index = index[thin.hu.take(index) >= SEEN_FROM_HU]
    if len(index) == 0:
        return labelled
    of_slice = np.repeat(np.arange(len(counts)), counts)
    at, rest = np.divmod(index, thin.hu[0].size)
    is_metal = np.isin(labelled.index, of_slice[at] * thin.hu[0].size + rest)
    is_metal &= np.isin(labelled.label, CORONARY_LABELS)
    if not is_metal.any():
        return labelled
    share = labelled.probability
    return replace(
        labelled,
        label=np.where(is_metal, np.uint8(Label.METAL), labelled.label),
        probability=np.where(is_metal, 1 - share, share),
    )


def named_of(seen: Seen) -> tuple[Volume, Labelled]:
    """Return the stack that is scored and its labels, metal named, from what was stored."""
    volume = seen.primary.bright_volume("")
    labelled = seen.primary.labelled
    if seen.native is not None:
        thin = seen.native.bright_volume("")
        labelled = with_metal_of_thin(labelled, seen.counts, thin, seen.native.labelled)
    return volume, name_metal(volume, labelled)
