"""Labels from a network that a site brought.

Comes in: a `Model` with a `Network`, and a `Volume`.
Goes out: the same `Labelled` as of our own model, and how much of the scan the network saw.
Refuses: `not_chest` before the network is asked; `model_field` where the scan does not fit its
field; `model_failed` where what it gives is not what its manifest says; `no_gpu`.

The heart is found by the default model's coarse network, and only voxels within its reach can
count. So a window (a slice, a patch) without a bright voxel in reach cannot change a score, and
is not run. An artery the network does not name is read off the coarse heatmaps, one for each
connected thing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from screening.inference.anatomy import VESSEL_CHANNELS, cells_of_box
from screening.inference.answers import (
    UNNAMED,
    VESSELS,
    UnusableOutputError,
    activate,
    coronary_of,
    decide,
)
from screening.inference.candidates import SEED_HU, can_score
from screening.inference.description import NETWORK_FILE, Network
from screening.inference.location import Location, locate
from screening.inference.manifest import Model
from screening.inference.onnx_file import input_names
from screening.inference.runtime import (
    RUNTIME_ERRORS,
    ProviderError,
    open_session,
    ort,
    run_in_batches,
)
from screening.inference.session import Networks, networks, threads_here
from screening.inference.windows import (
    FieldError,
    InputGrid,
    Window,
    grid_points,
    input_grid,
    inside,
    make_windows,
    normaliser,
    weights,
    window_input,
)
from screening.privacy import safe_detail
from screening.reasons import Reason, Room
from screening.records import (
    Label,
    Labelled,
    ModelIdentity,
    Rejection,
    Volume,
)
from screening.things import Things, in_shares

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Work:
    """How many windows (slices, patches) a scan has, and how many were run."""

    n_run: int
    n_all: int


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """A scan with its heart.

    bright : int64 (m, 3), frame voxels that may count: bright enough, within reach
    """

    place: Location
    bright: Ints


def infer_brought(
    model: Model, network: Network, volume: Volume, threads: int | None = None
) -> tuple[Labelled | Rejection, Work]:
    """Label the bright voxels near the heart with a brought network.

    Parameters
    ----------
    model : Model, checked
    network : its network
    volume : Volume, checked axial CT
    threads : of the runtime; None: one for each core this process may use

    Returns
    -------
    Labelled or Rejection, and the work that was done
    """
    none = Work(0, 0)
    try:
        located = locate_bright(networks(model, threads), volume, network.lowest_hu)
        if located is None:
            return _refuse(volume, Reason.NOT_CHEST), none
        scan = Scan(located, network)
        chosen = that_matter(scan.windows, scan.points)
        session = open_network(model, threads)
        raw = ask(session, scan, chosen)
        p = activate(raw, network.output)
        label, probability = decide(p, network.output)
    except FieldError as error:
        return _refuse(volume, Reason.MODEL_FIELD, str(error)), none
    except UnusableOutputError as error:
        return _refuse(volume, Reason.MODEL_FAILED, str(error)), none
    except ProviderError:
        return _refuse(volume, Reason.NO_GPU), none
    except RUNTIME_ERRORS as error:
        return _refuse(volume, Reason.MODEL_FAILED, safe_detail(error)), none
    label = _name_vessels(located, label)
    identity = ModelIdentity(model.identity.name, model.identity.digest, session.get_providers()[0])
    found = _labelled(located, network, identity, (label, probability, p))
    return found, Work(len(chosen), len(scan.windows))


def _refuse(volume: Volume, reason: Reason, detail: str = "") -> Rejection:
    return Rejection(Room.INFERENCE, volume.series_key, reason, detail)


def open_network(model: Model, threads: int | None) -> ort.InferenceSession:
    """Open the brought network, once a process."""
    return open_session(
        model.folder / NETWORK_FILE,
        model.identity.digest,
        threads or threads_here(),
        model.providers,
    )


def locate_bright(nets: Networks, volume: Volume, lowest_hu: int) -> Located | None:
    """Find the heart and what is bright within its reach; None where no heart is."""
    place = locate(nets, volume)
    if place is None:
        return None
    frame, box = place.frame, place.reach
    bright = frame.hu[box[0] : box[1], box[2] : box[3], box[4] : box[5]] >= lowest_hu
    bright &= place.anatomy.reach[np.ix_(*cells_of_box(frame, place.grid, box))]
    voxels = np.argwhere(bright).astype(np.int64) + np.array([box[0], box[2], box[4]])
    return Located(place, voxels)


class Scan:
    """One located scan, cut for one network.

    points : int64 (m, 3), grid cells of the bright voxels
    windows : all of them, whether they matter or not
    """

    def __init__(self, located: Located, network: Network) -> None:
        """Cut; raise `FieldError` where the scan or what is bright in it does not fit."""
        taken = network.input
        self.network = network
        self.grid: InputGrid = input_grid(located.place.frame, taken)
        self.points: Ints = grid_points(located.place.frame, self.grid, taken, located.bright)
        low, high = np.array(located.place.heart[::2]), np.array(located.place.heart[1::2]) - 1
        middle = ((low + high) // 2)[None]
        heart = grid_points(located.place.frame, self.grid, taken, middle)[0].astype(np.float64)
        self.windows: list[Window] = make_windows(self.grid, network, heart)
        self.scale = normaliser(self.grid, taken)
        seen = np.zeros(len(self.points), dtype=bool)
        for window in self.windows:
            seen |= inside(window, self.points)
        if not seen.all():
            raise FieldError(
                "bright voxels near the heart lie outside the network's field: "
                f"{int((~seen).sum())} of {len(seen)}"
            )

    def array(self, window: Window) -> Floats:
        """Input of one window, (channels, y, x) or (1, z, y, x)."""
        values = window_input(self.grid, window, self.network.input, self.scale)
        return values if self.network.kind == "slice" else values[None]


def that_matter(windows: list[Window], points: Ints) -> list[Window]:
    """Windows with a voxel that may count; no other can change a score."""
    return [window for window in windows if inside(window, points).any()]


def ask(session: ort.InferenceSession, scan: Scan, windows: list[Window]) -> Floats:
    """Run the windows; return what the network gives at each point, float32 (m, labels)."""
    network, points = scan.network, scan.points
    _, given = input_names(session, network)
    weight = weights(network)
    sums = np.zeros((len(points), len(network.output.labels)), dtype=np.float32)
    total = np.zeros(len(points), dtype=np.float32)
    for start in range(0, len(windows), network.batch):
        group = windows[start : start + network.batch]
        for window, answer in zip(group, run_windows(session, scan, group, given), strict=True):
            here = np.flatnonzero(inside(window, points))
            at = tuple((points[here] - np.array(window.answers)).T)
            sums[here] += answer[:, *at].T * weight[at][:, None]
            total[here] += weight[at]
    return np.asarray(sums / np.maximum(total, 1e-12)[:, None], dtype=np.float32)


def run_windows(
    session: ort.InferenceSession, scan: Scan, group: list[Window], given: str
) -> Floats:
    """Run up to a batch of windows; float32 (windows, labels, z, y, x).

    Raises
    ------
    UnusableOutputError
        Another shape, or numbers that are not finite.
    """
    network = scan.network
    space = "yx" if network.kind == "slice" else "zyx"
    taken, _ = input_names(session, network)
    stack = np.stack([scan.array(window) for window in group])
    n = len(group)
    fixed = session.get_inputs()[0].shape[network.input.layout.index("n")]
    if isinstance(fixed, int) and fixed > n:  # the file fixes the batch: fill it up
        stack = stack[np.minimum(np.arange(fixed), n - 1)]
    feed = _laid_out(stack, f"nc{space}", network.input.layout)
    if network.input.layout[0] == network.output_layout[0] == "n":  # rows in, rows out
        raw = run_in_batches(session, given, {taken: feed}, len(stack))
    else:
        raw = np.asarray(session.run([given], {taken: feed})[0], dtype=np.float32)
    sizes = dict(zip(space, network.input.field, strict=True))
    sizes |= {"n": len(stack), "c": len(network.output.labels)}
    wanted = tuple(sizes[letter] for letter in network.output_layout)
    if raw.shape != wanted:
        raise UnusableOutputError(f"the output is {raw.shape}, the manifest says {wanted}")
    if not np.isfinite(raw).all():
        raise UnusableOutputError("the output holds NaN or infinite numbers")
    answer = _canonical(raw, network.output_layout, f"nc{space}")[:n]
    return answer[:, :, None] if network.kind == "slice" else answer


def _laid_out(array: Floats, ours: str, theirs: str) -> Floats:
    if "c" not in theirs:
        array, ours = array.squeeze(ours.index("c")), ours.replace("c", "")
    return np.ascontiguousarray(array.transpose([ours.index(letter) for letter in theirs]))


def _canonical(array: Floats, theirs: str, ours: str) -> Floats:
    if "c" not in theirs:
        array, theirs = array[..., None], f"{theirs}c"
    return array.transpose([theirs.index(letter) for letter in ours])


def _name_vessels(located: Located, label: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give each connected unnamed coronary thing the artery whose heatmap is highest on it."""
    which = np.flatnonzero(label == UNNAMED)
    if len(which) == 0:
        return label
    voxels = located.bright[which]
    part, n = _parts(voxels)
    frame, grid = located.place.frame, located.place.grid
    slices, rows, columns = frame.hu.shape
    cells = cells_of_box(frame, grid, (0, slices, 0, rows, 0, columns))
    cell = tuple(cells[k][voxels[:, k]] for k in range(3))
    heat = [
        np.bincount(part, located.place.anatomy.maps[channel][cell], minlength=n)
        for channel in VESSEL_CHANNELS
    ]
    named = label.copy()
    named[which] = VESSELS[np.stack(heat).argmax(0)][part]
    return named


def _parts(voxels: Ints) -> tuple[Ints, int]:
    """Tell of each voxel which connected thing it is of, 0..n-1; and n."""
    corner = voxels.min(0)
    box = np.zeros(voxels.max(0) - corner + 1, dtype=bool)
    at = tuple((voxels - corner).T)
    box[at] = True
    parts, n = ndimage.label(box, structure=np.ones((3, 3, 3), dtype=np.int8))
    return parts[at].astype(np.int64) - 1, int(n)


def _labelled(
    located: Located,
    network: Network,
    identity: ModelIdentity,
    answers: tuple[NDArray[np.uint8], Floats, Floats],
) -> Labelled:
    """Gather the labelled voxels and, to be explained, the larger things that are nothing."""
    label, probability, p = answers
    owner = _things(located, label)
    s, r, c = located.bright.T
    is_seed = located.place.frame.hu[s, r, c] >= SEED_HU
    is_large = np.zeros(len(owner), dtype=bool)
    is_large[is_seed] = can_score(located.place.frame, s[is_seed], owner[is_seed])
    kept = np.flatnonzero((label != Label.NONE) | is_large)
    flat = located.place.frame.flat_index(s[kept], r[kept], c[kept])
    order = np.argsort(flat)
    kept = kept[order]
    _, owner = np.unique(owner[kept], return_inverse=True)
    n = int(owner.max(initial=-1)) + 1
    columns = np.column_stack([p, coronary_of(p, network.output)])[kept]
    sums = np.stack([np.bincount(owner, column, n) for column in columns.T], axis=1)
    means = in_shares(sums / np.maximum(np.bincount(owner, minlength=n), 1)[:, None])
    return Labelled(
        index=flat[order],
        label=label[kept],
        probability=probability[kept],
        heart_box=located.place.frame.volume_box(located.place.heart),
        is_heart_cut=located.place.anatomy.is_cut,
        blood_pool=located.place.blood,
        model=identity,
        things=Things(
            owner=owner.astype(np.int32),
            names=tuple(name.lower() for name in network.output.labels),
            shares=means[:, :-1],
            coronary=means[:, -1],
            counts_from=network.output.threshold,
        ),
    )


def _things(located: Located, label: NDArray[np.uint8]) -> Ints:
    """Give each bright voxel the number, 0..n-1, of its connected thing of one label."""
    owner = np.zeros(len(label), dtype=np.int64)
    n = 0
    for one in np.unique(label):
        mine = np.flatnonzero(label == one)
        part, count = _parts(located.bright[mine])
        owner[mine] = n + part
        n += count
    return owner
