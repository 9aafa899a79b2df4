"""How pages and scores are written."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screening.report.amounts import EDGES, units
from screening.report.page import Bullets, Facts, Grid, Heading, Page, Picture, Text, render_page
from screening.report.readings import DESIGN, FOUR

EVIL = "<script>alert('x')</script> & \"quoted\""


def test_what_looks_like_markup_is_shown_as_it_is():
    blocks = (
        Heading(EVIL), Text(EVIL, "lead"), Bullets((EVIL,)), Facts(((EVIL, EVIL),), EVIL),
        Grid((EVIL, "b"), ((EVIL, EVIL),), EVIL, ("b",)), Picture(b"png", EVIL, EVIL),
    )  # fmt: skip
    html = render_page(Page(EVIL, EVIL, blocks))
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert 'alt="&lt;script' in html


@pytest.mark.parametrize(("wraps", "kind"), [(False, "scroll"), (True, "scroll wraps")])
def test_texts_of_a_table_break_only_where_that_is_asked_for(wraps, kind):
    html = render_page(Page("t", "s", (Grid(("a", "b"), (("1", "2"),), wraps=wraps),)))
    assert f'<div class="{kind}"><table>' in html


def test_on_paper_nothing_is_cut_and_the_stamp_has_room_of_its_own():
    html = render_page(Page("t", "s", (Grid(("a", "b"), (("1", "2"),)),)))
    printed = html[html.index("@media print") : html.index("</style>")]
    rules = {
        selector.strip(): body
        for block in re.findall(r"([^{}]+)\{([^{}]*)\}", printed.split("{", 1)[1])
        for selector in block[0].rpartition("*/")[2].split(",")
        for body in block[1:]
    }
    assert "overflow: visible" in rules[".scroll"]
    assert "white-space: normal" in rules[".scroll td:not(:last-child)"]
    assert "min-width: 0" in rules[".scroll table"]
    assert "break-inside: avoid" in rules["caption"]
    assert re.search(r"h3, caption \{ break-after: avoid", printed)
    # A fixed stamp would lie over the text; the footer of a table is repeated below it.
    assert "position: fixed" not in printed
    assert "display: table-footer-group" in rules[".sheet"]
    assert "display: table;" in rules["body"]
    # A picture of 100 mm fits below what was found on a sheet of Letter or A4; the last line is not
    # alone on a sheet.
    assert "max-height: 100mm" in rules["img"]
    assert "break-before: avoid" in rules["main > :last-child"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (0.04, "0.0"), (9.94, "9.9"), (10.4, "10"), (99.4, "99"), (99.5, "99.5"),
        (99.97, "99.9"), (100.0, "100"), (299.6, "299.6"), (300.2, "300"), (399.99, "399.9"),
        (999.99, "999.9"), (1000.0, "1,000"), (2137.4, "2,137"),
    ],
)  # fmt: skip
def test_a_score_is_written_on_its_side_of_every_edge(value, text):
    assert units(value) == text


@given(st.floats(0, 20000))
def test_no_rounding_changes_a_category(value):
    written = float(units(value).replace(",", ""))
    assert [written >= edge for edge in EDGES] == [value >= edge for edge in EDGES]


def test_the_edges_are_those_of_the_categories():
    assert set(EDGES) == {*DESIGN.edges, *FOUR.edges}
