"""One typed settings object, read from `TALLYWIRE_*` by the processes and passed on as values."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from tallywire.addresses import bootstrap_servers, grpc_target, redis_url, without_password
from tallywire.errors import InvalidFileError, Problem
from tallywire.ledger.rejection_alert import StopLimit
from tallywire.shipped import default_model_folder

MIB = 1024 * 1024
PREFIX = "TALLYWIRE_"

OTHER_VARIABLES = {
    f"{PREFIX}OFFICIAL": "who decides, for `tallywire review --by`",
    f"{PREFIX}KAFKA_JARS": "where Apache Kafka's jars are kept, for `--broker kafka`",
}
"""Variables of ours that are no setting."""
OF_OUR_TESTS = (f"{PREFIX}TEST_", f"{PREFIX}PROOF_")


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


def generation_name(text: str) -> str:
    """The name of a generation, as it is; ValueError where it is none."""
    if not re.fullmatch(r"g[0-9]{1,6}", text):
        raise ValueError("g and a number of at most six digits, such as g2")
    return text


class Settings(BaseSettings):
    """Every setting, its default and its bounds; `tallywire settings` prints them."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    # Election
    election: Annotated[
        str, Field(description="Election folder, or the id of a shipped election")
    ] = "mx-2015-d15"

    # Kafka
    kafka: Annotated[
        str,
        AfterValidator(bootstrap_servers),
        Field(description="Bootstrap servers, host:port[,host:port...]"),
    ] = "127.0.0.1:9092"
    topic_prefix: Annotated[
        str,
        Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,40}$", description="Beginning of the topics' names"),
    ] = "tally"
    partitions: Annotated[
        int, Field(ge=1, le=512, description="Partitions of a new topic; most workers there can be")
    ] = 12
    replication: Annotated[
        int, Field(ge=1, le=7, description="Copies of each partition of a new topic")
    ] = 1
    max_value_bytes: Annotated[
        int, Field(ge=64 * 1024, le=64 * MIB, description="The largest scan, in bytes")
    ] = 4 * MIB

    # Reading
    max_pixels: Annotated[
        int, Field(ge=10_000, le=500_000_000, description="The largest scan, in pixels")
    ] = 50_000_000
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
        str,
        AfterValidator(grpc_target),
        Field(description="gRPC target; several servers as ipv4:host:port,host:port"),
    ] = "127.0.0.1:8500"
    model: Annotated[str, Field(description="Name of the model on its server")] = "digits"
    model_version: Annotated[
        int | None, Field(ge=1, description="Pin one version; the newest loaded one if unset")
    ] = None
    predict_timeout_s: Annotated[
        float, Field(gt=0, le=120, description="Longest wait for the model server, in seconds")
    ] = 5.0
    model_repo: Annotated[
        Path, Field(description="Folder of models (default: ./model_repo, else the shipped ones)")
    ] = Field(default_factory=default_model_folder)

    # Redis
    redis: Annotated[
        str, AfterValidator(redis_url), Field(description="Redis URL of the ledger")
    ] = "redis://127.0.0.1:6379/0"
    generation: Annotated[
        str,
        AfterValidator(generation_name),
        Field(description="Build of the ledger that a worker fills"),
    ] = "g1"

    # Dashboard
    dashboard_port: Annotated[
        int, Field(ge=1, le=65535, description="Port that the dashboard listens on")
    ] = 8501
    dashboard_address: Annotated[
        str,
        Field(description="Address the dashboard listens on; loopback by default"),
    ] = "127.0.0.1"
    dashboard_folder: Annotated[
        Path | None,
        Field(description="Folder with the dashboard's app.py, instead of the shipped one"),
    ] = None

    dashboard_generation: Annotated[
        Annotated[str, AfterValidator(generation_name)] | None,
        Field(description="Show this generation, not the live one"),
    ] = None

    # When so many of the latest scans are refused that something is wrong with all of them
    reject_alert_percent: Annotated[
        float, Field(gt=0, le=100, description="Share of the latest scans refused that alerts")
    ] = 20.0
    reject_alert_minutes: Annotated[
        float, Field(gt=0, le=24 * 60, description="How far back the latest scans reach")
    ] = 10.0
    reject_alert_least: Annotated[
        int, Field(ge=1, description="Fewer scans than this raise no alert")
    ] = 20

    # Processes
    session_timeout_s: Annotated[
        float,
        Field(ge=3, le=600, description="Silence after which Kafka gives a worker's work away"),
    ] = 30.0
    health_port: Annotated[
        int, Field(ge=0, le=65535, description="Port of /healthz; 0 lets the system choose")
    ] = 0
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
    log_json: Annotated[bool, Field(description="Log one JSON object a line")] = False
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="The least that is logged")
    ] = "info"

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


def load_settings(names: Mapping[str, str] | None = None, /, **overrides: object) -> Settings:
    """Read the environment; `overrides` that are not None win (they are command-line options).

    Args:
        names: what an override is called where it was typed, if not `--` and its own name.
        overrides: settings by name.

    Raises:
        InvalidFileError: naming every bad option and variable, and every unknown one, at once.
    """
    given = {key: value for key, value in overrides.items() if value is not None}
    problems = list(unknown_variables(os.environ))
    try:
        settings = Settings(**given)  # type: ignore[arg-type]  # pydantic validates them
    except ValidationError as error:
        called = {name: f"--{name.replace('_', '-')}" for name in given} | dict(names or {})
        problems += [_problem(dict(item), called) for item in error.errors()]
        raise InvalidFileError(problems) from None
    if problems:
        raise InvalidFileError(problems)
    return settings


def variable_of(setting: str) -> str:
    """The environment variable of a setting."""
    return f"{PREFIX}{setting.upper()}"


def unknown_variables(environment: Mapping[str, str]) -> Iterator[Problem]:
    """Variables that look like ours and are none: a setting misspelled would go unheeded."""
    known = {*map(variable_of, Settings.model_fields), *OTHER_VARIABLES}
    for name in sorted(environment):
        upper = name.upper()  # pydantic-settings reads them in any case
        if not upper.startswith(PREFIX) or upper in known or upper.startswith(OF_OUR_TESTS):
            continue
        near = get_close_matches(upper, sorted(known), n=1)
        hint = f"did you mean {near[0]}?" if near else "`tallywire settings` lists all"
        yield Problem(name, "there is no such setting", hint)


def _problem(item: Mapping[str, Any], called: Mapping[str, str]) -> Problem:
    name = ".".join(map(str, item["loc"]))
    value = item.get("input")
    return Problem(
        where=called.get(name, variable_of(name)),
        value=repr(without_password(value) if isinstance(value, str) else value),
        remedy=str(item["msg"]).removeprefix("Value error, "),
    )
