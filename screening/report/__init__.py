"""Report: what a person looks at.

Comes in: a `Volume`, its `Labelled` and its `CalciumScore`.
Goes out: the bytes of a PNG picture.
Refuses: nothing; a scan without calcium gives a picture that says so.
"""

from screening.report.picture import MAX_BYTES, render_picture

__all__ = ["MAX_BYTES", "render_picture"]
