"""Keeping identity out of what is written.

Comes in: raw values. Goes out: keyed digests and text that is safe to log.
Refuses: nothing; what it cannot judge it leaves out.
"""

import hmac
import re
from hashlib import sha256

_SAFE_TEXT = re.compile(r"[^A-Za-z0-9 ._:,;=<>%()\[\]+/-]")
_UID = re.compile(r"\b\d+(?:\.\d+){3,}\b")


def keyed_digest(secret: bytes, *parts: str) -> str:
    """HMAC-SHA256 over the parts, hex, unambiguous between part boundaries."""
    message = b"".join(len(p.encode()).to_bytes(4, "big") + p.encode() for p in parts)
    return hmac.new(secret, message, sha256).hexdigest()


def safe_detail(error: BaseException) -> str:
    """Name an error by type only: messages of libraries may quote header values or paths."""
    return type(error).__name__


def safe_text(text: str, limit: int = 64) -> str:
    """Drop UIDs, odd characters and length from a short technical code (a kernel, a vendor)."""
    return _SAFE_TEXT.sub("", _UID.sub("", text)).strip()[:limit]
