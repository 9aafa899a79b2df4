"""Settings, read once.

Comes in: an optional TOML file and the environment (secrets only).
Goes out: a frozen `Settings`.
Refuses: unknown keys, values out of range.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from screening.errors import ScreeningError

Providers = Literal["cpu", "cuda", "auto"]
SECRET_VARIABLE = "SCREENING_SECRET"  # noqa: S105 - a name, not a secret


class Settings(BaseModel):
    """What a site may set in `screening.toml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    default_issuer: str = ""
    model: str = "default"
    # cpu: the same bits every night. cuda: must load, or nothing starts. auto: where it loads.
    providers: Providers = "cpu"
    workers: int = Field(default=0, ge=0, le=1024)  # 0: one for each core of the affinity mask
    worker_memory_gb: float = Field(default=4.0, gt=0)
    dashboard: bool = False
    commit_rows: int = Field(default=50, ge=1)
    commit_seconds: float = Field(default=30.0, gt=0)
    max_attempts: int = Field(default=2, ge=1, le=10)
    scan_timeout_seconds: float = Field(default=300.0, gt=0)
    rescore: Literal["never", "new_only", "all"] = "new_only"


def read_settings(file: Path | None) -> Settings:
    """Read `file`, or the defaults without one."""
    if file is None:
        return Settings()
    try:
        return Settings.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise ScreeningError(f"settings {file}: {error.strerror}; give a readable file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScreeningError(f"settings {file}: not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(p) for p in first["loc"])
        if first["type"] == "extra_forbidden":
            known = ", ".join(Settings.model_fields)
            raise ScreeningError(
                f"settings {file}: unknown setting {where}; known: {known}"
            ) from error
        raise ScreeningError(f"settings {file}: {where}: {first['msg']}") from error


def secret_from(environ: Mapping[str, str]) -> bytes | None:
    """Return the lake's secret from the environment, None where it is not set."""
    value = environ.get(SECRET_VARIABLE, "")
    if value and len(value) < 16:
        raise ScreeningError(f"{SECRET_VARIABLE} is shorter than 16 characters; use a longer one")
    return value.encode() or None
