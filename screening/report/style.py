"""How a report page looks.

Comes in: a title. Goes out: the head of the page, style inside. Refuses: nothing.
"""

from html import escape

# The policy makes a browser refuse to fetch anything, whatever the page says.
_POLICY = """<head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
"""
_STYLE = """<style>
body { font: 15px/1.45 system-ui, sans-serif; color: #1b2733; background: #fff;
 max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .3rem; }
.notice { border-left: 4px solid #b5422c; padding: .5rem .8rem; background: #fbf1ee; }
.lead { font-size: 1.3rem; line-height: 1.35; font-weight: 600; margin: 1rem 0 .4rem; }
.stamp { color: #44505b; margin-top: -.6rem; overflow-wrap: anywhere; } .sheet { display: none; }
table { border-collapse: collapse; margin: .6rem 0; font-size: .87rem;
 font-variant-numeric: tabular-nums; }
caption { text-align: left; color: #44505b; padding-bottom: .3rem; }
th, td { text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid #dde2e6;
 vertical-align: top; }
th { font-weight: 600; } th[scope=row] { font-weight: 400; } .n { text-align: right; }
.facts th { color: #44505b; width: 18rem; padding-right: 1.5rem; }
.scroll { overflow-x: auto; } .scroll table { min-width: 34rem; }
.scroll th, .scroll td:not(:last-child) { white-space: nowrap; }
.wraps td:not(.n, #_), .wraps th[scope=row] { white-space: normal; }
.wraps th[scope=row] { min-width: 7.5rem; }
.dense table { font-size: .8rem; } .dense th, .dense td:not(#_) { white-space: normal;
 padding-right: .55rem; }
.wide { overflow-x: auto; } .wide td { white-space: nowrap; }
figure { margin: 1rem 0; } img { max-width: 100%; height: auto; }
figcaption { color: #44505b; font-size: .87rem; max-width: 48rem; }
.pair { display: flex; flex-wrap: wrap; gap: 1rem; } .pair figure { flex: 1 1 26rem; }
@media print { h1, h2, h3, caption { break-after: avoid; }
 figure, tr, caption { break-inside: avoid; } p { orphans: 3; widows: 3; }
 body { font-size: 12.5px; line-height: 1.35; } h1 { font-size: 1.25rem; margin: 0 0 1rem; }
 h2 { font-size: 1rem; margin: 1.1rem 0 .3rem; } h3 { font-size: .87rem; margin: .8rem 0 .2rem; }
 p, ul { margin: .45rem 0; } .lead { font-size: 1.05rem; } .notice { padding: .25rem .7rem; }
 table, figcaption { font-size: .75rem; } table { margin: .3rem 0; }
 th, td { padding: .14rem .6rem .14rem 0; } figure { margin: .6rem 0; }
 /* The first picture has room below what was found; the last line stays with its section. */
 img { max-height: 100mm; } main > :last-child { break-before: avoid; }
 /* As the footer of a table the stamp has room of its own on each sheet, never over a text. */
 body { max-width: none; margin: 0; padding: 0; display: table; width: 100%; }
 header, main { display: table-row-group; }
 .sheet { display: table-footer-group; break-inside: avoid; font-size: .7rem; color: #44505b; }
 .scroll, .wide { overflow: visible; } .scroll table { min-width: 0; }
 .scroll th, .scroll td:not(:last-child), .wide td { white-space: normal; }
 .wraps td.n:not(:last-child) { white-space: nowrap; } .wraps table { font-size: .7rem; }
 .wide table { font-size: .58rem; } }
</style></head>"""


def head(title: str) -> str:
    """Return the head of a page."""
    return f"{_POLICY}<title>{escape(title)}</title>\n{_STYLE}"
