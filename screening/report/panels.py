"""Single panels: a slice or a projection, with outlines around what was labelled.

Comes in: Hounsfield units and labels of one plane, their spacing.
Goes out: an RGB image.
Refuses: nothing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from screening.records import Label

Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]  # left, top, right, bottom

MAX_NAMES = 5  # per label and panel

# The colour-blind-safe set of Okabe and Ito for the arteries; muted tones for the rest.
CORONARY_COLOURS: dict[Label, Colour] = {
    Label.LM: (240, 228, 66),
    Label.LAD: (255, 150, 0),
    Label.LCX: (86, 180, 233),
    Label.RCA: (0, 200, 140),
}
AORTA_COLOUR: Colour = (176, 130, 160)
TISSUE_COLOUR: Colour = (110, 125, 150)
METAL_COLOUR: Colour = (200, 90, 90)
# Bone has no outline: it is labelled near the heart only, and the cut edges look like findings.
OTHER_COLOURS: dict[Label, Colour] = {
    Label.AORTA: AORTA_COLOUR,
    Label.AORTIC_VALVE: AORTA_COLOUR,
    Label.MITRAL_ANNULUS: AORTA_COLOUR,
    Label.PERICARDIUM: AORTA_COLOUR,
    Label.AIRWAY: TISSUE_COLOUR,
    Label.NODE: TISSUE_COLOUR,
    Label.METAL: METAL_COLOUR,
}
# Written beside the outline; what is not here is told by its colour alone.
NAMES: dict[Label, str] = {
    **{label: label.name for label in CORONARY_COLOURS},
    Label.AORTA: "aorta",
    Label.AORTIC_VALVE: "aortic valve",
    Label.MITRAL_ANNULUS: "mitral",
    Label.PERICARDIUM: "pericardium",
    Label.METAL: "metal",
}
BLACK: Colour = (0, 0, 0)
DIM: Colour = (150, 155, 165)


@dataclass(frozen=True, slots=True)
class Window:
    """Which Hounsfield units are black and white."""

    centre_hu: float
    width_hu: float

    def grey(self, hu: NDArray[np.floating]) -> NDArray[np.uint8]:
        """Grey values, 0 to 255."""
        scaled = (hu - self.centre_hu) / self.width_hu + 0.5
        return np.asarray(np.rint(np.clip(scaled, 0, 1) * 255), dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class Place:
    """What part of a plane a panel shows: its centre and mm per pixel."""

    centre: tuple[float, float]  # row, column
    mm_per_pixel: float


def plane_panel(
    hu: NDArray[np.int16],
    label: NDArray[np.uint8],
    spacing_mm: tuple[float, float],
    size: tuple[int, int],
    place: Place,
    window: Window,
) -> Image.Image:
    """Draw one plane to scale.

    Parameters
    ----------
    hu, label : (rows, columns)
    spacing_mm : (row, column)
    size : (width, height) of the panel in pixels
    place : what of the plane to show
    window : Window

    Returns
    -------
    RGB image; black beyond the plane
    """
    width, height = size
    pixel_mm = np.array(spacing_mm)
    half = np.array([height, width]) * place.mm_per_pixel / pixel_mm / 2
    centre = np.array(place.centre) + 0.5
    # Padding keeps the window inside the source image, as `resize(box=)` demands.
    pad = int(np.ceil(max(0, *(half - centre), *(centre + half - np.array(hu.shape))))) + 1
    top, left = centre - half + pad
    bottom, right = centre + half + pad
    box = (float(left), float(top), float(right), float(bottom))
    padded_hu = np.pad(hu.astype(np.float32), pad, constant_values=-1024.0)
    smooth = Image.fromarray(padded_hu).resize(size, Image.Resampling.BICUBIC, box)
    grey = Image.fromarray(window.grey(np.asarray(smooth)))
    panel = Image.merge("RGB", (grey, grey, grey))
    _outline(panel, np.pad(label, pad), box)
    return panel


def _outline(panel: Image.Image, label: NDArray[np.uint8], box: Box) -> None:
    """Draw a line around each labelled place, one pixel off, so that the calcium stays visible."""
    taken: list[Box] = []
    drawn: list[tuple[Label, Colour, Image.Image]] = []
    # The arteries last, so that their lines lie on top.
    for name, colour in (*OTHER_COLOURS.items(), *CORONARY_COLOURS.items()):
        mask = label == name
        if not mask.any():
            continue
        source = Image.fromarray(mask.astype(np.uint8) * 255)
        shape = source.resize(panel.size, Image.Resampling.BOX, box).point(_any_part)
        inner = shape.filter(ImageFilter.MaxFilter(3))
        outer = inner.filter(ImageFilter.MaxFilter(3))
        panel.paste(colour, mask=ImageChops.subtract(outer, inner))
        drawn.append((name, colour, outer))
    marked = np.zeros((panel.height, panel.width), dtype=np.bool_)
    for _, _, outer in drawn:
        marked |= np.asarray(outer) > 0
    # And their names first, so that these have the best places.
    for name, colour, outer in reversed(drawn):
        if name in NAMES:
            for bounds in _blobs(outer):
                taken.append(_name(panel, bounds, NAMES[name], colour, taken, marked))


def _any_part(value: int) -> int:
    return 255 if value >= 100 else 0


def _blobs(mask: Image.Image) -> list[Box]:
    """Bounds of the separate places of a mask, from the top, `MAX_NAMES` at most."""
    left = mask.copy()
    bounds: list[Box] = []
    while len(bounds) < MAX_NAMES and left.getbbox() is not None:
        row, column = np.argwhere(np.asarray(left))[0]
        before = left.copy()
        ImageDraw.floodfill(left, (int(column), int(row)), 0)
        found = ImageChops.difference(before, left).getbbox()
        if found is not None:
            bounds.append(found)
    return bounds


def _name(
    panel: Image.Image,
    bounds: Box,
    name: str,
    colour: Colour,
    taken: list[Box],
    marked: NDArray[np.bool_],
) -> Box:
    """Write what it is beside its outline; colour alone is not enough.

    Clear of other names, and of whatever is outlined where there is room.
    """
    draw = ImageDraw.Draw(panel)
    font = ImageFont.load_default(13)
    width, height = draw.textlength(name, font=font) + 2, 14
    middle = (bounds[1] + bounds[3]) / 2 - height / 2
    right, left = bounds[2] + 4, bounds[0] - 4 - width
    wishes = [
        (x, middle + step)
        for step in (0, -height, height, -2 * height, 2 * height)
        for x in (right, left)
        if 0 <= x <= panel.width - width and 0 <= middle + step <= panel.height - height
    ] or [(min(max(right, 0), panel.width - width), min(max(middle, 0), panel.height - height))]

    def overlap(at: tuple[float, float]) -> bool:
        x, y = at
        return any(x < b[2] and x + width > b[0] and y < b[3] and y + height > b[1] for b in taken)

    def hides(at: tuple[float, float]) -> int:
        x, y = (int(v) for v in at)
        return int(marked[y : y + height, x : x + int(width)].sum())

    x, y = min((at for at in wishes if not overlap(at)), key=hides, default=wishes[0])
    draw.text((x, y - 1), name, fill=colour, font=font, stroke_width=1, stroke_fill=BLACK)
    return (x, y, x + width, y + height)
