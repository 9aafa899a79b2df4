"""Settings, read once.

Comes in: an optional TOML file and the environment (secrets only).
Goes out: a frozen `Settings`.
Refuses: unknown keys, values out of range.
"""

import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    ValidationError,
    field_validator,
    model_validator,
)

from screening.errors import ScreeningError

Providers = Literal["cpu", "cuda", "auto"]
POLICIES = {
    "aha_acc_2018": "2018 AHA/ACC cholesterol guideline (published 10 November 2018)",
    "esc_2021": "2021 ESC prevention guideline, by SCORE2 (published 30 August 2021)",
}
POLICIES_DISABLED = {
    "aha_acc_2026": "the text of the 2026 ACC/AHA dyslipidaemia guideline (doi "
    "10.1161/CIR.0000000000001423) was not read here; choose aha_acc_2018 or esc_2021",
}
SECRET_VARIABLE = "SCREENING_SECRET"  # noqa: S105 - a name, not a secret


class ArchiveSettings(BaseModel):
    """How an archive behind a server is asked: table `[archive]` of `screening.toml`.

    Of a folder `settle_minutes` alone is used. What opens an archive comes from the environment.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    # So that the clinical archive is never slowed; of all workers together.
    connections: int = Field(default=2, ge=1, le=64)
    requests_per_second: float = Field(default=20.0, ge=0)  # 0: no limit
    megabytes_per_second: float = Field(default=0.0, ge=0)  # 0: no limit
    timeout_seconds: float = Field(default=60.0, gt=0)  # without an answer
    # How long a server that does not answer is asked again, before its scans stay pending.
    patience_seconds: float = Field(default=30.0, ge=0)
    # Longest that one series may take to arrive, its turn awaited; then its scan stays pending.
    reading_seconds: float = Field(default=600.0, gt=0)
    # A study of which a file was written less long ago is still being sent, and waits. A server
    # tells numbers of instances instead.
    settle_minutes: float = Field(default=10.0, ge=0)  # 0: nothing waits
    # Studies are asked for by date: the newest every night, older ones in turn.
    first_date: date = date(2000, 1, 1)  # what is older is one question
    slice_days: int = Field(default=30, ge=1)
    overlap_days: int = Field(default=14, ge=0)  # before the newest study known
    older_every_nights: int = Field(default=7, ge=1)
    page: int = Field(default=500, ge=1)  # answers asked for at once
    # Of the site's own authority, as PEM; empty: those that Python trusts.
    ca_file: str = ""
    # Shown to a server that asks for one, as PEM.
    certificate_file: str = ""
    key_file: str = ""
    calling_aet: str = Field(default="SCREENING", min_length=1, max_length=16)

    @property
    def longest_read_seconds(self) -> float:
        """How long reading may take before it has given up by itself."""
        return self.reading_seconds + self.timeout_seconds + self.patience_seconds


class ClinicalSettings(BaseModel):
    """How clinical records are read, and what of them counts: `[clinical]` of `screening.toml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # A folder of the site's own code lists, each in the place of the program's of that name.
    codes: str = ""
    decimal: Literal[".", ","] = "."  # in values of CSV tables
    # Of each table, the site's name for a column of the contract.
    columns: dict[str, dict[str, str]] = {}
    # Who issues a number: FHIR's Identifier.system, or its assigner, to the scans' issuer.
    issuers: dict[str, str] = {}
    # How old a value may be on the day of the scan; of single concepts otherwise.
    value_years: float = Field(default=5.0, gt=0, le=100)
    value_years_of: dict[str, Annotated[float, Field(gt=0, le=100)]] = {}
    # How long a formal calcium score keeps its person off the list; 0: for ever.
    formal_within_years: float = Field(default=0.0, ge=0, le=100)
    ldl_goal_mg_dl: float = Field(default=70.0, gt=0)

    def numbers(self) -> dict[str, float]:
        """Return what the SQL reads, by name."""
        return {
            "value_years": self.value_years,
            **{f"value_years:{concept}": years for concept, years in self.value_years_of.items()},
            "formal_within_years": self.formal_within_years,
            "ldl_goal_mg_dl": self.ldl_goal_mg_dl,
        }


class RiskSettings(BaseModel):
    """How the clinical-variable model estimates: table `[risk]` of `screening.toml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # A model.json of `screening risk fit`; empty: the MESA equation, averaged over what is missing.
    model: str = ""
    # Whether race is an input. Without it everybody is averaged over race by the weights.
    race: bool = False
    # Of the averages; their sum counts as 1. Default: MESA's own 6,814 people (Bild, Am J Epidemiol
    # 2002;156:871), from whom the equation is: nobody's population, a site sets its own.
    race_weights: dict[str, NonNegativeFloat] = {
        "white": 0.38,
        "black": 0.28,
        "hispanic": 0.22,
        "chinese": 0.12,
    }
    # Values older than this at the scan are used and told as stale.
    stale_days: int = Field(default=730, ge=1)
    # Further columns of a site's outcome table that `risk fit` may use.
    columns: tuple[str, ...] = ()
    # The European risk region that SCORE2 is given for; empty: no SCORE2 in the lake.
    score2_region: Literal["", "low", "moderate", "high", "very_high"] = ""

    def numbers(self) -> dict[str, float]:
        """Return what the lake keeps beside the other settings, so that a change can be told."""
        return {
            f"score2_region:{self.score2_region or 'none'}": 1.0,
            "risk_by_race": float(self.race),
            "risk_model_of_your_own": float(bool(self.model)),
        }

    @field_validator("race_weights")
    @classmethod
    def _are_of_mesa(cls, weights: dict[str, float]) -> dict[str, float]:
        known = ("white", "black", "hispanic", "chinese")
        unknown = [name for name in weights if name not in known]
        if unknown:
            raise ValueError(f"unknown race {unknown[0]}; known: {', '.join(known)}")
        if sum(weights.values()) <= 0:
            raise ValueError("the weights must not all be 0")
        return weights


class FlagSettings(BaseModel):
    """Which policy flags, and the worst grade it takes: table `[flag]` of `screening.toml`.

    The policies themselves, each with its thresholds, are rows of `sql/core_person_flag.sql`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy: str = "aha_acc_2018"
    minimum_grade: Literal["A", "B", "C"] = "C"

    @field_validator("policy")
    @classmethod
    def _is_ready(cls, policy: str) -> str:
        if policy in POLICIES_DISABLED:
            raise ValueError(f"{policy} is disabled: {POLICIES_DISABLED[policy]}")
        if policy not in POLICIES:
            raise ValueError(f"unknown policy {policy}; ready: {', '.join(POLICIES)}")
        return policy

    def numbers(self) -> dict[str, float]:
        """Return what the SQL reads: the choice stands in the name."""
        return {f"flag_policy:{self.policy}": 1.0, f"minimum_grade:{self.minimum_grade}": 1.0}


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
    archive: ArchiveSettings = ArchiveSettings()
    clinical: ClinicalSettings = ClinicalSettings()
    risk: RiskSettings = RiskSettings()
    flag: FlagSettings = FlagSettings()

    def numbers(self) -> dict[str, float]:
        """Return the settings that the flags depend on, as the lake keeps them."""
        return {**self.clinical.numbers(), **self.flag.numbers(), **self.risk.numbers()}

    @model_validator(mode="after")
    def _policy_has_its_region(self) -> "Settings":
        if self.flag.policy == "esc_2021" and not self.risk.score2_region:
            raise ValueError(
                "flag.policy esc_2021 needs risk.score2_region (low, moderate, high or very_high)"
            )
        return self


_TABLES: dict[str, type[BaseModel]] = {
    "archive": ArchiveSettings,
    "clinical": ClinicalSettings,
    "risk": RiskSettings,
    "flag": FlagSettings,
}


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
            model = _TABLES[str(first["loc"][0])] if len(first["loc"]) > 1 else Settings
            known = ", ".join(model.model_fields)
            raise ScreeningError(
                f"settings {file}: unknown setting {where}; known: {known}"
            ) from error
        says = first["msg"].removeprefix("Value error, ")
        raise ScreeningError(f"settings {file}: {where and where + ': '}{says}") from error


def secret_from(environ: Mapping[str, str]) -> bytes | None:
    """Return the lake's secret from the environment, None where it is not set."""
    value = environ.get(SECRET_VARIABLE, "")
    if value and len(value) < 16:
        raise ScreeningError(f"{SECRET_VARIABLE} is shorter than 16 characters; use a longer one")
    return value.encode() or None
