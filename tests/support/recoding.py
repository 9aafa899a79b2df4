"""Files in other transfer syntaxes, written by gdcm.

Comes in: a file's bytes and gdcm's name of a syntax. Goes out: the file's bytes.
Refuses: what gdcm cannot write.
"""

import tempfile
from pathlib import Path

import gdcm


def recoded(data: bytes, syntax: str) -> bytes:
    """Let gdcm write a file in another transfer syntax."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "source"), Path(folder, "target")
        source.write_bytes(data)
        reader = gdcm.ImageReader()
        reader.SetFileName(str(source))
        assert reader.Read()
        change = gdcm.ImageChangeTransferSyntax()
        change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, syntax)))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer = gdcm.ImageWriter()
        writer.SetFileName(str(target))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        assert writer.Write()
        return target.read_bytes()
