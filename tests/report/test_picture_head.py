"""What stands above the picture of a score is read without the program."""

import pytest
from PIL import Image, ImageDraw, ImageFont

from screening.flag_words import REMARKS
from screening.report import picture
from screening.report.picture import GAP, HEADER, WIDTH


@pytest.mark.parametrize("n", [0, 1, 5, 9, len(REMARKS)])
def test_the_quality_remarks_are_told_in_words_and_fit(n):
    """The words of the list and the page; what finds no room is counted."""
    draw = ImageDraw.Draw(Image.new("RGB", (WIDTH, HEADER)))
    flags = tuple(REMARKS)[-n:] if n else ()
    lines = picture._remarks(draw, flags)
    font = ImageFont.load_default(picture.REMARK_SIZE)
    assert all(draw.textlength(line, font=font) <= WIDTH - 2 * GAP for line in lines)
    told = " ".join(lines).removeprefix("quality remarks: ").split("; ")
    n_told = sum(a == REMARKS[b] for a, b in zip(told, flags, strict=False))
    assert told[n_told:] == ([f"and {n - n_told} more"] if n > n_told else [] if n else ["none"])
    assert n_told >= min(n, 9)
    assert 76 + 18 * len(lines) <= HEADER
