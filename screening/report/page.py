"""A page that a person reads: headings, sentences, tables and pictures, in one file.

Comes in: a `Page` of typed blocks, all of it text and PNG bytes.
Goes out: self-contained HTML: nothing fetched, no script; light, to be printed, and read aloud.
Refuses: nothing; what looks like markup in a text is shown as it is.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from screening.report.style import head


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of level 2 or 3."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; `role` is "lead" (what was found), "notice" (a warning) or nothing."""

    text: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is called how: rows of name and value."""

    rows: tuple[tuple[str, str], ...]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; numbers stand right in the columns named in `numeric`; `wraps`: texts may break."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    numeric: tuple[str, ...] = ()
    wraps: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG, what it shows in words, and how to read it."""

    png: bytes = field(repr=False)
    alternative: str
    caption: str


Block = Heading | Text | Bullets | Facts | Grid | Picture


@dataclass(frozen=True, slots=True)
class Page:
    """A whole page. `stamp` says whose it is; it stands at the head and on every printed sheet."""

    title: str
    stamp: str
    blocks: tuple[Block, ...]


def render_page(page: Page) -> str:
    """Return the page as HTML."""
    body = "".join(_block(block) for block in page.blocks)
    return (
        f'<!DOCTYPE html>\n<html lang="en">{head(f"{page.title}: {page.stamp}")}<body>'
        f'<header><h1>{escape(page.title)}</h1><p class="stamp">{escape(page.stamp)}</p></header>'
        f'<main>{body}</main><footer class="sheet">{escape(page.stamp)}</footer></body></html>\n'
    )


def _caption(text: str) -> str:
    return f"<caption>{escape(text)}</caption>" if text else ""


def _facts(block: Facts) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in block.rows
    )
    return f'<table class="facts">{_caption(block.caption)}<tbody>{rows}</tbody></table>'


def _grid(block: Grid) -> str:
    kinds = ['class="n"' if name in block.numeric else "" for name in block.columns]
    top = "".join(
        f'<th scope="col" {kind}>{escape(name)}</th>'
        for name, kind in zip(block.columns, kinds, strict=True)
    )
    body = "".join(f"<tr>{_cells(row, kinds)}</tr>" for row in block.rows)
    table = f"<table>{_caption(block.caption)}<thead><tr>{top}</tr></thead>"
    kind = "scroll wraps" if block.wraps else "scroll"
    return f'<div class="{kind}">{table}<tbody>{body}</tbody></table></div>'


def _cells(row: Sequence[str], kinds: Sequence[str]) -> str:
    first = f'<th scope="row">{escape(row[0])}</th>'
    rest = zip(row[1:], kinds[1:], strict=True)
    return first + "".join(f"<td {kind}>{escape(cell)}</td>" for cell, kind in rest)


def _picture(block: Picture) -> str:
    data = base64.b64encode(block.png).decode()
    image = f'<img alt="{escape(block.alternative)}" src="data:image/png;base64,{data}">'
    return f"<figure>{image}<figcaption>{escape(block.caption)}</figcaption></figure>"


def _block(block: Block) -> str:
    match block:
        case Heading():
            return f"<h{block.level}>{escape(block.text)}</h{block.level}>"
        case Text():
            role = f' class="{block.role}"' if block.role else ""
            return f"<p{role}>{escape(block.text)}</p>"
        case Bullets():
            return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in block.items) + "</ul>"
        case Facts():
            return _facts(block)
        case Grid():
            return _grid(block)
        case Picture():
            return _picture(block)
