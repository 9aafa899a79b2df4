"""Report: what a person looks at.

Comes in: a `Volume`, its `Labelled` and its `CalciumScore`.
Goes out: the bytes of a PNG picture.
Refuses: nothing; a scan without calcium gives a picture that says so.

A validation is in `report.validation` and `report.validation_page`: they load plotting and
statistics, which workers that only draw pictures have no use for.
"""

from screening.report.picture import MAX_BYTES, render_picture

__all__ = ["MAX_BYTES", "render_picture"]
