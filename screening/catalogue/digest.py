"""What a series holds, as one digest.

Comes in: instance rows. Goes out: one digest a row, and one over a series' rows.
Refuses: nothing. Order, paths and modification times never enter.
"""

from collections.abc import Iterable
from hashlib import sha256

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

# What changes when the pixels, how they are to be read, or what scores and grades take from
# headers change: a corrected voltage is scored anew.
_TEXTS = (
    "instance_digest",
    "transfer_syntax_uid",
    "rescale_type",
    "photometric",
    "modality",
    "manufacturer",
    "scanner_model",
    "kernel",
    "cardiac_sync",
    "contrast_agent",
    "frame_kinds",
)
_LISTS = ("image_type", "frame_positions_mm")
_NUMBERS = (
    "size_bytes",
    "rows",
    "columns",
    "n_frames",
    "row_spacing_mm",
    "column_spacing_mm",
    "rescale_slope",
    "rescale_intercept",
    "bits_allocated",
    "bits_stored",
    "samples_per_pixel",
    "kvp",
    "exposure_mas",
    "thickness_mm",
    "tilt_degrees",
    "image_number",
)


def row_digests(instances: pa.Table, geometry: NDArray[np.float64]) -> list[bytes]:
    """Digest each instance: its key, size, and the tags that measuring reads.

    Parameters
    ----------
    instances : pa.Table of the schema `INSTANCES`
    geometry : float64 (n, 9)
        Position and orientation of each instance, NaN where absent.

    Returns
    -------
    list of n digests of 32 bytes
    """
    lists = [
        pc.binary_join(pc.cast(instances[name], pa.list_(pa.string())), "\\") for name in _LISTS
    ]
    texts = [pc.fill_null(c, "") for c in (*(instances[name] for name in _TEXTS), *lists)]
    joined = pc.binary_join_element_wise(*texts, "\x1f").to_pylist()
    numbers = np.column_stack([*(floats(instances[name]) for name in _NUMBERS), geometry]) + 0.0
    numbers[np.isnan(numbers)] = np.nan  # one bit pattern for every absent number
    rows = np.ascontiguousarray(numbers, dtype="<f8")
    return [
        sha256(text.encode() + b"\x1e" + row.tobytes()).digest()
        for text, row in zip(joined, rows, strict=True)
    ]


def content_digest(rows: Iterable[bytes]) -> str:
    """Digest a series from the digests of its rows; exact copies count once."""
    return sha256(b"".join(sorted(set(rows)))).hexdigest()


def floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return a numeric column as float64 with NaN for null."""
    values: NDArray[np.float64] = pc.fill_null(pc.cast(column, pa.float64()), np.nan).to_numpy()
    return values
