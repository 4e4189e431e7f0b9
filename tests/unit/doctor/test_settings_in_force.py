"""`tallywire settings`: every setting, its value, where it comes from, and no password."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tallywire.cli.main import build
from tallywire.doctor.settings_in_force import SettingSource, in_short, settings_in_force
from tallywire.settings import Settings, load_settings

SECRET = "redis://user:secret@redis:6379/0"  # noqa: S105 - of no server


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLYWIRE_KAFKA", "kafka:9092")
    monkeypatch.setenv("TALLYWIRE_SERVING", "model:8500")
    monkeypatch.setenv("TALLYWIRE_REDIS", SECRET)


@pytest.mark.usefixtures("given")
def test_an_option_wins_over_the_environment_and_that_over_the_default() -> None:
    options = {"serving": "other:8500", "election": None}
    found = {one.name: one for one in settings_in_force(load_settings(**options), options)}
    assert list(found) == list(Settings.model_fields)
    assert found["serving"].source is SettingSource.OPTION
    assert found["serving"].value == "other:8500"
    assert found["kafka"].source is SettingSource.ENVIRONMENT
    assert found["kafka"].variable == "TALLYWIRE_KAFKA"
    assert found["election"].source is SettingSource.DEFAULT
    assert found["redis"].value == "redis://user:***@redis:6379/0"


@pytest.mark.usefixtures("given")
def test_the_command_prints_and_writes_them_without_a_password(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    result = CliRunner().invoke(
        build(), ["settings", "--kafka", "a:1", "--json", str(file)], env={"COLUMNS": "200"}
    )
    assert result.exit_code == 0, result.exception
    assert "TALLYWIRE_SERVING" in result.output
    assert "secret" not in result.output + file.read_text()
    whole = {one["name"]: one for one in json.loads(file.read_text())["settings"]}
    assert whole["kafka"]["source"] == "option"
    assert whole["partitions"] == {
        "name": "partitions",
        "value": 12,
        "source": "default",
        "variable": "TALLYWIRE_PARTITIONS",
        "meaning": Settings.model_fields["partitions"].description,
    }


@pytest.mark.usefixtures("given")
def test_in_short_only_what_was_set_is_told() -> None:
    text = in_short(settings_in_force(load_settings(kafka="a:1"), {"kafka": "a:1"}))
    assert "kafka a:1 (option)" in text
    assert "serving model:8500 (TALLYWIRE_SERVING)" in text
    assert "secret" not in text
    assert "partitions" not in text


def test_in_short_nothing_was_set() -> None:
    assert "all as shipped" in in_short(settings_in_force(Settings(), {}))
