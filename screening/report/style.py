"""How a report page looks.

Comes in: nothing. Goes out: the head of the page, style inside. Refuses: nothing.
"""

# The policy makes a browser refuse to fetch anything, whatever the page says.
HEAD = """<head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Validation of calcium scores</title>
<style>
body { font: 15px/1.45 system-ui, sans-serif; color: #1b2733; background: #fff;
 max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
.notice { border-left: 4px solid #b5422c; padding: .5rem .8rem; background: #fbf1ee; }
table { border-collapse: collapse; margin: .6rem 0; font-size: .87rem;
 font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid #dde2e6;
 vertical-align: top; }
th { font-weight: 600; } .wide { overflow-x: auto; } .wide td { white-space: nowrap; }
figure { margin: 1rem 0; } img { max-width: 100%; height: auto; }
figcaption { color: #55606b; font-size: .87rem; max-width: 40rem; }
.pair { display: flex; flex-wrap: wrap; gap: 1rem; } .pair figure { flex: 1 1 26rem; }
@media print { body { max-width: none; margin: 0; } h2 { break-after: avoid; }
 figure, tr { break-inside: avoid; }
 .wide { overflow: visible; } .wide table { font-size: .58rem; } .wide td { white-space: normal; } }
</style></head>"""
