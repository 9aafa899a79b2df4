"""What inference saw, packed into a few kilobytes.

Comes in: `Seen`; or the bytes that were made of one.
Goes out: bytes; or the same `Seen` again, to the last bit.
Refuses: bytes of another kind or format, or damaged ones, in one line that says which.

    8 bytes   b"CAC-SEEN"
    2 bytes   format, little-endian, as all that follows
    4 bytes   CRC-32 of the rest
    rest      zlib: 4 bytes length of a JSON header, the header, the arrays it lists

Sorted indices become steps and HU differences; the bytes of an array lie plane by plane, all low
bytes first: neighbours are alike, and zlib finds it.
"""

import json
import struct
import zlib
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from screening.errors import ScreeningError
from screening.records import BloodPool, Labelled, ModelIdentity
from screening.seen import Regions, Seen
from screening.surroundings import Surroundings
from screening.things import Things

MAGIC, FORMAT = b"CAC-SEEN", 1
_HEAD = struct.Struct("<8sHI")
_LENGTH = struct.Struct("<I")
_LEVEL = 6
Arrays = dict[str, NDArray[Any]]
Header = dict[str, Any]


def pack(seen: Seen) -> bytes:
    """Pack; equal input gives equal bytes."""
    header: Header = {
        "made_by": seen.made_by,
        "image_digest": seen.image_digest,
        "counts": seen.counts,
    }
    arrays: Arrays = {}
    for name, stack in (("primary", seen.primary), ("native", seen.native)):
        header[name] = None if stack is None else _take_apart(stack, f"{name}/", arrays)
    header["arrays"] = [[name, a.dtype.str, list(a.shape)] for name, a in arrays.items()]
    text = json.dumps(header).encode()
    parts = [_LENGTH.pack(len(text)), text, *(_planes(a) for a in arrays.values())]
    body = zlib.compress(b"".join(parts), _LEVEL)
    return _HEAD.pack(MAGIC, FORMAT, zlib.crc32(body)) + body


def unpack(packed: bytes) -> Seen:
    """Unpack.

    Raises
    ------
    ScreeningError
        These are no stored regions, regions of another format, or damaged ones.
    """
    if len(packed) < _HEAD.size or packed[: len(MAGIC)] != MAGIC:
        raise ScreeningError("these are no stored regions, or their beginning is damaged")
    _, version, checksum = _HEAD.unpack_from(packed)
    if version != FORMAT:
        raise ScreeningError(
            f"stored regions of format {version}; this program reads format {FORMAT}"
        )
    body = packed[_HEAD.size :]
    if zlib.crc32(body) != checksum:
        raise ScreeningError("stored regions are damaged: their checksum differs")
    try:
        return _seen(zlib.decompress(body))
    except (KeyError, TypeError, ValueError, struct.error, zlib.error) as error:
        raise ScreeningError("stored regions are damaged: they do not fit together") from error


def _seen(raw: bytes) -> Seen:
    (length,) = _LENGTH.unpack_from(raw)
    start = _LENGTH.size + length
    header = json.loads(raw[_LENGTH.size : start])
    arrays: Arrays = {}
    for name, kind, shape in header["arrays"]:
        dtype = np.dtype(kind)
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        arrays[name] = _from_planes(raw[start : start + size], dtype, tuple(shape))
        start += size
    primary = _put_together(header["primary"], "primary/", arrays)
    native = header["native"]
    return Seen(
        made_by=header["made_by"],
        image_digest=header["image_digest"],
        primary=primary,
        native=None if native is None else _put_together(native, "native/", arrays),
        counts=tuple(header["counts"]),
    )


def _planes(array: NDArray[Any]) -> bytes:
    planes = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    return planes.reshape(-1, array.dtype.itemsize).T.tobytes()


def _from_planes(raw: bytes, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    planes = np.frombuffer(raw, dtype=np.uint8).reshape(dtype.itemsize, -1)
    return np.ascontiguousarray(planes.T).reshape(-1).view(dtype).reshape(shape)


def _take_apart(stack: Regions, prefix: str, arrays: Arrays) -> Header:
    """Put a stack's arrays among `arrays`; return the rest, which JSON holds exactly."""
    labelled, blood = stack.labelled, stack.labelled.blood_pool
    things, around = labelled.things, labelled.surroundings
    found: Arrays = {
        "step": _narrow(np.diff(labelled.index, prepend=0)),
        "hu": np.diff(stack.hu, prepend=np.int16(0)),  # wraps, and wraps back
        "label": labelled.label,
        "probability": labelled.probability,
        "origins": stack.origins_lps_mm,
        "row_axis": stack.row_axis_lps,
        "column_axis": stack.column_axis_lps,
        "increments": stack.increments_mm,
    }
    if stack.fraction is not None:
        found["fraction"] = stack.fraction
    if things is not None:
        found |= {
            "owner": _narrow(things.owner),
            "shares": things.shares,
            "coronary": things.coronary,
        }
    if around is not None:
        found |= {"place": around.place, "to_cell": around.to_cell}
    arrays.update({f"{prefix}{name}": array for name, array in found.items()})
    return {
        "shape": stack.shape,
        "spacing_mm": stack.spacing_mm,
        "kvp": stack.kvp,
        "heart_box": labelled.heart_box,
        "is_heart_cut": labelled.is_heart_cut,
        "blood_pool": None if blood is None else asdict(blood),
        "model": asdict(labelled.model),
        "things": things and {"names": things.names, "counts_from": things.counts_from},
        "surroundings": around
        and {
            "soft_ml": around.soft_ml,
            "aortic_valve": around.aortic_valve_lps_mm,
            "mitral_annulus": around.mitral_annulus_lps_mm,
        },
    }


def _narrow(values: NDArray[np.integer]) -> NDArray[Any]:
    """As few bytes as the largest of numbers of 0 and more needs."""
    return values.astype(np.min_scalar_type(int(values.max(initial=0))))


def _put_together(told: Header, prefix: str, arrays: Arrays) -> Regions:
    def array(name: str, dtype: type[np.generic]) -> NDArray[Any]:
        return arrays[f"{prefix}{name}"].astype(dtype, copy=False)

    blood, things, around = told["blood_pool"], told["things"], told["surroundings"]
    labelled = Labelled(
        index=np.cumsum(array("step", np.int64), dtype=np.int64),
        label=array("label", np.uint8),
        probability=array("probability", np.float32),
        heart_box=tuple(told["heart_box"]),
        is_heart_cut=told["is_heart_cut"],
        blood_pool=blood and BloodPool(**blood),
        model=ModelIdentity(**told["model"]),
        surroundings=around
        and Surroundings(
            place=array("place", np.uint8),
            to_cell=array("to_cell", np.float64),
            soft_ml=around["soft_ml"],
            aortic_valve_lps_mm=tuple(around["aortic_valve"]),
            mitral_annulus_lps_mm=tuple(around["mitral_annulus"]),
        ),
        things=things
        and Things(
            owner=array("owner", np.int32),
            names=tuple(things["names"]),
            shares=array("shares", np.uint16),
            coronary=array("coronary", np.uint16),
            counts_from=things["counts_from"],
        ),
    )
    stack = Regions(
        labelled=labelled,
        hu=np.cumsum(array("hu", np.int16), dtype=np.int16),
        shape=tuple(told["shape"]),
        spacing_mm=tuple(told["spacing_mm"]),
        origins_lps_mm=array("origins", np.float64),
        row_axis_lps=array("row_axis", np.float64),
        column_axis_lps=array("column_axis", np.float64),
        increments_mm=array("increments", np.float64),
        kvp=told["kvp"],
        fraction=array("fraction", np.uint16) if f"{prefix}fraction" in arrays else None,
    )
    _check(stack)
    return stack


def _check(stack: Regions) -> None:
    """Raise ValueError unless all voxels are told of, within the stack."""
    labelled, n = stack.labelled, len(stack.hu)
    lengths = {len(labelled.index), len(labelled.label), len(labelled.probability)}
    if stack.fraction is not None:
        lengths.add(len(stack.fraction))
    if labelled.things is not None:
        lengths.add(len(labelled.things.owner))
        if labelled.things.owner.max(initial=-1) >= len(labelled.things.shares):
            raise ValueError("a thing without probabilities")
    if lengths != {n} or (n and labelled.index[-1] >= np.prod(stack.shape, dtype=np.int64)):
        raise ValueError("voxels without a place")
