"""docker-compose.yml against the compose specification, and against the code it starts.

There is no Docker engine in the tests: what can be wrong without one is looked for here. The
schema is the Compose Specification's, as shipped in the npm package `dclint` 3.1.0 (MIT).
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml
from jsonschema import Draft7Validator
from packaging.requirements import Requirement

from tallywire.cli.main import build
from tallywire.edge.topics import TopicSpec
from tallywire.settings import PREFIX, Settings

ROOT = Path(__file__).parents[3]
OURS = ("topics", "worker", "dashboard", "publisher")
FLOATING = re.compile(r"^[^:]+$|:(latest|stable|alpine|slim|\d+|\d+\.\d+)$")


@pytest.fixture(scope="module")
def compose() -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


@pytest.fixture(scope="module")
def services(compose: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = compose["services"]
    return found


def environment_of(services: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every TALLYWIRE_ variable with its value."""
    for service in services.values():
        for name, value in service.get("environment", {}).items():
            if name.startswith(PREFIX):
                yield name, value


def test_the_file_follows_the_compose_specification(compose: Mapping[str, Any]) -> None:
    schema = json.loads((ROOT / "tests/data/compose-schema.json").read_text())
    problems = [
        f"{'.'.join(map(str, error.path))}: {error.message}"
        for error in Draft7Validator(schema).iter_errors(compose)
    ]
    assert not problems


def test_every_image_is_pinned(services: Mapping[str, Any]) -> None:
    for name, service in services.items():
        assert not FLOATING.search(service["image"]), name
    bases = re.findall(r"^FROM (\S+)", (ROOT / "deploy/Dockerfile").read_text(), re.MULTILINE)
    assert bases
    assert not any(FLOATING.search(base) for base in bases)


def test_every_service_is_restarted_and_watched(services: Mapping[str, Any]) -> None:
    for name, service in services.items():
        assert service.get("restart"), name
        watched = "healthcheck" in service or name in OURS  # ours: the image's own health check
        assert watched, name
    assert "HEALTHCHECK" in (ROOT / "deploy/Dockerfile").read_text()


def test_only_pages_to_look_at_are_reachable_and_only_from_this_machine(
    compose: Mapping[str, Any], services: Mapping[str, Any]
) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {
        "dashboard": ["${DASHBOARD_BIND:-127.0.0.1}:8501:8501"],
        "grafana": ["${GRAFANA_BIND:-127.0.0.1}:3000:3000"],
    }
    assert compose["networks"]["inside"] == {"internal": True}
    outside = [name for name, service in services.items() if service["networks"] != ["inside"]]
    assert outside == ["dashboard", "grafana"]


@pytest.mark.parametrize("name", OURS)
def test_commands_and_options_exist(services: Mapping[str, Any], name: str) -> None:
    command, *arguments = services[name]["command"]
    parameters = typer.main.get_command(build([command])).commands[command].params  # type: ignore[attr-defined]
    options = {option for parameter in parameters for option in parameter.opts}
    assert {word for word in arguments if word.startswith("--")} <= options


def test_every_variable_is_a_setting_with_a_valid_value(services: Mapping[str, Any]) -> None:
    given = {name.removeprefix(PREFIX).lower(): value for name, value in environment_of(services)}
    assert set(given) <= set(Settings.model_fields)
    Settings.model_validate(given, strict=False)


def test_every_address_is_a_service_and_its_port(services: Mapping[str, Any]) -> None:
    listens = {"kafka": "9092", "redis": "6379", "model-server": "8500"}
    for name, value in environment_of(services):
        for host, port in re.findall(r"([a-z][a-z-]*):(\d+)", value):
            assert listens[host] == port, f"{name}={value}"
    assert ":9092," in services["kafka"]["environment"]["KAFKA_LISTENERS"]


def test_dependencies_are_services(services: Mapping[str, Any]) -> None:
    for service in services.values():
        for name, wanted in service.get("depends_on", {}).items():
            assert name in services
            if wanted["condition"] == "service_healthy":
                assert "healthcheck" in services[name]


def test_every_mounted_path_exists(compose: Mapping[str, Any], services: Mapping[str, Any]) -> None:
    for service in services.values():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            if source.startswith("./"):
                assert (ROOT / source).exists(), mount
            elif not source.startswith("${"):
                assert source in compose["volumes"], mount


def test_the_broker_takes_the_largest_scan(services: Mapping[str, Any]) -> None:
    needed = TopicSpec(1, 1, Settings().max_value_bytes).max_record_bytes
    broker = services["kafka"]["environment"]
    for name in ("KAFKA_MESSAGE_MAX_BYTES", "KAFKA_REPLICA_FETCH_MAX_BYTES"):
        assert int(broker[name]) >= needed
    assert broker["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_redis_keeps_everything(services: Mapping[str, Any]) -> None:
    command = services["redis"]["command"]
    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert options["--appendonly"] == "yes"
    assert options["--maxmemory-policy"] == "noeviction"


def test_the_served_model_is_the_pinned_one_and_is_there(services: Mapping[str, Any]) -> None:
    text = (ROOT / "deploy/models.config").read_text()
    base = re.search(r'base_path: "/models/(\w+)"', text)
    name = re.search(r'name: "(\w+)"', text)
    versions = re.findall(r"versions: (\d+)", text)
    assert base
    assert name
    assert base[1] == name[1] == Settings().model
    pinned = dict(environment_of(services))[f"{PREFIX}MODEL_VERSION"]
    assert pinned in versions
    for version in versions:
        assert (ROOT / "model_repo" / base[1] / version / "saved_model.pb").is_file()


def test_health_urls_are_on_the_ports_that_the_parts_listen_on(services: Mapping[str, Any]) -> None:
    worker = services["worker"]["environment"]
    assert f":{worker[f'{PREFIX}HEALTH_PORT']}/healthz" in worker["HEALTH_URL"]
    publisher = services["publisher"]["environment"]
    assert f":{publisher[f'{PREFIX}HEALTH_PORT']}/healthz" in publisher["HEALTH_URL"]
    port = Settings.model_fields["dashboard_port"].default
    assert f":{port}/_stcore/health" in services["dashboard"]["environment"]["HEALTH_URL"]


def test_monitoring_asks_the_workers_where_they_answer(services: Mapping[str, Any]) -> None:
    worker = services["worker"]["environment"]
    assert worker[f"{PREFIX}HEALTH_ADDRESS"] == "0.0.0.0"  # noqa: S104 - inside the network
    scrape = yaml.safe_load((ROOT / "deploy/monitoring/prometheus.yml").read_text())
    (job,) = scrape["scrape_configs"]
    (found,) = job["dns_sd_configs"]
    assert found["names"] == ["worker"]
    assert str(found["port"]) == worker[f"{PREFIX}HEALTH_PORT"]
    mounted = [mount.split(":")[1] for mount in services["prometheus"]["volumes"]]
    assert set(scrape["rule_files"]) <= set(mounted)
    for name in ("prometheus", "grafana"):
        assert services[name]["profiles"] == ["monitoring"]


def test_what_the_image_copies_is_there_and_not_ignored() -> None:
    copied = re.findall(
        r"^COPY (?!--from)(\S+)", (ROOT / "deploy/Dockerfile").read_text(), re.MULTILINE
    )
    allowed = [
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    ]
    assert copied
    for path in copied:
        assert (ROOT / path).exists(), path
        assert any(Path(path).is_relative_to(part) for part in allowed), path


def test_the_image_holds_no_tensorflow_and_names_no_index() -> None:
    for name in ("worker", "dashboard", "demo", "dev", "uv"):
        text = (ROOT / f"deploy/requirements/{name}.txt").read_text()
        assert "://" not in text
        assert "--hash=sha256:" in text
        assert ("tensorflow" in text) == (name in {"demo", "dev"})


@pytest.mark.parametrize("name", ["worker", "dashboard", "demo", "dev"])
def test_the_lock_file_fits_the_project(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = {
        "worker": (),
        "dashboard": ("dashboard",),
        "demo": ("demo", "model", "dashboard", "local"),
        "dev": ("dev", "docs", "demo", "model", "dashboard", "local"),
    }
    wanted = [*project["dependencies"]]
    for extra in extras[name]:
        wanted += project["optional-dependencies"][extra]
    lines = (ROOT / f"deploy/requirements/{name}.txt").read_text().splitlines()
    locked = [Requirement(line.rstrip(" \\")) for line in lines if line[:1].isalpha()]
    versions = {item.name: str(item.specifier).removeprefix("==") for item in locked}
    for requirement in map(Requirement, wanted):
        if requirement.name != project["name"]:
            assert requirement.specifier.contains(versions[requirement.name]), "run deploy/lock.sh"
