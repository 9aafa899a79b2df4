"""Fixed input, stored numbers: a change of results must raise SCORING_VERSION."""

import numpy as np
import pytest

from screening.records import ScoringParameters
from screening.scoring import SCORING_VERSION, score

# version -> agatston, volume_mm3, mass_mg, LM, LAD, LCX, RCA, aorta, lesions, and what stands
# beside: isotropic volume, integrated mass, at thresholds for 110 kVp, density, 95 % interval,
# probability of the category
GOLDEN = {
    15: (
        *(1260.312, 1144.44, 211.29800727272732),
        *(225.624, 432.48, 298.248, 303.96),
        *(266.016, 10),
        *(1155.456, 236.15029662802036),
        *(1157.904, 3.30374331550802),
        *(709.7129668030401, 1810.9110331969596, 0.8229453505873836),
    )
}


def ellipsoids():
    """A dozen smooth deposits by formula, so that no random generator can change them."""
    k, i, j = np.mgrid[0:12, 0:48, 0:48].astype(float)
    hu, labels = np.full(k.shape, 40.0), np.zeros(k.shape)
    for n in range(12):
        centre = (1 + n % 10, 6 + (n * 17) % 37, 5 + (n * 23) % 38)
        size = (0.8 + 0.2 * (n % 4), 1.2 + 0.5 * (n % 5), 1.0 + 0.7 * (n % 3))
        r = sum(((a - c) / s) ** 2 for a, c, s in zip((k, i, j), centre, size, strict=True))
        hu = np.maximum(hu, 40 + (150 + 60 * n) * np.exp(-0.5 * r))
        labels[r < 9] = 1 + n % 5
    return np.rint(hu), labels


def test_golden_numbers(scan):
    made = scan(*ellipsoids(), spacing_mm=(0.68, 0.72), increment_mm=2.5, kvp=110.0)
    result = score(made.volume, made.labelled)
    vessels, beside, sure = result.vessels, result.beside, result.certainty
    found = (
        *(result.agatston, result.volume_mm3, result.mass_mg),
        *(vessels.LM, vessels.LAD, vessels.LCX, vessels.RCA),
        *(dict(result.other)["aorta"], len(result.lesions)),
        *(beside.volume_isotropic_mm3, beside.mass_integrated_mg),
        *(beside.agatston_kvp, beside.density),
        *(sure.low, sure.high, sure.category_probability),
    )
    assert found == pytest.approx(GOLDEN[SCORING_VERSION], rel=1e-9), (
        "results changed: raise SCORING_VERSION and ScoringParameters.scoring_version, "
        "then store the new numbers under the new version"
    )
    assert max(GOLDEN) == SCORING_VERSION == ScoringParameters().scoring_version
