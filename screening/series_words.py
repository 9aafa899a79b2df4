"""What the words around a series say: its own, its protocol's, its study's and its scanner's.

Comes in: the distinct texts of a series' headers, which may carry names.
Goes out: `SeriesWords`, terms of the closed vocabulary.
Refuses: nothing; unknown words are dropped.

Who says it matters. A series' own description tells how its images were made; a study's name tells
what was ordered, and is shared by everything in it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from screening.vocabulary import terms_of

# ManufacturerModelName, as the makers call what they sell: cone-beam machines and C-arms, and
# PET/CT scanners.
_CONE_BEAM_MODEL = re.compile(
    r"\b(?:on[- ]?board[- ]?imag\w*|obi|o[- ]?arm\w*|xvi|cbct|artis|allura|azurion|innova|alphenix|"
    r"infinix|newtom|i-?cat|truebeam|halcyon|ethos|clinac|cios|ziehm|arcadis|loop-?x)\b",
    re.IGNORECASE,
)
_PET_MODEL = re.compile(
    r"biograph|gemini|vereos|celesteion|cartesion|ingenuity tf|omni legend|\bumi\b|\bpet|"
    r"discovery (?:ls|ste?|vct|rx|mi|iq|6[0-9]0|710)\b",
    re.IGNORECASE,
)
# Own words by which the CT of a PET/CT study is more than a map of attenuation: read, with
# the breath held, or with contrast agent.
_MADE_TO_BE_READ = frozenset({"diagnostic", "inspiratory", "contrast"})
# Where the scanner alone speaks for PET, any word for a chest or a heart says that it was used as
# a CT. In a PET/CT study such a word may stand at a reconstruction of the attenuation scan.
_MADE_OF_A_CHEST = frozenset({"chest", "lung", "lung_screening", "heart", "calcium_score"})


@dataclass(frozen=True, slots=True)
class SeriesWords:
    """Sorted terms, each once.

    everything : of all descriptions, of the scanner's model, and `attenuation` where they say PET
    own : of the series' own description, and `cone_beam` where the scanner is one
    protocol : of ProtocolName
    """

    everything: tuple[str, ...]
    own: tuple[str, ...]
    protocol: tuple[str, ...]


def series_words(
    descriptions: Iterable[str],
    own_descriptions: Iterable[str],
    protocols: Iterable[str],
    models: Iterable[str],
) -> SeriesWords:
    """Recognise the words of one series.

    Parameters
    ----------
    descriptions : study, series and protocol texts, joined
    own_descriptions : SeriesDescription
    protocols : ProtocolName
    models : ManufacturerModelName
    """
    own, protocol, everything = map(_terms, (own_descriptions, protocols, descriptions))
    scanners = [model.replace("_", " ") for model in models]
    if any(_CONE_BEAM_MODEL.search(model) for model in scanners):
        own.add("cone_beam")
    is_pet_scanner = any(_PET_MODEL.search(model) for model in scanners)
    is_pet = "pet" in everything or (is_pet_scanner and not everything & _MADE_OF_A_CHEST)
    if is_pet and not own & _MADE_TO_BE_READ:
        everything.add("attenuation")
    everything |= own | protocol
    return SeriesWords(*(tuple(sorted(found)) for found in (everything, own, protocol)))


def _terms(texts: Iterable[str]) -> set[str]:
    return {term for text in texts for term in terms_of(text)}
