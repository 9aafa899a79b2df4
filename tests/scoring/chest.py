"""A chest made by hand: heart, lung, bone and coronary courses where tests want them.

Pixels of 1 mm, slices of 2 mm, 0,0,0 at the first pixel; the heart is a box in its middle.
"""

from dataclasses import replace

import numpy as np
from conftest import make_scan

from screening.records import BloodPool, Label
from screening.surroundings import Place, Surroundings

SHAPE = (60, 120, 120)
CELL_MM = 6.0
HEART = (10, 50, 40, 90, 20, 100)  # slices, rows (to the back), columns (to the left)
COURSE_ROWS = (40, 60)
BONE_ROWS = (14, 30)


def surroundings(shape=SHAPE, heart=HEART):
    """Cells over the whole stack; 2 mm slices."""
    n = [int(np.ceil(s / CELL_MM)) for s in (shape[0] * 2, shape[1], shape[2])]
    z, y, x = np.meshgrid(*[np.arange(k) * CELL_MM + 2.5 for k in n], indexing="ij")
    inside = (z / 2 >= heart[0]) & (z / 2 < heart[1])
    inside &= (y >= heart[2]) & (y < heart[3]) & (x >= heart[4]) & (x < heart[5])
    place = np.where(inside, int(Place.HEART | Place.BLOOD), 0).astype(np.uint8)
    place[inside & (y < COURSE_ROWS[1])] |= np.uint8(Place.COURSE)
    place[(y >= BONE_ROWS[0]) & (y < BONE_ROWS[1])] |= np.uint8(Place.BONE)
    to_cell = np.array(
        [
            [0.0, 0.0, -1 / CELL_MM, (100.0 - 2.5) / CELL_MM],
            [0.0, 1 / CELL_MM, 0.0, (60.0 - 2.5) / CELL_MM],
            [1 / CELL_MM, 0.0, 0.0, (50.0 - 2.5) / CELL_MM],
        ]
    )
    return Surroundings(
        place=place,
        to_cell=to_cell,
        soft_ml=100.0,
        aortic_valve_lps_mm=(10.0, 15.0, 60.0),
        mitral_annulus_lps_mm=(10.0, 15.0, 40.0),
    )


BLOOD = BloodPool(40.0, 15.0, 5000)


def chest(paint=(), blood=BLOOD, hu=None, **settings):
    """Make even tissue, and paint on it: (slices, rows, columns, HU, label)."""
    values = np.full(SHAPE, 40) if hu is None else hu
    values[:, :4] = -1000  # outside air, before the skin
    labels = np.zeros(SHAPE, dtype=np.uint8)
    for where_s, where_r, where_c, value, label in paint:
        values[where_s, where_r, where_c] = value
        labels[where_s, where_r, where_c] = label
    made = make_scan(
        values, labels, increment_mm=2.0, slice_thickness_mm=2.0, heart_box=HEART,
        blood_pool=blood, **settings,
    )  # fmt: skip
    return made.volume, replace(made.labelled, surroundings=surroundings())


def box(slices, rows, columns, hu, label=Label.NONE):
    """A block: first index and number along each axis."""
    parts = [slice(first, first + n) for first, n in (slices, rows, columns)]
    return (*parts, hu, label)


def unsure(painted, probability=0.75):
    """Painted labels of which inference is no surer than this."""
    volume, labelled = painted
    share = np.full_like(labelled.probability, probability)
    return volume, replace(labelled, probability=share)
