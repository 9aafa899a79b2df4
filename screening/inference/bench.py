"""How long a model takes on one scan.

Comes in: a `Model` and a `Volume`.
Goes out: a `Timing`: seconds a scan, measured, or of a heavy network scaled up from a few windows.
Refuses: a scan on which the model gives no answer (`ScreeningError` with the reason).
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from screening.errors import ScreeningError
from screening.inference.brought import Scan, locate_bright, open_network, run_windows, that_matter
from screening.inference.description import Network
from screening.inference.infer import infer
from screening.inference.manifest import Model
from screening.inference.onnx_file import input_names
from screening.inference.session import networks
from screening.inference.windows import FieldError
from screening.reasons import REASONS
from screening.records import Rejection, Volume

_REPEATS = 3
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of one scan.

    seconds : of the whole inference; `is_scaled` where it was not run whole
    locate_seconds, window_seconds : finding the heart; one window (slice, patch)
    n_windows, n_matter, n_measured : all of the scan, those that are run, those timed here
    """

    provider: str
    seconds: float
    is_scaled: bool
    locate_seconds: float | None = None
    window_seconds: float | None = None
    n_windows: int | None = None
    n_matter: int | None = None
    n_measured: int | None = None


def time_model(
    model: Model,
    volume: Volume,
    n_measured: int = 3,
    clock: Clock = perf_counter,
) -> Timing:
    """Time a model: the best of three runs; of a brought network the mean of a few windows.

    Parameters
    ----------
    model, volume : what to time, on what
    n_measured : calls of a brought network to time; one before them is not counted
    clock : seconds; `time.process_time` counts those of all cores, whatever else the machine does

    Raises
    ------
    ScreeningError
        The model gives no answer on this scan.
    """
    if model.network is not None:
        return _time_brought(model, model.network, volume, n_measured, clock)
    best, provider = float("inf"), ""
    for _ in range(1 + _REPEATS):  # the first opens the sessions
        begun = clock()
        found = infer(model, volume)
        best = min(best, clock() - begun)
        if isinstance(found, Rejection):
            raise ScreeningError(REASONS[found.reason].sentence)
        provider = found.model.provider
    return Timing(provider, best, is_scaled=False)


def _time_brought(
    model: Model, network: Network, volume: Volume, n_measured: int, clock: Clock
) -> Timing:
    nets = networks(model)
    locate_bright(nets, volume, network.lowest_hu)
    begun = clock()
    located = locate_bright(nets, volume, network.lowest_hu)
    located_in = clock() - begun
    if located is None:
        raise ScreeningError("no heart was found on this scan")
    try:
        scan = Scan(located, network)
    except FieldError as error:
        raise ScreeningError(str(error)) from error
    chosen = that_matter(scan.windows, scan.points)
    session = open_network(model, None)
    _, given = input_names(session, network)
    timed = chosen[: n_measured * network.batch]
    groups = [timed[i : i + network.batch] for i in range(0, len(timed), network.batch)]
    if not timed:
        raise ScreeningError("nothing on this scan is bright enough to be looked at")
    run_windows(session, scan, groups[0], given)
    begun = clock()
    for group in groups:
        run_windows(session, scan, group, given)
    each = (clock() - begun) / len(timed)
    return Timing(
        provider=session.get_providers()[0],
        seconds=located_in + each * len(chosen),
        is_scaled=len(timed) < len(chosen),
        locate_seconds=located_in,
        window_seconds=each,
        n_windows=len(scan.windows),
        n_matter=len(chosen),
        n_measured=len(timed),
    )
