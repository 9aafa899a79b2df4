"""What opens an archive: from the environment, each time it is needed, and kept nowhere.

Comes in: the environment, and the site's certificate files.
Goes out: `Credentials`, whose repr tells nothing; a TLS context.
Refuses: both a password and a token; half of a user and a password; files that are no PEM.
"""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

from screening.config import ArchiveSettings
from screening.errors import ScreeningError

USER, PASSWORD, TOKEN = (
    "SCREENING_ARCHIVE_USER",
    "SCREENING_ARCHIVE_PASSWORD",
    "SCREENING_ARCHIVE_TOKEN",
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user with a password, or a bearer token, or neither (all empty)."""

    user: str = field(repr=False)
    password: str = field(repr=False)
    token: str = field(repr=False)

    @property
    def is_given(self) -> bool:
        """Whether there is anything to send."""
        return bool(self.user or self.token)


def from_environment(environ: Mapping[str, str] | None = None) -> Credentials:
    """Read the credentials of the archive."""
    where = os.environ if environ is None else environ
    user, password, token = (where.get(name, "") for name in (USER, PASSWORD, TOKEN))
    if token and (user or password):
        raise ScreeningError(f"both {TOKEN} and {USER} are set; set one of them")
    if bool(user) != bool(password):
        raise ScreeningError(f"of {USER} and {PASSWORD} only one is set; set both")
    return Credentials(user, password, token)


def tls_context(limits: ArchiveSettings) -> ssl.SSLContext:
    """Trust the site's authority, else those Python trusts; show its certificate, if any."""
    try:
        context = ssl.create_default_context(cafile=limits.ca_file or None)
        if limits.certificate_file:
            context.load_cert_chain(limits.certificate_file, limits.key_file or None)
    except (OSError, ssl.SSLError):
        raise ScreeningError(
            "archive: ca_file, certificate_file or key_file of [archive] is no readable PEM file"
        ) from None
    return context
