"""The blur of the heart's border, on edges of known width."""

import numpy as np
import pytest
from chest import SHAPE, chest

from screening.scoring import quality, score
from screening.scoring.motion import border_blur_mm

# A heart as the hand-made cells have it, lung round it, chest wall outside.
ROWS, COLUMNS = np.meshgrid(np.arange(120.0), np.arange(120.0), indexing="ij")


def thorax(heart_shifts_mm=(0.0,), soft_mm=2.0):
    """Soft tissue in lung; the heart is painted once for each shift of its border."""

    def tissue(inside_mm):
        return np.clip(0.5 + inside_mm / soft_mm, 0, 1)

    heart = np.mean(
        [tissue(26 + shift - np.hypot(ROWS - 65, COLUMNS - 60)) for shift in heart_shifts_mm],
        axis=0,
    )
    wall = tissue(np.hypot(ROWS - 62, COLUMNS - 60) - 46)
    plane = -850 + 890 * np.maximum(heart, wall)
    return np.broadcast_to(np.rint(plane), SHAPE).copy()


def blur(**settings):
    return border_blur_mm(*chest(hu=thorax(**settings)))


def test_a_still_heart_is_as_sharp_as_the_chest_wall():
    for soft_mm in (1.0, 2.0, 4.0):
        assert blur(soft_mm=soft_mm) == pytest.approx(0.0, abs=0.25)


def test_a_doubled_border_is_as_much_wider_as_it_moved():
    """Two copies m apart: the way from lung to soft tissue is m longer, less part of an edge."""
    found = [blur(heart_shifts_mm=(-m / 2, m / 2), soft_mm=1.0) for m in (0, 1, 2, 4)]
    assert found == sorted(found)
    for k, m in ((2, 2), (3, 4)):
        assert m - 1.0 <= found[k] - found[0] <= m


def test_without_surroundings_or_lung_there_is_no_figure(block):
    made = block()
    assert border_blur_mm(made.volume, made.labelled) is None
    assert border_blur_mm(*chest()) is None


@pytest.mark.usefixtures("noise_known")
@pytest.mark.parametrize(("below", "flags"), [(0.01, ()), (0.0, ("motion",)), (-1.0, ("motion",))])
def test_the_flag_of_motion(block, monkeypatch, below, flags):
    monkeypatch.setattr(quality, "border_blur_mm", lambda *_: quality.MOTION_FROM_MM - below)
    made = block()
    found = score(made.volume, made.labelled).quality
    assert (found.flags, found.grade) == (flags, "B" if flags else "A")
