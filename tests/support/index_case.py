"""Writing an index whole, as a first crawl does."""

import numpy as np
import pyarrow as pa

from screening.lake import Index, Lake


def write_index(lake: Lake, instances: pa.Table, files: pa.Table) -> Index | None:
    """Make the index hold these rows and no others."""
    index = lake.read_index()
    fresh = lake.fresh(index, instances.num_rows)
    fresh.add(instances)
    return lake.write_index(index.renewed(np.zeros(index.n_instances, np.bool_), fresh, files))
