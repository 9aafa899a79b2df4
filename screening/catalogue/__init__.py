"""Groups instance headers into series and says what each series is.

Comes in: an Arrow table of the schema `INSTANCES`, in any order.
Goes out: a `Catalogue`: one `Entry` a series (its `Series` record and its files in slice order),
several where one UID holds several reconstructions, the count of second copies; and the table
`SERIES`.
Refuses: a table of another schema, and instances without a series key.
"""

from screening.catalogue.group import Catalogue, Entry, group
from screening.catalogue.keys import key_of_uid
from screening.catalogue.table import series_table

__all__ = [
    "Catalogue",
    "Entry",
    "group",
    "key_of_uid",
    "series_table",
]
