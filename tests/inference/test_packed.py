"""What was seen comes back to the last bit, or not at all."""

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from screening.errors import ScreeningError
from screening.inference import pack, packed, unpack
from screening.records import BloodPool, Labelled, ModelIdentity
from screening.seen import Regions, Seen
from screening.surroundings import Surroundings
from screening.things import Things

FINITE = st.floats(-1e4, 1e4)
SHAPE = (5, 7, 6)
POINT = st.tuples(FINITE, FINITE, FINITE)


@st.composite
def stacks(draw):
    where = draw(st.sets(st.integers(0, int(np.prod(SHAPE)) - 1), max_size=40))
    n, m = len(where), draw(st.integers(1, 300))
    things = around = None
    if draw(st.booleans()):
        things = Things(
            draw(arrays.arrays(np.int32, n, elements=st.integers(0, m - 1))),
            ("coronary", "none"),
            draw(arrays.arrays(np.uint16, (m, 2))),
            draw(arrays.arrays(np.uint16, m)),
            draw(st.none() | st.floats(0, 1)),
        )
    if draw(st.booleans()):
        cells, to_cell = arrays.arrays(np.uint8, (3, 2, 4)), arrays.arrays(np.float64, (3, 4))
        around = Surroundings(draw(cells), draw(to_cell), draw(FINITE), draw(POINT), draw(POINT))
    labelled = Labelled(
        index=np.array(sorted(where), dtype=np.int64),
        label=draw(arrays.arrays(np.uint8, n)),
        probability=draw(arrays.arrays(np.float32, n)),
        heart_box=draw(st.tuples(*[st.integers(0, 600)] * 6)),
        is_heart_cut=draw(st.booleans()),
        blood_pool=draw(st.none() | st.builds(BloodPool, FINITE, FINITE, st.integers(0, 10**9))),
        model=ModelIdentity(draw(st.text(max_size=8)), "d" * 64, "CPUExecutionProvider"),
        surroundings=around,
        things=things,
    )
    return Regions(
        labelled=labelled,
        hu=draw(arrays.arrays(np.int16, n)),
        shape=SHAPE,
        spacing_mm=draw(st.tuples(FINITE, FINITE)),
        origins_lps_mm=draw(arrays.arrays(np.float64, (5, 3))),
        row_axis_lps=draw(arrays.arrays(np.float64, 3)),
        column_axis_lps=draw(arrays.arrays(np.float64, 3)),
        increments_mm=draw(arrays.arrays(np.float64, 5)),
        kvp=draw(st.none() | st.floats(70, 150)),
        fraction=draw(st.none() | arrays.arrays(np.uint16, n)),
    )


SEEN = st.builds(
    Seen, st.text(max_size=8), st.text(max_size=8), stacks(), st.none() | stacks(),
    st.lists(st.integers(1, 5), max_size=9).map(tuple),
)  # fmt: skip


def require_same(one, other, name=""):
    """The same types, and the same bits of every array; NaN is as good as any."""
    assert type(one) is type(other), name
    if isinstance(one, np.ndarray):
        assert (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    elif hasattr(one, "__dataclass_fields__"):
        for field in one.__dataclass_fields__:
            require_same(getattr(one, field), getattr(other, field), f"{name}.{field}")
    else:
        assert one == other, name


@given(SEEN)
def test_what_was_packed_comes_back_to_the_last_bit(seen):
    body = pack(seen)
    assert body == pack(seen)
    require_same(unpack(body), seen)


def a_body():
    rng = np.random.default_rng(0)
    index = np.arange(40, 140, dtype=np.int64)
    labelled = Labelled(
        index, np.ones(100, np.uint8), np.full(100, 0.9, np.float32), (0, 5, 0, 7, 0, 6), False,
        None, ModelIdentity("m", "d" * 64, "cpu"),
        things=Things(np.zeros(100, np.int32), ("lm",), np.full((1, 1), 9000, np.uint16),
                      np.full(1, 9000, np.uint16), 0.5),
    )  # fmt: skip
    hu = rng.integers(130, 900, 100).astype(np.int16)
    axes = np.eye(3)
    stack = Regions(labelled, hu, SHAPE, (1.0, 1.0), np.zeros((5, 3)), axes[0], axes[1],
                    np.ones(5), 120.0)  # fmt: skip
    return pack(Seen("c", "i", stack, None, (1,) * 5))


def test_no_byte_can_change_unseen():
    body = a_body()
    unpack(body)
    for place in range(len(body)):
        changed = bytearray(body)
        changed[place] ^= 1
        with pytest.raises(ScreeningError, match="regions"):
            unpack(bytes(changed))
    for end in range(len(body)):
        with pytest.raises(ScreeningError, match="regions"):
            unpack(body[:end])


def with_body(raw):
    body = zlib.compress(raw)
    return packed._HEAD.pack(packed.MAGIC, packed.FORMAT, zlib.crc32(body)) + body


def test_what_does_not_fit_together_is_refused_whatever_its_checksum():
    body = a_body()
    raw = zlib.decompress(body[packed._HEAD.size :])
    assert unpack(with_body(raw)).counts == (1,) * 5
    for wrong in (raw[:-1], raw[:3], raw.replace(b'"shape": [5, 7, 6]', b'"shape": [1, 7, 6]'),
                  raw.replace(b"spacing_mm", b"spacing_cm")):  # fmt: skip
        with pytest.raises(ScreeningError, match="do not fit together"):
            unpack(with_body(wrong))


def test_the_reason_says_what_is_wrong():
    body = a_body()
    with pytest.raises(ScreeningError, match="no stored regions"):
        unpack(b"a picture, perhaps")
    with pytest.raises(ScreeningError, match="format 2; this program reads format 1"):
        unpack(body[:8] + b"\2\0" + body[10:])
    with pytest.raises(ScreeningError, match="checksum"):
        unpack(body[:-1] + bytes([body[-1] ^ 1]))
