"""Settings from options and environment: every mistake is told by the name that was typed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tallywire.errors import InvalidFileError
from tallywire.settings import PREFIX, Settings, load_settings, unknown_variables, variable_of

ROOT = Path(__file__).parents[2]
NAME = re.compile(rf"\b{PREFIX}[A-Z_]*[A-Z]\b")


def told(**overrides: object) -> list[str]:
    with pytest.raises(InvalidFileError) as error:
        load_settings({"generation": "GENERATION"}, **overrides)
    return [str(problem) for problem in error.value.problems]


def test_an_option_is_named_as_an_option_and_a_variable_as_a_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TALLYWIRE_PARTITIONS", "many")
    monkeypatch.setenv("TALLYWIRE_KAFKKA", "kafka:9092")
    problems = told(kafka="x", max_value_bytes=1, generation="second")
    wheres = {text.partition(": ")[0] for text in problems}
    assert wheres == {
        "TALLYWIRE_PARTITIONS", "TALLYWIRE_KAFKKA", "--kafka", "--max-value-bytes", "GENERATION",
    }  # fmt: skip


def test_an_unknown_variable_is_told_with_the_nearest_and_without_its_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TALLYWIRE_KAFKKA", "secret")
    assert told() == ["TALLYWIRE_KAFKKA: there is no such setting - did you mean TALLYWIRE_KAFKA?"]


def test_a_password_is_not_in_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLYWIRE_REDIS", "redis://user:secret@host:99999/0")
    (problem,) = told()
    assert "secret" not in problem
    assert "user:***@host" in problem


def test_known_variables_pass() -> None:
    known = {variable_of(name): "1" for name in Settings.model_fields}
    ours = {"TALLYWIRE_OFFICIAL": "Ana", "TALLYWIRE_TEST_REDIS": "x", "TALLYWIRE_PROOF_SCANS": "1"}
    assert list(unknown_variables(known | ours | {"OTHER": "1", "tallywire_kafka": "a:1"})) == []


@pytest.mark.parametrize("file", ["docker-compose.yml", "deploy/Dockerfile", "Makefile"])
def test_so_does_every_variable_that_we_set_ourselves(file: str) -> None:
    named = dict.fromkeys(NAME.findall((ROOT / file).read_text()), "")
    assert named
    assert list(unknown_variables(named)) == []


def test_every_setting_says_what_it_means() -> None:
    assert all(field.description for field in Settings.model_fields.values())
