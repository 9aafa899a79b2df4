"""AI-CAC, the U.S. Veterans Affairs model, from its authors' checkpoint to ONNX.

Comes in: the checkpoint (`model_state_dict`, with the `module.` prefix of DataParallel).
Goes out: an ONNX file whose logits are torch's to 1e-3, checked before it is handed on.
Refuses: a file that is not plain weights, weights of another network, an export that differs.

The network is MONAI's two-dimensional SwinUNETR as its authors build it: one channel in and
out, `feature_size` 96, dropout 0.2 (off here). `ai_cac.json` beside this says how it is fed.
No code of its authors is used.
"""

import warnings
from pathlib import Path
from pickle import UnpicklingError

import einops  # noqa: F401 - MONAI's SwinUNETR needs it and would say so too late
import numpy as np
import torch
from monai.networks.nets import SwinUNETR

from screening.errors import ScreeningError
from screening.inference.runtime import CPU_PROVIDER, ort

FEATURE_SIZE, IMAGE_SIZE = 96, 512
TOLERANCE = 1e-3
_STATE, _PREFIX = "model_state_dict", "module."
_OPSET = 17


def build(feature_size: int = FEATURE_SIZE) -> SwinUNETR:
    """Build the network, with random weights."""
    return SwinUNETR(
        in_channels=1, out_channels=1, feature_size=feature_size, spatial_dims=2, drop_rate=0.2
    )


def convert(
    weights: Path, onnx: Path, feature_size: int = FEATURE_SIZE, image_size: int = IMAGE_SIZE
) -> None:
    """Write `weights` as ONNX with a fixed (1, 1, image_size, image_size) input.

    Raises
    ------
    ScreeningError
        The checkpoint is another's, or the ONNX does not compute what torch does.
    """
    network = build(feature_size)
    _load(network, weights)
    network.eval()
    rng = np.random.default_rng(0)
    image = rng.integers(-1024, 1500, (1, 1, image_size, image_size)).astype(np.float32)
    with torch.no_grad(), warnings.catch_warnings():
        # The tracer warns of sizes that become constants; they are constant here.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.from_numpy(image),),
            str(onnx),
            input_names=["image"],
            output_names=["logits"],
            opset_version=_OPSET,
            dynamo=False,
        )
        expected = network(torch.from_numpy(image)).numpy()
    session = ort.InferenceSession(onnx, providers=[CPU_PROVIDER])
    worst = float(np.abs(session.run(None, {"image": image})[0] - expected).max())
    if not worst <= TOLERANCE:
        raise ScreeningError(
            f"the exported network differs from torch's by {worst:.2g} (at most {TOLERANCE:g}); "
            "report the versions of torch and MONAI"
        )


def _load(network: SwinUNETR, weights: Path) -> None:
    try:
        # Never unpickle more than tensors: a checkpoint can carry code.
        checkpoint = torch.load(weights, map_location="cpu", weights_only=True)
    except (OSError, EOFError, KeyError, RuntimeError, ValueError, UnpicklingError) as error:
        raise ScreeningError(
            f"{weights.name} cannot be read as a checkpoint of plain tensors "
            f"({type(error).__name__}); download it again"
        ) from error
    state = checkpoint.get(_STATE) if isinstance(checkpoint, dict) else None
    if not isinstance(state, dict):
        raise ScreeningError(f"{weights.name} holds no {_STATE}; give AI-CAC's own checkpoint")
    state = {name.removeprefix(_PREFIX): value for name, value in state.items()}
    wanted = network.state_dict()
    missing = sorted(set(wanted) - set(state))
    other = sorted(set(state) - set(wanted))
    other += sorted(n for n in set(state) & set(wanted) if state[n].shape != wanted[n].shape)
    if missing or other:
        raise ScreeningError(
            f"{weights.name} is not AI-CAC's network: {len(missing)} weights missing, "
            f"{len(other)} unknown or of another shape, first {(missing + other)[0]}"
        )
    network.load_state_dict(state)
