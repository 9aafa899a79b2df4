"""Groups instance headers into series and says what each series is.

Comes in: Arrow tables of the schema `INSTANCES`, each of whole series, in any order.
Goes out: a `Catalogue`: one `Entry` a series (its `Series` record and its files in slice order),
several where one UID holds several reconstructions, the count of second copies; and the table
`SERIES`.
Refuses: a table of another schema, and instances without a series key.
"""

from screening.catalogue.group import Catalogue, Entry, group, group_parts
from screening.catalogue.keys import key_of_uid
from screening.catalogue.rejected import NOTE_COLUMNS, TOUCHED_COLUMNS, rejections, touched
from screening.catalogue.table import judged, series_table, standing

__all__ = [
    "NOTE_COLUMNS",
    "TOUCHED_COLUMNS",
    "Catalogue",
    "Entry",
    "group",
    "group_parts",
    "judged",
    "key_of_uid",
    "rejections",
    "series_table",
    "standing",
    "touched",
]
