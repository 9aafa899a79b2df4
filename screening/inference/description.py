"""What a network that a site brings says of itself.

Comes in: the JSON that its owner writes (`Description`), or the manifest of an imported one.
Goes out: frozen, checked settings of how to feed the network and how to read it.
Refuses: settings that contradict each other or that no scan could meet.

Axes are always named z, y, x (slices, rows, columns), whatever order the network's arrays have.
"""

from hashlib import sha256
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from screening.records import CORONARY_LABELS, Label

BROUGHT_FORMAT: Literal[2] = 2
NETWORK_FILE, CARD_FILE = "network.onnx", "card.md"
CORONARY = "CORONARY"  # a label of its own: coronary, the artery not told
LOWEST_HU = 90  # dimmer voxels are no part of any score (scoring: LOWEST_LABELLED_HU)
_VESSELS = tuple(label.name for label in CORONARY_LABELS)
_LABELS = (CORONARY, *(label.name for label in Label))
_ALONG = ("SI", "AP", "LR")  # the two ways each of z, y, x can grow
LEAST_DIVISOR = 1e-6
_Number = Annotated[float, Field(ge=-1e6, le=1e6)]  # beyond, float32 loses the HU


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Normalisation(_Frozen):
    """How windowed HU become input values.

    by : `none`; `constants`, (HU - subtract) / divide; `scan`, by the mean and standard
        deviation of the whole windowed scan
    """

    by: Literal["none", "constants", "scan"] = "none"
    subtract: _Number = 0.0
    divide: _Number = 1.0

    @model_validator(mode="after")
    def _check(self) -> "Normalisation":
        if abs(self.divide) < LEAST_DIVISOR:
            raise ValueError("normalisation: divide must not be 0, nor nearly")
        if self.by != "constants" and (self.subtract, self.divide) != (0.0, 1.0):
            raise ValueError("normalisation: subtract and divide go with by = constants")
        return self


class NetworkInput(_Frozen):
    """How a scan becomes the network's input.

    name : of the ONNX input; None: the only one
    layout : order of the array's axes, n (batch), c (channel), z, y, x; without z for a
        slice-wise network; c may be left out where there is one channel
    field : voxels (z, y, x) the network takes at once, (y, x) of a slice-wise one
    neighbours : slices to each side that a slice-wise network is given as channels, in the
        order of z; at the stack's ends the end slice is repeated
    spacing_mm : like `field`; None: the scan's own voxels, untouched
    orientation : three letters, the way z, y and x grow: S or I, A or P, L or R. IPL is how
        scanners store axial slices, head to feet
    fit : `crop_or_pad`, or `stretch` the scan to the field (of one slice, or the whole)
    centre : of crop and padding: of the `image`, or of the located `heart`
    pad_hu : what surrounds a scan smaller than the field; None: such a scan is refused
    window_hu : (lowest, highest) HU, clipped to; None: no window
    """

    name: str | None = None
    layout: str
    field: tuple[int, ...]
    neighbours: int = Field(default=0, ge=0, le=32)
    spacing_mm: tuple[float, ...] | None = None
    orientation: str = "IPL"
    fit: Literal["crop_or_pad", "stretch"] = "crop_or_pad"
    centre: Literal["image", "heart"] = "image"
    pad_hu: _Number | None = None
    window_hu: tuple[_Number, _Number] | None = None
    normalisation: Normalisation = Normalisation()

    @model_validator(mode="after")
    def _check(self) -> "NetworkInput":
        letters = self.orientation
        if len(letters) != 3 or any(a not in b for a, b in zip(letters, _ALONG, strict=True)):
            raise ValueError("orientation: three letters: S or I, then A or P, then L or R")
        if min(self.field) < 1 or max(self.field) > 4096:
            raise ValueError("field: 1 to 4096 voxels along each axis")
        if self.spacing_mm is not None:
            if len(self.spacing_mm) != len(self.field):
                raise ValueError("spacing_mm: as many numbers as field")
            if not all(0.05 <= step <= 50 for step in self.spacing_mm):
                raise ValueError("spacing_mm: 0.05 to 50 mm")
            if self.fit == "stretch":
                raise ValueError("fit: stretch sets the spacing; leave spacing_mm out")
        if self.window_hu is not None and self.window_hu[0] >= self.window_hu[1]:
            raise ValueError("window_hu: the lowest value comes first")
        return self

    @property
    def channels(self) -> int:
        """Input channels: a slice and its neighbours."""
        return 1 + 2 * self.neighbours


class NetworkOutput(_Frozen):
    """How the network's output becomes labels.

    name : of the ONNX output; None: the only one
    layout : as the input's; None: the same
    values : `logits` or `probabilities`
    classes : `sigmoid`, each channel for itself, or `softmax`, one of all
    labels : one a channel: CORONARY (artery not told) or LM, LAD, LCX, RCA; NONE; others
    threshold : least probability of being coronary (of another label: its own); None, with
        softmax: the likeliest class
    count_from_hu : dimmer voxels never count, whatever the network says; None: the network
        decides down to 90 HU, and each scoring convention has its own threshold after that
    """

    name: str | None = None
    layout: str | None = None
    values: Literal["logits", "probabilities"]
    classes: Literal["sigmoid", "softmax"]
    labels: tuple[str, ...]
    threshold: float | None = Field(gt=0, lt=1)
    count_from_hu: int | None = Field(ge=LOWEST_HU, le=1000)

    @model_validator(mode="after")
    def _check(self) -> "NetworkOutput":
        unknown = [name for name in self.labels if name not in _LABELS]
        if unknown:
            raise ValueError(f"labels: {unknown[0]} is unknown; known: {', '.join(_LABELS)}")
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("labels: each once")
        named = set(_VESSELS) & set(self.labels)
        if (CORONARY in self.labels) == bool(named):
            raise ValueError("labels: either CORONARY, or arteries by name")
        if self.classes == "softmax" and Label.NONE.name not in self.labels:
            raise ValueError("labels: softmax needs a channel for NONE")
        if self.classes == "sigmoid" and self.threshold is None:
            raise ValueError("threshold: needed with sigmoid")
        return self


class Network(_Frozen):
    """One network: how it sees a scan, what it takes, what it gives.

    kind : `slice` (2-D, slice by slice), `patch` (3-D, a window that slides) or `volume`
        (the whole scan at once)
    overlap : of neighbouring patches, part of their length
    blend : patches that overlap are averaged, evenly (`constant`) or by a `gaussian` of an
        eighth of the patch; averaged is what the network gives, before sigmoid or softmax
    batch : slices or patches a call; 1 where the file fixes it
    """

    kind: Literal["slice", "patch", "volume"]
    input: NetworkInput
    output: NetworkOutput
    overlap: float | None = Field(default=None, ge=0, le=0.9)
    blend: Literal["constant", "gaussian"] = "constant"
    batch: int = Field(default=1, ge=1, le=256)

    @model_validator(mode="after")
    def _check(self) -> "Network":
        space = "yx" if self.kind == "slice" else "zyx"
        if len(self.input.field) != len(space):
            raise ValueError(f"input.field: {len(space)} numbers ({', '.join(space)})")
        _check_layout("input.layout", self.input.layout, space, self.input.channels)
        _check_layout("output.layout", self.output_layout, space, len(self.output.labels))
        if self.kind != "slice" and self.input.neighbours:
            raise ValueError("input.neighbours: goes with kind = slice")
        if (self.overlap is None) == (self.kind == "patch"):
            raise ValueError("overlap: goes with kind = patch, which needs it")
        if self.kind != "patch" and self.blend != "constant":
            raise ValueError("blend: goes with kind = patch")
        if self.kind == "patch" and (self.input.fit, self.input.centre) != ("crop_or_pad", "image"):
            raise ValueError("input.fit, input.centre: do not go with kind = patch")
        return self

    @property
    def output_layout(self) -> str:
        """Order of the output's axes."""
        return self.input.layout if self.output.layout is None else self.output.layout

    @property
    def lowest_hu(self) -> int:
        """HU below which no voxel counts."""
        return LOWEST_HU if self.output.count_from_hu is None else self.output.count_from_hu


def _check_layout(where: str, layout: str, space: str, channels: int) -> None:
    wanted = {"n", "c", *space}
    optional = {"c"} if channels == 1 else set()
    if len(set(layout)) != len(layout) or not wanted - optional <= set(layout) <= wanted:
        raise ValueError(f"{where}: n, c, {', '.join(space)} in the network's order")


class Description(_Frozen):
    """What the owner of a network says of it.

    trained_on, terms, source : in words: on what it was trained, under which licence it may
        be used, and where each setting of `network` was read
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    version: str = Field(min_length=1, max_length=64)
    summary: str
    trained_on: str
    terms: str
    source: str
    network: Network


class ModelFile(_Frozen):
    """One file of a model and its digest; the name stays within the folder, and on one line."""

    name: str = Field(pattern=r"^[^./\\\pC][^/\\\pC]*$")
    sha256: str
    n_bytes: int


class BroughtManifest(Description):
    """The manifest of an imported network."""

    format_version: Literal[2] = BROUGHT_FORMAT
    files: tuple[ModelFile, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """One a channel."""
        return self.network.output.labels

    @property
    def digest(self) -> str:
        """SHA-256 over the files and every setting of the network; words do not count."""
        lines = sorted(f"{f.name}:{f.sha256}" for f in self.files)
        return sha256("\n".join([*lines, self.network.model_dump_json()]).encode()).hexdigest()
