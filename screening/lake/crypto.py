"""The lake's keys and the two things done with them: seal and look up.

Comes in: the site's secret, bytes to protect.
Goes out: a random data key wrapped by the secret, keys derived from it for one purpose each,
sealed bytes, keyed digests.
Refuses: a wrong secret, sealed bytes that were changed or moved (`ScreeningError`).

The secret never encrypts data itself. It wraps a random data key, so that it can be
changed by wrapping again, without touching a table, the vault or a picture.
"""

import base64
import hmac
import secrets
from dataclasses import dataclass, fields
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from screening.errors import ScreeningError

KEY_BYTES = 32
NONCE_BYTES = 12  # the length AES-GCM is defined for
SALT_BYTES = 16
RANDOM_KEY_BYTES = 12  # 96 random bits: 16 characters
# A secret may be typed by a person: scrypt (RFC 7914) makes guessing it slow (about 50 ms each).
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 2**14, 8, 1
_WRAP_CONTEXT = b"screening lake data key"


@dataclass(frozen=True, slots=True)
class Keys:
    """One key a purpose, all derived from the data key; never shown by `repr`."""

    lookup: bytes
    vault: bytes
    index: bytes
    pictures: bytes
    seen: bytes
    digests: bytes
    research: bytes

    def __repr__(self) -> str:
        return "Keys(…)"


def derive_keys(data_key: bytes) -> Keys:
    """Derive the purpose keys by HKDF-SHA256 (RFC 5869), the purpose as its info."""
    return Keys(**{f.name: _derive(data_key, f.name) for f in fields(Keys)})


def _derive(data_key: bytes, purpose: str) -> bytes:
    info = f"screening {purpose} 1".encode()
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(data_key)


def wrap(data_key: bytes, secret: bytes, salt: bytes) -> bytes:
    """Seal the data key under the site's secret."""
    return seal(_wrapping_key(secret, salt), data_key, _WRAP_CONTEXT)


def unwrap(wrapped: bytes, secret: bytes, salt: bytes) -> bytes | None:
    """Return the data key, None where the secret is not the one that wrapped it."""
    try:
        return AESGCM(_wrapping_key(secret, salt)).decrypt(
            wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _WRAP_CONTEXT
        )
    except InvalidTag:
        return None


def _wrapping_key(secret: bytes, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=KEY_BYTES, n=_SCRYPT_N, r=_SCRYPT_R, p=_SCRYPT_P).derive(secret)


def seal(key: bytes, plain: bytes, context: bytes) -> bytes:
    """Encrypt by AES-256-GCM; `context` binds the result to its place."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, context)


def unseal(key: bytes, sealed: bytes, context: bytes) -> bytes:
    """Decrypt what `seal` made for the same place.

    Raises
    ------
    ScreeningError
        Where the bytes were changed, cut off or belong to another place.
    """
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context)
    except (InvalidTag, ValueError) as error:
        raise ScreeningError(
            "encrypted data of the lake is damaged or of another lake; restore it from a backup"
        ) from error


def lookup_digest(key: bytes, *parts: str) -> bytes:
    """HMAC-SHA256 over the parts, unambiguous between part boundaries."""
    message = b"".join(len(p.encode()).to_bytes(4, "big") + p.encode() for p in parts)
    return hmac.digest(key, message, sha256)


def random_key(prefix: str) -> str:
    """Return a fresh random key such as `p_` and 16 characters; it says nothing about anyone."""
    return f"{prefix}_{secrets.token_urlsafe(RANDOM_KEY_BYTES)}"


def as_text(raw: bytes) -> str:
    """Bytes as URL-safe text without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
