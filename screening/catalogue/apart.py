"""Frames of several kinds in one file, as if each kind were a file.

Comes in: instances. Goes out: the same with a column `frames`: of a file with several kinds of
frames a row a kind, which says what they are and which.
Refuses: nothing.

So two reconstructions, a scout or projections in one multi-frame file are told apart by the same
rules as those in files of their own.
"""

import json

import pyarrow as pa
import pyarrow.compute as pc

FRAMES = "frames"
_KIND = pa.list_(pa.int64())


def apart(instances: pa.Table) -> pa.Table:
    """Return a row a kind of frames; null `frames` of a file whose frames are all of one."""
    has_kinds = pc.not_equal(pc.fill_null(instances["frame_kinds"], ""), "")
    mixed = instances.filter(has_kinds)
    schema = instances.schema.append(pa.field(FRAMES, _KIND))
    rows = [part for row in mixed.to_pylist() for part in _parts(row)]
    plain = instances.filter(pc.invert(has_kinds))
    plain = plain.append_column(FRAMES, pa.nulls(plain.num_rows, _KIND))
    return pa.concat_tables([plain, pa.Table.from_pylist(rows, schema=schema)]) if rows else plain


def _parts(row: dict[str, object]) -> list[dict[str, object]]:
    said = json.loads(str(row["frame_kinds"]))
    places = row["frame_positions_mm"]
    digest, n = row["instance_digest"], len(said["of"])
    if not isinstance(places, list) or len(places) != 3 * n:
        return [row | {FRAMES: None}]
    found = []
    for number, kind in enumerate(said["kinds"]):
        frames = [k for k, of in enumerate(said["of"]) if of == number]
        own = [v for k in frames for v in places[3 * k : 3 * k + 3]]
        found.append(
            row
            | _columns(kind)
            | {
                FRAMES: frames,
                "n_frames": len(frames),
                "frame_positions_mm": own,
                "position_lps_mm": own[:3],
                # Not a copy of the other kinds.
                "instance_digest": digest and f"{digest}/{number}",
            }
        )
    return found


def _columns(kind: dict[str, object]) -> dict[str, object]:
    """Return what a kind says of itself in the columns of an instance; what it does not stays."""
    said = kind["image_type"]
    between_rows, between_columns = _numbers(kind["spacing"], 2) or (None, None)
    own: dict[str, object] = {
        "orientation": _numbers(kind["orientation"], 6),
        "row_spacing_mm": between_rows,
        "column_spacing_mm": between_columns,
        "thickness_mm": kind["thickness_mm"],
        "tilt_degrees": kind["tilt_degrees"],
        "kernel": _text(kind["kernel"]),
        "image_type": _text(said).split("\\") if said else None,
    }
    return {name: value for name, value in own.items() if value not in (None, "")}


def _numbers(value: object, n: int) -> list[float] | None:
    if not isinstance(value, list) or len(value) != n:
        return None
    return value if all(isinstance(v, float) for v in value) else None


def _text(value: object) -> str:
    return "\\".join(map(str, value)) if isinstance(value, list) else str(value or "")
