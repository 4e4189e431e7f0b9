"""One typed settings object, read from `TALLYWIRE_*` by the processes and passed on as values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from tallywire.errors import InvalidFileError, Problem
from tallywire.ledger.rejection_alert import StopLimit
from tallywire.shipped import default_model_folder

MIB = 1024 * 1024
PREFIX = "TALLYWIRE_"


@dataclass(frozen=True, slots=True)
class Topics:
    """Names of the four topics (design section 6)."""

    prefix: str

    @property
    def names(self) -> tuple[str, ...]:
        """All four, scans first."""
        return self.scans, self.readings, self.corrections, self.rejected

    @property
    def scans(self) -> str:
        """Key station id, value the image bytes."""
        return f"{self.prefix}.scans"

    @property
    def readings(self) -> str:
        """Key station id, value a reading as JSON."""
        return f"{self.prefix}.readings"

    @property
    def corrections(self) -> str:
        """Key station id, value a human decision as JSON."""
        return f"{self.prefix}.corrections"

    @property
    def rejected(self) -> str:
        """Key as received, value the original bytes, the reason in the headers."""
        return f"{self.prefix}.rejected"


class Settings(BaseSettings):
    """Every setting, its default and its bounds; `tallywire doctor` prints them."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    # Election
    election: Annotated[
        str, Field(description="Election folder, or the id of a shipped election")
    ] = "mx-2015-d15"

    # Kafka
    kafka: Annotated[str, Field(description="Bootstrap servers, host:port[,host:port...]")] = (
        "127.0.0.1:9092"
    )
    topic_prefix: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,40}$")] = "tally"
    partitions: Annotated[int, Field(ge=1, le=512)] = 12
    replication: Annotated[int, Field(ge=1, le=7)] = 1
    max_value_bytes: Annotated[int, Field(ge=64 * 1024, le=64 * MIB)] = 4 * MIB

    # Reading
    max_pixels: Annotated[int, Field(ge=10_000, le=500_000_000)] = 50_000_000
    in_flight: Annotated[
        int, Field(ge=1, le=64, description="Scans that one worker holds in memory at once")
    ] = 8
    threads: Annotated[int, Field(ge=1, le=64, description="OpenCV threads of one worker")] = 2
    layout: Annotated[
        Path | None,
        Field(description="Layout to read with (file, or id of a shipped one), not the election's"),
    ] = None
    rejected_bytes: Annotated[
        bool, Field(description="Put the bytes of refused scans on the rejected topic")
    ] = True

    # Model server
    serving: Annotated[
        str, Field(description="gRPC target; several servers as ipv4:host:port,host:port")
    ] = "127.0.0.1:8500"
    model: str = "digits"
    model_version: Annotated[
        int | None, Field(ge=1, description="Pin one version; the newest loaded one if unset")
    ] = None
    predict_timeout_s: Annotated[float, Field(gt=0, le=120)] = 5.0
    model_repo: Annotated[
        Path, Field(description="Folder of models [default: ./model_repo, else the shipped ones]")
    ] = Field(default_factory=default_model_folder)

    # Redis
    redis: Annotated[str, Field(description="Redis URL")] = "redis://127.0.0.1:6379/0"
    generation: Annotated[str, Field(pattern=r"^g[0-9]{1,6}$")] = "g1"

    # Dashboard
    dashboard_port: Annotated[int, Field(ge=1, le=65535)] = 8501
    dashboard_address: Annotated[
        str,
        Field(description="Address the dashboard listens on; loopback by default"),
    ] = "127.0.0.1"
    dashboard_folder: Annotated[
        Path | None,
        Field(description="Folder with the dashboard's app.py, instead of the shipped one"),
    ] = None

    dashboard_generation: Annotated[
        str | None,
        Field(pattern=r"^g[0-9]{1,6}$", description="Show this generation, not the live one"),
    ] = None

    # When so many of the latest scans are refused that something is wrong with all of them
    reject_alert_percent: Annotated[float, Field(gt=0, le=100)] = 20.0
    reject_alert_minutes: Annotated[float, Field(gt=0, le=24 * 60)] = 10.0
    reject_alert_least: Annotated[
        int, Field(ge=1, description="Fewer scans than this raise no alert")
    ] = 20

    # Processes
    session_timeout_s: Annotated[float, Field(ge=3, le=600)] = 30.0
    health_port: Annotated[int, Field(ge=0, le=65535, description="0 lets the system choose")] = 0
    health_address: Annotated[
        str, Field(description="Address of /healthz, /readyz and /metrics; loopback by default")
    ] = "127.0.0.1"
    stalled_after_s: Annotated[
        float,
        Field(
            ge=1,
            le=3600,
            description="Work at hand and no progress for so long: not live;"
            " after three times as long, the worker's watchdog ends it",
        ),
    ] = 30.0
    log_json: bool = False
    log_level: Annotated[str, Field(pattern="^(debug|info|warning|error)$")] = "info"

    @property
    def reject_limit(self) -> StopLimit:
        """When too many of the latest scans are refused."""
        return StopLimit(
            self.reject_alert_percent, self.reject_alert_minutes, self.reject_alert_least
        )

    @property
    def topics(self) -> Topics:
        """The four topics under this prefix."""
        return Topics(self.topic_prefix)

    def group_of(self, election_id: str, generation: str) -> str:
        """The consumer group of a generation's workers: a replay has its own."""
        return f"tallywire.{self.topic_prefix}.{election_id}.{generation}"


def load_settings(**overrides: object) -> Settings:
    """Read the environment; `overrides` that are not None win (they are command-line options).

    Raises:
        InvalidFileError: naming every bad variable at once.
    """
    given = {key: value for key, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]  # pydantic validates them
    except ValidationError as error:
        raise InvalidFileError(
            [
                Problem(
                    where=f"{PREFIX}{'.'.join(map(str, item['loc'])).upper()}",
                    value=repr(item.get("input")),
                    remedy=item["msg"],
                )
                for item in error.errors()
            ]
        ) from None
