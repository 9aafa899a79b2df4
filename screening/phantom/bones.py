"""Spine, ribs, sternum, collar bones, shoulders and arms.

Comes in: a `Frame` of sizes.
Goes out: lists of shapes in the body's frame; `thorax` says what the numbers mean.
Refuses: nothing.
"""

import numpy as np

from screening.phantom.shapes import Box, Capsule, Ellipsoid, Region, Shape, Vector, tube
from screening.phantom.thorax import CARTILAGE_HU, MUSCLE_HU, VERTEBRA_STEP_MM, Frame


def spine(frame: Frame) -> list[Shape]:
    """Vertebrae with canal, arches and processes, discs between them."""
    out: list[Shape] = []
    bone = Region.CHEST_WALL_BONE
    hard, spongy = 350.0, 60 + 120 * frame.bone
    eye = np.eye(3)
    for i in range(-14, 13):
        z = i * VERTEBRA_STEP_MM + 6
        y = frame.spine_y(z)
        w = 15.5 + 0.018 * max(60 - z, 0)
        d = w * 0.84
        half = np.array([w, d, 9.0])
        at = frame.place((0, y + d, z))
        out.append(Box(at, eye, np.array([w - 1, d - 1, 12.0]), 8.0, 75.0, bone))
        out.append(Box(at, eye, half, 7.0, hard, bone))
        out.append(Box(at, eye, half - 2.0, 5.5, spongy, bone))
        back = y + 2 * d
        for s in (-1, 1):
            arch = [(s * 10, back - 2, z + 3), (s * 14, back + 8, z + 3), (s * 4, back + 22, z)]
            out += tube(frame.place(arch), [5.0, 4.5, 3.5], hard * 0.85, bone)
            wing = [(s * 14, back + 8, z + 3), (s * 30, back + 17, z + 5)]
            out += tube(frame.place(wing), [4.5, 4.0], hard * 0.7, bone)
        out += tube(
            frame.place([(0, back + 22, z), (0, back + 40, z - 16)]), [4.0, 3.0], hard * 0.8, bone
        )
        out.append(
            Capsule(
                frame.place((0, back + 9, z - 12)),
                frame.place((0, back + 9, z + 12)),
                8.5,
                8.5,
                28.0,
            )
        )
    return out


def ribs(frame: Frame) -> tuple[list[Shape], list[Vector]]:
    """Twelve pairs of ribs, the upper ten with cartilage to the sternum.

    Returns
    -------
    shapes, and the centre lines of the cartilages
    """
    out: list[Shape] = []
    inner: list[Shape] = []
    cartilages: list[Vector] = []
    bone = Region.CHEST_WALL_BONE
    for side in (-1, 1):
        for i in range(12):
            line = _rib_line(frame, i, side)
            n = len(line)
            stop = n if i > 9 else n - 3
            body = line[:stop]
            out += tube(frame.place(body), 5.4, 400.0, bone)
            inner += tube(frame.place(body[1:]), 2.6, 60 + 90 * frame.bone, bone)
            if i <= 9:
                gristle = frame.place(line[stop - 1 :])
                out += tube(gristle, 5.6, CARTILAGE_HU, bone)
                cartilages.append(gristle)
    return out + inner, cartilages


def _rib_line(frame: Frame, i: int, side: int) -> Vector:
    start = 149 - VERTEBRA_STEP_MM * i
    drop = [14, 38, 60, 76, 86, 92, 96, 96, 92, 86, 60, 30][i]
    last = 162 if i < 7 else 150 - 10 * (i - 7)
    if i > 9:
        last = 70 if i == 10 else 50
    angles = np.radians(np.linspace(14, last, 11))
    line = np.empty((len(angles), 3))
    for k, a in enumerate(angles):
        part = (1 - np.cos(a)) / 2
        z = start - drop * part
        half, front, back = frame.cage(z)
        middle, depth = (front + back) / 2, (back - front) / 2
        s, c = np.sin(a), np.cos(a)
        grow = 1 / (abs(s) ** 2.5 + abs(c) ** 2.5) ** 0.4
        line[k] = side * (half + 5) * s * grow, middle + (depth + 5) * c * grow, z
    if i < 7:  # the cartilage climbs to the sternum
        end_z = [112, 88, 62, 36, 12, -8, -22][i]
        _, front, _ = frame.cage(end_z)
        line[-1] = side * 19, front - 6, end_z
        line[-2, 2] = 0.6 * line[-2, 2] + 0.4 * end_z
    return line


def sternum(frame: Frame) -> list[Shape]:
    """Manubrium, body and xiphoid, with collar bones."""
    out: list[Shape] = []
    bone = Region.CHEST_WALL_BONE
    eye = np.eye(3)
    for z, half_x in [
        (112, 26),
        (94, 23),
        (76, 17),
        (58, 15),
        (40, 16),
        (22, 18),
        (4, 18),
        (-14, 16),
        (-30, 11),
        (-44, 6),
    ]:
        _, front, _ = frame.cage(z)
        at = frame.place((0, front - 7, z))
        out.append(Box(at, eye, np.array([half_x, 6.5, 10.5]), 4.0, 330.0, bone))
        if half_x > 8:
            core = 40 + 80 * frame.bone
            out.append(Box(at, eye, np.array([half_x - 2.2, 4.0, 10.5]), 2.0, core, bone))
    for s in (-1, 1):
        line = [(s * 18, -84, 122), (s * 60, -76, 134), (s * 100, -40, 148), (s * 138, -22, 156)]
        out += tube(frame.place(line), 6.5, 420.0, bone)
        out += tube(frame.place(line), 3.2, 180.0, bone)
    return out


def shoulders(frame: Frame) -> tuple[list[Shape], list[Shape]]:
    """Soft parts (painted with the trunk) and bones of shoulders and arms."""
    soft: list[Shape] = []
    bones: list[Shape] = []
    bone = Region.CHEST_WALL_BONE
    p = frame.place
    for s in (-1, 1):
        head = np.array([s * 158.0, -8, 146])
        if frame.is_arms_up:
            arm = np.array([head, (s * 186, -30, 200), (s * 172, -50, 330)])
        else:
            arm = np.array([head, (s * 196, 0, 80), (s * 222, 0, -330)])
        soft += tube(p(arm), np.array([46, 42, 38.0]), MUSCLE_HU)
        soft += tube(p([(s * 60, -10, 150), head]), np.array([52, 48.0]), MUSCLE_HU)
        bones += tube(p(arm), np.array([13, 11.5, 11.0]), 600.0, bone)
        bones += tube(p(arm), np.array([7, 6, 6.0]), -20.0, bone)
        bones.append(Ellipsoid(p(head), np.eye(3), np.array([24.0, 24, 25]), 330.0, bone))
        bones.append(Ellipsoid(p(head), np.eye(3), np.array([21.0, 21, 22]), 150.0, bone))
        tilt = np.radians(38)
        axes = np.array([[s * np.cos(tilt), -np.sin(tilt), 0.25], [0, 0, 1.0], [0, 1.0, 0]])
        axes[0] /= np.linalg.norm(axes[0])
        axes[2] = np.cross(axes[0], axes[1])
        axes[2] /= np.linalg.norm(axes[2])
        axes[1] = np.cross(axes[2], axes[0])
        plate = np.array([42.0, 70, 4.5])
        bones.append(Ellipsoid(p((s * 112, 37, 84)), axes, plate, 380.0, bone))
        bones += tube(p([(s * 90, 60, 120), (s * 140, 30, 150)]), np.array([6, 8.0]), 350.0, bone)
    return soft, bones
