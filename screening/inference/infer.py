"""One door to every kind of model.

Comes in: a `Model` and a `Volume`.
Goes out: `Labelled`, whichever kind of model spoke.
Refuses: what the kinds refuse; `no_gpu` where a GPU was asked for and is not there.
"""

from screening.inference import labelling
from screening.inference.brought import Work, infer_brought
from screening.inference.manifest import Model
from screening.inference.runtime import ProviderError
from screening.reasons import Reason, Room
from screening.records import Labelled, Rejection, Volume


def infer(model: Model, volume: Volume, threads: int | None = None) -> Labelled | Rejection:
    """Label the bright voxels near the heart.

    Parameters
    ----------
    model : Model
        From `open_model`.
    volume : Volume
        Checked axial CT in Hounsfield units.
    threads : int, optional
        Threads of the runtime; without it one for each core this process may use.

    Returns
    -------
    Labelled or Rejection
        `probability` of a coronary label is that of being coronary at all (the four
        vessels summed); of another label its own. Rejections: `not_chest`, `model_failed`,
        `model_field`, `no_gpu`.
    """
    return infer_counted(model, volume, threads)[0]


def infer_counted(
    model: Model, volume: Volume, threads: int | None = None
) -> tuple[Labelled | Rejection, Work | None]:
    """As `infer`, with the work a brought network did; None of our own kind."""
    if model.network is not None:
        return infer_brought(model, model.network, volume, threads)
    try:
        return labelling.infer(model, volume, threads), None
    except ProviderError:
        return Rejection(Room.INFERENCE, volume.series_key, Reason.NO_GPU), None
