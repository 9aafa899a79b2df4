"""One page that shows a reader what was scored.

Comes in: a `Volume`, its `Labelled`, its `CalciumScore`.
Goes out: PNG bytes, at most 150 kB, without metadata and without identity: the series' random key
alone says whose picture it is.
Refuses: nothing.

Left: axial slices with the largest coronary lesions; right: projections of the whole heart.
Above: the numbers; below: the legend, the key, and what this picture is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from screening.flag_words import remark
from screening.lower_bound import is_lower_bound, is_off_either_way, may_be_too_high
from screening.records import CalciumScore, Label, Labelled, Volume
from screening.report.amounts import units
from screening.report.crop import Crop, coronary, crop_heart, slices_to_show, without_bone
from screening.report.panels import (
    AORTA_COLOUR,
    BLACK,
    CORONARY_COLOURS,
    DIM,
    METAL_COLOUR,
    TISSUE_COLOUR,
    Colour,
    Place,
    Window,
    plane_panel,
)

MAX_BYTES = 150_000
DISCLAIMER = "Research software, not a medical device; a reader must confirm."

TILE = 272
GAP = 8
CAPTION = 20
SIDE = 320
REMARK_LINES, REMARK_SIZE = 3, 14
HEADER = 134
FOOTER = 62
N_TILES = 6
ZOOM_MM = 44.0
WIDTH = 4 * GAP + 3 * TILE + SIDE + GAP
HEIGHT = HEADER + 2 * (TILE + CAPTION + GAP) + FOOTER
# Fewer grey levels, then a smaller page, make a smaller file; the first that fits is taken. The
# last fits even pure noise.
REDUCTIONS = (
    *((levels, 1.0) for levels in (32, 24, 18, 14, 11, 8)),
    *((8, scale) for scale in (0.85, 0.7, 0.55)),
)
COMPRESSION = 6  # 9 takes five times as long for 3 % less
MEDIASTINUM = Window(centre_hu=40.0, width_hu=400.0)
PROJECTION = Window(centre_hu=175.0, width_hu=550.0)

# Outlined in a projection, the first on top. Valves and metal are as bright as plaque: without an
# outline they would look like some that was missed.
PROJECTED = (*CORONARY_COLOURS, Label.METAL, Label.AORTIC_VALVE, Label.MITRAL_ANNULUS)

BACKGROUND: Colour = (18, 20, 24)
TEXT: Colour = (235, 238, 242)
WARNING: Colour = (255, 190, 90)

CATEGORY_WORDS = {
    "0": "no coronary calcium detected on this scan (this does not rule it out)",
    "(0,100)": "category above 0, below 100",
    "[100,300)": "category 100 to below 300",
    "[300,1000)": "category 300 to below 1000",
    "[1000,inf)": "category 1000 and above",
}
_Native = tuple[tuple[int, int], ...] | None
GRADE_WORDS = {"A": "good", "B": "usable", "C": "doubtful", "D": "do not use"}


def render_picture(
    volume: Volume,
    labelled: Labelled,
    score: CalciumScore,
    native: tuple[tuple[int, int], ...] | None = None,
) -> bytes:
    """Draw the page of one scored scan.

    Parameters
    ----------
    volume : Volume
    labelled : Labelled, of this volume
    score : CalciumScore, of both
    native : first and last of the scanner's slices that were averaged to each of these

    Returns
    -------
    PNG, at most `MAX_BYTES`, without text chunks; the same input gives the same bytes
    """
    crop = crop_heart(volume, labelled, score.parameters)
    page = _page(crop, score, native, volume.series_key)
    png = b""
    for grey_levels, scale in REDUCTIONS:
        out = BytesIO()
        size = (round(WIDTH * scale), round(HEIGHT * scale))
        scaled = page if scale == 1 else page.resize(size, Image.Resampling.LANCZOS)
        _reduce(scaled, grey_levels).save(out, "PNG", compress_level=COMPRESSION)
        png = out.getvalue()
        if len(png) <= MAX_BYTES:
            break
    return png


def _reduce(page: Image.Image, grey_levels: int) -> Image.Image:
    """Bring a page to a few colours; grey stays grey, where the nearest colour may be tinted."""
    palette = _palette(grey_levels)
    pixels = np.asarray(page)
    is_grey = (pixels == pixels[:, :, :1]).all(axis=2)
    step = np.rint(pixels[:, :, 0] * ((grey_levels - 1) / 255.0))
    nearest = np.asarray(page.quantize(palette=palette, dither=Image.Dither.NONE))
    reduced = Image.fromarray(np.where(is_grey, step, nearest).astype(np.uint8))
    reduced.putpalette(palette.getpalette() or [])
    return reduced


def _palette(grey_levels: int) -> Image.Image:
    """Even greys first, then each colour of the page in the shades that smooth letters need."""
    greys = np.rint(np.linspace(0, 255, grey_levels)).astype(int).tolist()
    colours: list[Colour] = [(g, g, g) for g in greys]
    named = (TEXT, WARNING, DIM, AORTA_COLOUR, TISSUE_COLOUR, METAL_COLOUR)
    for colour in (BACKGROUND, *named, *CORONARY_COLOURS.values()):
        for share in (1.0, 0.66, 0.33):
            mixed = [
                round(a * share + b * (1 - share)) for a, b in zip(colour, BACKGROUND, strict=True)
            ]
            colours.append((mixed[0], mixed[1], mixed[2]))
    palette = Image.new("P", (1, 1))
    palette.putpalette([value for colour in dict.fromkeys(colours) for value in colour])
    return palette


@dataclass(frozen=True, slots=True)
class _Tile:
    """One axial panel: which slice, shown around which place, under which caption."""

    slice: int
    place: Place
    caption: str


def _page(crop: Crop, score: CalciumScore, native: _Native, series_key: str) -> Image.Image:
    page = Image.new("RGB", (WIDTH, HEIGHT), BACKGROUND)
    draw = ImageDraw.Draw(page)
    _header(draw, score)
    tiles = _tiles(crop, score, native)
    for n, tile in enumerate(tiles):
        x = GAP + (n % 3) * (TILE + GAP)
        y = HEADER + (n // 3) * (TILE + CAPTION + GAP)
        panel = plane_panel(
            crop.hu[tile.slice],
            crop.label[tile.slice],
            crop.spacing_mm[1:],
            (TILE, TILE),
            tile.place,
            MEDIASTINUM,
        )
        page.paste(panel, (x, y + CAPTION))
        _write(draw, (x, y + 2), tile.caption, 13, DIM)
        _write_right(draw, (x + TILE, y + 2), f"z {crop.z_mm[tile.slice]:.1f}", 13, DIM)
        _write(draw, (x + 4, y + CAPTION + TILE // 2 - 8), "R", 13, TEXT, outlined=True)
        _scale_bar(draw, x + TILE - 6, y + CAPTION + TILE - 8, tile.place.mm_per_pixel)
    bare = without_bone(crop, score.parameters.threshold_hu)
    _projections(page, crop, bare, [tile.slice for tile in tiles])
    _footer(draw, series_key)
    return page


def _tiles(crop: Crop, score: CalciumScore, native: _Native) -> list[_Tile]:
    """Six slices; with three or fewer that show calcium, those and a closer look at each."""
    main, context = slices_to_show(crop, score, N_TILES)
    is_zoomed = 0 < len(main) <= N_TILES // 2
    if is_zoomed:
        context = slices_to_show(crop, score, N_TILES - len(main))[1]
    rows, columns = crop.hu.shape[1:]
    whole_mm = max(rows * crop.spacing_mm[1], columns * crop.spacing_mm[2])
    whole = Place(((rows - 1) / 2, (columns - 1) / 2), whole_mm / TILE)
    told = {k: _caption(crop, k, native) for k in main + context}
    wide = {k: _Tile(k, whole, caption) for k, caption in told.items()}
    if not is_zoomed:
        return [wide[k] for k in sorted(wide)]
    # Each closer look stands below its slice; context fills the columns that are left.
    closer = [_closer(crop, k, told[k]) for k in main]
    n_left = N_TILES // 2 - len(main)
    above = [wide[k] for k in main] + [wide[k] for k in context[:n_left]]
    return above + closer + [wide[k] for k in context[n_left : 2 * n_left]]


def _closer(crop: Crop, k: int, caption: str) -> _Tile:
    """Show the brightest coronary calcium of a slice from near: the mean may lie between two."""
    at = np.argwhere(coronary(crop.label[k]))
    peak = at[np.argmax(crop.hu[k][tuple(at.T)])]
    place = Place((float(peak[0]), float(peak[1])), ZOOM_MM / TILE)
    return _Tile(k, place, caption)


def _caption(crop: Crop, k: int, native: _Native) -> str:
    names = [name.name for name in CORONARY_COLOURS if (crop.label[k] == name).any()]
    what = ", ".join(names) if names else "no coronary calcium"
    own = crop.first_slice + k
    first, last = (own, own) if native is None else native[own]
    numbers = f"{first}" if first == last else f"{first}-{last}"
    return f"slice {numbers}: {what}"


def _projections(page: Image.Image, crop: Crop, bare: NDArray[np.int16], shown: list[int]) -> None:
    """Coronal and axial maximum-intensity projections of the heart box."""
    draw = ImageDraw.Draw(page)
    x = WIDTH - GAP - SIDE
    for n, axis in enumerate((1, 0)):
        # Breastbone and spine before and behind the heart would hide it; from the feet they lie
        # beside it and show where it is.
        rows = slice(*crop.heart_rows) if axis == 1 else slice(None)
        hu = bare[:, rows].max(axis=1) if axis == 1 else crop.hu.max(axis=0)
        label = _projected_label(crop.label[:, rows], axis)
        spacing = tuple(s for k, s in enumerate(crop.spacing_mm) if k != axis)
        y = HEADER + n * (TILE + CAPTION + GAP)
        mm_per_pixel = max(hu.shape[0] * spacing[0] / TILE, hu.shape[1] * spacing[1] / SIDE)
        centre = ((hu.shape[0] - 1) / 2, (hu.shape[1] - 1) / 2)
        panel = plane_panel(
            hu,
            label,
            (spacing[0], spacing[1]),
            (SIDE, TILE),
            Place(centre, mm_per_pixel),
            PROJECTION,
        )
        page.paste(panel, (x, y + CAPTION))
        name = ("front, bone removed", "feet")[n]
        _write(draw, (x, y + 2), f"maximum, seen from the {name}", 13, DIM)
        _write(draw, (x + 4, y + CAPTION + TILE // 2 - 8), "R", 13, TEXT, outlined=True)
        if axis == 1:
            for k in sorted(set(shown)):
                tick = y + CAPTION + TILE / 2 + (k - centre[0]) * spacing[0] / mm_per_pixel
                draw.line((x + SIDE - 10, tick, x + SIDE - 1, tick), fill=TEXT, width=1)


def _projected_label(label: NDArray[np.uint8], axis: int) -> NDArray[np.uint8]:
    """Labels of `PROJECTED`; where two lie behind each other, the first of them is drawn."""
    projected = np.zeros(np.delete(label.shape, axis), dtype=np.uint8)
    for name in reversed(PROJECTED):
        projected[(label == name).any(axis=axis)] = name
    return projected


def _interval(score: CalciumScore) -> str:
    sure = score.certainty
    is_open = sure.high is None and is_off_either_way(score.agatston, score.quality.flags)
    if sure.low is None or is_open:
        return "cannot be said"
    return f"{units(sure.low)} {'and more' if sure.high is None else f'to {units(sure.high)}'}"


def _category(score: CalciumScore) -> str:
    """Words for the category, and what is open about it."""
    told = CATEGORY_WORDS.get(score.category, score.category)
    flags = score.quality.flags
    if is_off_either_way(score.agatston, flags):
        return f"{told}, may be too high or too low"
    if may_be_too_high(score.agatston, flags):
        return f"{told}, may be too high"
    is_open = is_lower_bound(score.agatston, flags) and score.category != "[1000,inf)"
    return f"{told} or a higher one" if is_open else told


def _header(draw: ImageDraw.ImageDraw, score: CalciumScore) -> None:
    quality = score.quality
    is_bound = is_lower_bound(score.agatston, quality.flags)
    # The font has no sign for "at least".
    title = f"Agatston {'at least ' if is_bound else ''}{units(score.agatston)}"
    _write(draw, (GAP, 6), title, 30, TEXT)
    after = GAP + draw.textlength(title, font=ImageFont.load_default(30)) + 16
    _write(draw, (after, 18), _category(score), 18, TEXT)
    grade = f"grade {quality.grade} ({GRADE_WORDS.get(quality.grade, 'not known')})"
    _write_right(draw, (WIDTH - GAP, 16), grade, 20, WARNING if quality.grade > "B" else TEXT)
    parts = []
    if score.vessels is not None:
        parts = [f"{v.name} {units(getattr(score.vessels, v.name))}" for v in CORONARY_COLOURS]
        parts = ["seen:", *parts] if is_bound else parts
    parts.append(f"95 %: {_interval(score)}")
    parts.append(f"volume {score.volume_mm3:.0f} mm3")
    parts.append(f"mass {score.mass_mg:.0f} mg (uncalibrated)")
    if quality.noise_hu is not None:
        parts.append(f"noise {quality.noise_hu:.0f} HU")
    _write(draw, (GAP, 50), "     ".join(parts), 16, TEXT)
    colour = WARNING if quality.flags else DIM
    for n, line in enumerate(_remarks(draw, quality.flags)):
        _write(draw, (GAP, 76 + 18 * n), line, REMARK_SIZE, colour)


def _remarks(draw: ImageDraw.ImageDraw, flags: Sequence[str]) -> list[str]:
    """Say what the flags say, in lines of the page's width; what finds no room is counted."""
    for n_left_out in range(len(flags) + 1):
        told = [remark(flag) for flag in flags[: len(flags) - n_left_out]]
        told += [f"and {n_left_out} more"] if n_left_out else []
        lines = _wrapped(draw, f"quality remarks: {'; '.join(told) or 'none'}", REMARK_SIZE)
        if len(lines) <= REMARK_LINES:
            break
    return lines


def _footer(draw: ImageDraw.ImageDraw, series_key: str) -> None:
    y = HEIGHT - FOOTER + 6
    entries: list[tuple[str, Colour]] = [(n.name, c) for n, c in CORONARY_COLOURS.items()]
    entries += [
        ("not counted: aorta, valves, pericardium", AORTA_COLOUR),
        ("airway, node", TISSUE_COLOUR),
        ("metal", METAL_COLOUR),
    ]
    x = float(GAP)
    for name, colour in entries:
        draw.rectangle((x, y + 3, x + 12, y + 15), outline=colour, width=2)
        _write(draw, (x + 18, y), name, 15, TEXT)
        x += 18 + draw.textlength(name, font=ImageFont.load_default(15)) + 18
    how = "R: patient's right.  Slices from the head, the first is 0; z in mm."
    _write(draw, (x, y), how, 15, DIM)
    _write(draw, (GAP, y + 26), DISCLAIMER, 15, WARNING)
    slices, maximum = (f"{w.width_hu:.0f}/{w.centre_hu:.0f}" for w in (MEDIASTINUM, PROJECTION))
    windows = f"window {slices} HU, maximum {maximum} HU"
    _write_right(draw, (WIDTH - GAP, y + 28), f"{windows}     series {series_key}", 13, DIM)


def _scale_bar(draw: ImageDraw.ImageDraw, right: int, y: int, mm_per_pixel: float) -> None:
    length = 10.0 / mm_per_pixel
    draw.line((right - length, y, right, y), fill=TEXT, width=2)
    _write_right(draw, (right, y - 16), "10 mm", 11, TEXT, outlined=True)


def _wrapped(draw: ImageDraw.ImageDraw, text: str, size: int) -> list[str]:
    """Break a text into lines of the page's width."""
    font = ImageFont.load_default(size)
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".lstrip()
        if draw.textlength(longer, font=font) > WIDTH - 2 * GAP:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _write(
    draw: ImageDraw.ImageDraw,
    at: tuple[float, float],
    text: str,
    size: int,
    fill: Colour,
    *,
    outlined: bool = False,
) -> None:
    font = ImageFont.load_default(size)
    draw.text(at, text, fill=fill, font=font, stroke_width=int(outlined), stroke_fill=BLACK)


def _write_right(
    draw: ImageDraw.ImageDraw,
    at: tuple[float, float],
    text: str,
    size: int,
    fill: Colour,
    *,
    outlined: bool = False,
) -> None:
    """Write so that the text ends at `at`."""
    width = draw.textlength(text, font=ImageFont.load_default(size))
    _write(draw, (at[0] - width, at[1]), text, size, fill, outlined=outlined)
