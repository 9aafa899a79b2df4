"""The measures of each artery, and of each place outside the coronaries.

Comes in: calcium voxels with their labels, the lesions.
Goes out: Agatston units, volume, mass of each label; lesions and density of each artery.
Refuses: nothing.
"""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from screening.measures import OtherMeasures, VesselMeasures
from screening.records import (
    CORONARY_LABELS,
    Label,
    Lesion,
    ScoringParameters,
)
from screening.scoring.measure import Calcium
from screening.scoring.parameters import OTHER_LABELS


class Places:
    """Sums over the voxels of each label."""

    def __init__(self, calcium: Calcium, label: NDArray[np.uint8]) -> None:
        def of_label(values: NDArray[np.float64]) -> list[float]:
            sums: list[float] = np.bincount(label, weights=values, minlength=len(Label)).tolist()
            return sums

        self._agatston = of_label(calcium.agatston)
        self._volume_mm3 = of_label(calcium.volume_mm3)
        self._mass_mg = of_label(calcium.mass_mg)
        self._counted_mm3 = of_label(calcium.volume_mm3 * (calcium.agatston > 0))

    def agatston(self, label: Label) -> float:
        """Agatston units of one label."""
        return self._agatston[label]

    def vessels(
        self, lesions: tuple[Lesion, ...], parameters: ScoringParameters
    ) -> tuple[VesselMeasures, ...]:
        """Return what each coronary artery holds.

        Parameters
        ----------
        lesions : coronary
        parameters : of the score; the density is units over area, hence its reference increment
        """
        n_lesions = Counter(lesion.label for lesion in lesions)
        return tuple(
            VesselMeasures(
                label=v.name,
                agatston=self._agatston[v],
                volume_mm3=self._volume_mm3[v],
                mass_mg=self._mass_mg[v],
                n_lesions=n_lesions[v.name],
                density=(
                    self._agatston[v] * parameters.reference_increment_mm / self._counted_mm3[v]
                    if self._counted_mm3[v]
                    else None
                ),
            )
            for v in CORONARY_LABELS
        )

    def others(self) -> tuple[OtherMeasures, ...]:
        """Return what each place outside the coronaries holds."""
        return tuple(
            OtherMeasures(o.name.lower(), self._agatston[o], self._volume_mm3[o], self._mass_mg[o])
            for o in OTHER_LABELS
        )
