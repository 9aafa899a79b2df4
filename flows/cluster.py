"""The Dask cluster of one sweep: local processes on loopback.

Comes in: settings and the lake's folder. Goes out: a client, started when first needed.
Refuses: nothing.

One worker a core, one thread a worker: a scan that kills its process costs that scan only.
Nothing is spilled to disk, because what is in flight holds paths.
"""

import logging
import os
from pathlib import Path
from types import TracebackType

import dask
from distributed import Client, LocalCluster

from screening.config import Settings

_CONFIG = {
    # A task whose worker dies is reported at once; the ledger decides about another try.
    "distributed.scheduler.allowed-failures": 0,
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    "distributed.comm.timeouts.connect": "60s",
    "distributed.admin.event-loop-monitor": False,
    "distributed.worker.profile.enabled": False,
    # Without Dask's MALLOC_TRIM_THRESHOLD_: each scan's arrays would be given back to the system
    # and faulted in again page by page, a fifth of its time for some 25 MB.
    "distributed.nanny.pre-spawn-environ": {
        "OMP_NUM_THREADS": 1,
        "MKL_NUM_THREADS": 1,
        "OPENBLAS_NUM_THREADS": 1,
    },
    # What libraries log about a failed task may quote its arguments.
    "logging": {"distributed": "critical"},
}


def worker_count(settings: Settings) -> int:
    """Workers to run: as set, else one for each core this process may use."""
    return settings.workers or len(os.sched_getaffinity(0))


class Cluster:
    """Starts its processes on first use of `client`, ends them with the block."""

    def __init__(self, settings: Settings, lake: Path) -> None:
        self._settings = settings
        self._folder = lake / "dask"
        self._cluster: LocalCluster | None = None
        self._client: Client | None = None

    @property
    def n_workers(self) -> int:
        """How many scans are worked at once."""
        return worker_count(self._settings)

    @property
    def threads_per_worker(self) -> int:
        """Threads the model may use in each worker, so that all together fill the cores."""
        return max(1, len(os.sched_getaffinity(0)) // self.n_workers)

    @property
    def client(self) -> Client:
        """The client; the first call starts the cluster."""
        if self._client is None:
            self._client = self._start()
        return self._client

    def _start(self) -> Client:
        dask.config.set(_CONFIG)
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        self._cluster = LocalCluster(
            n_workers=self.n_workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": self._settings.dashboard},
            memory_limit=f"{self._settings.worker_memory_gb}GB",
            local_directory=str(self._folder),
            silence_logs=logging.CRITICAL,
        )
        return Client(self._cluster)

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._client is not None:
            self._client.close()
        if self._cluster is not None:
            self._cluster.close()
