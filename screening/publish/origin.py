"""What an object says of its own making: program, model, time, UIDs.

Comes in: the model, parameters and version that gave a score, and when.
Goes out: `Origin`, and from it the elements that both kinds of object share.
Refuses: nothing.
"""

from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time
from typing import TypedDict
from uuid import NAMESPACE_OID, uuid5

from highdicom import UID

from screening.header_values import OWN_MANUFACTURER
from screening.records import ModelIdentity, ScoringParameters

PROGRAM = "screening"
# Far behind a scanner's own series, so that a reading list shows the images first.
SR_SERIES, SEG_SERIES = 9701, 9702

_NAMESPACE = uuid5(NAMESPACE_OID, "screening.publish")


class Equipment(TypedDict):
    """Keyword arguments that every object of highdicom takes."""

    series_instance_uid: str
    series_number: int
    sop_instance_uid: str
    instance_number: int
    manufacturer: str
    manufacturer_model_name: str
    software_versions: str
    device_serial_number: str
    series_date: date
    series_time: time
    content_date: date
    content_time: time


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """How a report came about.

    source_series_uid : SeriesInstanceUID of the images
    source_series_number : None where it has none
    created_at : when the score was made; written as it stands, in the site's local time
    slab_mm : thickness of the averages that were scored; None where the slices themselves were
    """

    source_series_uid: str = field(repr=False)
    source_series_number: int | None
    model: ModelIdentity
    scoring: ScoringParameters
    software_version: str
    created_at: datetime
    slab_mm: float | None

    def uid(self, *what: str) -> UID:
        """Return the UID of one thing of this report: the same when it is exported again."""
        parts = (
            self.source_series_uid,
            self.model.digest,
            str(self.scoring.scoring_version),
            self.software_version,
            self.created_at.isoformat(),
            *what,
        )
        return UID(f"2.25.{uuid5(_NAMESPACE, '|'.join(parts)).int}")

    @property
    def algorithm(self) -> str:
        """Name of program and model."""
        return f"{PROGRAM}, model {self.model.name}"[:64]

    @property
    def parameters(self) -> tuple[tuple[str, str], ...]:
        """Everything the score depends on, as names and values."""
        said = {"model": self.model.digest, **asdict(self.scoring)}
        if self.slab_mm is not None:
            said["slab_mm"] = f"{self.slab_mm:g}"
        return tuple((name, str(value).replace(",", "")) for name, value in said.items())

    @property
    def of_series(self) -> str:
        """Say which series was scored, where it has a number."""
        number = self.source_series_number
        return "" if number is None else f", of series {number}"

    def equipment(self, kind: str, series_number: int) -> Equipment:
        """Return what one object says of its series, its maker and its time."""
        return {
            "series_instance_uid": self.uid(kind, "series"),
            "series_number": series_number,
            "sop_instance_uid": self.uid(kind, "instance"),
            "instance_number": 1,
            "manufacturer": OWN_MANUFACTURER,
            "manufacturer_model_name": PROGRAM,
            "software_versions": self.software_version,
            "device_serial_number": self.model.digest[:16],
            "series_date": self.created_at.date(),
            "series_time": self.created_at.time(),
            "content_date": self.created_at.date(),
            "content_time": self.created_at.time(),
        }
