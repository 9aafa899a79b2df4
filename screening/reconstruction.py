r"""How the images were reconstructed, as far as the header says.

Comes in: ConvolutionKernel, ReconstructionAlgorithm, the maker and its own elements as written.
Goes out: a `Reconstruction`.
Refuses: nothing; what does not say is UNKNOWN.

It matters because deep-learning reconstruction is known to lower calcium scores, and iterative
reconstruction does a little. Names are the makers' own. Siemens writes the strength of the
iteration as a second value of the kernel (`Br40d\3`); a kernel of the families I and J is
iterative by itself. A plain kernel of another maker does not tell; GE, Philips and Canon write it
in elements of their own (`MAKERS_ELEMENTS`, as pydicom's private dictionary names them).
"""

import re
from dataclasses import dataclass
from enum import StrEnum

_DEEP = re.compile(r"AICE|PIQE|TRUE ?FIDELITY|DLIR|PRECISE ?IMAGE|DEEP[ _-]?(?:LEARNING|RECON)")
_ITERATIVE = re.compile(r"ITERATIVE|A-?SIR|AIDR|IDOSE|\bIMR\b|SAFIRE|ADMIRE|\bVEO\b|\bKARL\b")
_BACK_PROJECTION = re.compile(r"FILTER_BACK_PROJ|\bFBP\b")
_SIEMENS_KERNEL = re.compile(r"^[A-Z][A-Z]?\d{2}[A-Z]?$")
_STRENGTH = re.compile(r"^[1-5]$")
_OFF = re.compile(r"^(?:|NONE|OFF|NO|N/?A|FBP|(?:SS|VS|AR)?0*(?:\.0*)? ?%?)$")
_ANY_VALUE_IS_ITERATIVE = "ITERATIVE"


@dataclass(frozen=True, slots=True)
class MakersElement:
    """An element of a maker that tells the reconstruction; only valid where its creator stands.

    needs_name : only the names above tell; else any value but "off" means iterative
    """

    creator_tag: int
    creator: str
    tag: int
    needs_name: bool


MAKERS_ELEMENTS = (
    # GE: annotation and configuration of ASiR, ASiR-V, Veo and TrueFidelity.
    MakersElement(0x00530010, "GEHC_CT_ADVAPP_001", 0x00531040, needs_name=False),
    MakersElement(0x00530010, "GEHC_CT_ADVAPP_001", 0x00531042, needs_name=False),
    # Philips: iDose level, 1 to 7.
    MakersElement(0x01F70010, "ELSCINT1", 0x01F7109B, needs_name=False),
    # Canon: filter, which is the name of AIDR 3D and AiCE among plain ones.
    MakersElement(0x70050010, "TOSHIBA_MEC_CT3", 0x7005100B, needs_name=True),
)


class Reconstruction(StrEnum):
    """The kinds that are told apart."""

    BACK_PROJECTION = "fbp"
    ITERATIVE = "iterative"
    DEEP_LEARNING = "deep_learning"
    UNKNOWN = "unknown"


def makers_words(values: list[tuple[str, str]]) -> str:
    """Say what the makers' own elements say of the reconstruction, in words `reconstruction` knows.

    Parameters
    ----------
    values : of each of `MAKERS_ELEMENTS` the creator and the value as written
    """
    words = []
    for element, (creator, value) in zip(MAKERS_ELEMENTS, values, strict=True):
        if creator.strip() != element.creator or _OFF.match(value.strip().upper()):
            continue
        words.append(value if element.needs_name else f"{value} {_ANY_VALUE_IS_ITERATIVE}")
    return " ".join(words)


def reconstruction(
    kernel: str, algorithm: str, manufacturer: str, makers: str = ""
) -> Reconstruction:
    """Read the kind of reconstruction from what the header says.

    Parameters
    ----------
    kernel, algorithm, manufacturer : as written
    makers : of `makers_words`
    """
    said = f"{kernel} {algorithm} {makers}".upper()
    siemens = _of_siemens_kernel(kernel) if "SIEMENS" in manufacturer.upper() else None
    if _DEEP.search(said):
        return Reconstruction.DEEP_LEARNING
    # The kernel's word before the algorithm's: an iterative image begins as a back projection, and
    # headers name that.
    if _ITERATIVE.search(said) or siemens is Reconstruction.ITERATIVE:
        return Reconstruction.ITERATIVE
    if _BACK_PROJECTION.search(said):
        return Reconstruction.BACK_PROJECTION
    return siemens or Reconstruction.UNKNOWN


def _of_siemens_kernel(kernel: str) -> Reconstruction | None:
    """Read what a kernel of Siemens tells; None where it is written otherwise."""
    name, *rest = [part.strip().upper() for part in re.split(r"[\\/]", kernel)]
    if not _SIEMENS_KERNEL.match(name):
        return None
    is_iterative = name[0] in "IJ" or any(_STRENGTH.match(part) for part in rest)
    return Reconstruction.ITERATIVE if is_iterative else Reconstruction.BACK_PROJECTION
