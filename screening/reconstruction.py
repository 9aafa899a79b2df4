r"""How the images were reconstructed, as far as the header says.

Comes in: ConvolutionKernel, ReconstructionAlgorithm and the maker as written.
Goes out: a `Reconstruction`.
Refuses: nothing; what does not say is UNKNOWN.

It matters because deep-learning reconstruction is known to lower calcium scores, and iterative
reconstruction does a little. Names are the makers' own. Siemens writes the strength of the
iteration as a second value of the kernel (`Br40d\3`); a kernel of the families I and J is
iterative by itself. A plain kernel of another maker does not tell.
"""

import re
from enum import StrEnum

_DEEP = re.compile(r"AICE|PIQE|TRUE ?FIDELITY|DLIR|PRECISE ?IMAGE|DEEP ?(?:LEARNING|RECON)")
_ITERATIVE = re.compile(r"ITERATIVE|A-?SIR|AIDR|IDOSE|\bIMR\b|SAFIRE|ADMIRE|\bVEO\b|\bKARL\b")
_BACK_PROJECTION = re.compile(r"FILTER_BACK_PROJ|\bFBP\b")
_SIEMENS_KERNEL = re.compile(r"^[A-Z][A-Z]?\d{2}[A-Z]?$")
_STRENGTH = re.compile(r"^[1-5]$")


class Reconstruction(StrEnum):
    """The kinds that are told apart."""

    BACK_PROJECTION = "fbp"
    ITERATIVE = "iterative"
    DEEP_LEARNING = "deep_learning"
    UNKNOWN = "unknown"


def reconstruction(kernel: str, algorithm: str, manufacturer: str) -> Reconstruction:
    """Read the kind of reconstruction from what the header says."""
    said = f"{kernel} {algorithm}".upper()
    for pattern, kind in (
        (_DEEP, Reconstruction.DEEP_LEARNING),
        (_ITERATIVE, Reconstruction.ITERATIVE),
        (_BACK_PROJECTION, Reconstruction.BACK_PROJECTION),
    ):
        if pattern.search(said):
            return kind
    name, *rest = [part.strip().upper() for part in re.split(r"[\\/]", kernel)]
    if "SIEMENS" not in manufacturer.upper() or not _SIEMENS_KERNEL.match(name):
        return Reconstruction.UNKNOWN
    is_iterative = name[0] in "IJ" or any(_STRENGTH.match(part) for part in rest)
    return Reconstruction.ITERATIVE if is_iterative else Reconstruction.BACK_PROJECTION
