"""A replay's progress and its workers' settings."""

from __future__ import annotations

from dataclasses import replace

from tallywire.replay.progress_display import words
from tallywire.replay.replayer import ReplayProgress, tell_once, to_environment
from tallywire.settings import load_settings


def test_progress_in_words_and_each_trouble_once() -> None:
    look = ReplayProgress(3, 9, 0, {"counted": 2, "held": 1}, at_end=False)
    assert words(look) == "counted 2  held 1"
    assert "4 corrections to go" in words(replace(look, corrections_left=4))
    said: list[str] = []
    told = ""
    for now in ("", "Redis is away", "Redis is away", "", ""):
        told = tell_once(said.append, told, now)
    assert said == ["Redis is away", "The servers answer again"]


def test_workers_get_the_settings_of_the_replay() -> None:
    settings = load_settings(generation="g2", model_version=1, rejected_bytes=False)
    environment = to_environment(settings)
    assert environment["TALLYWIRE_GENERATION"] == "g2"
    assert environment["TALLYWIRE_REJECTED_BYTES"] == "False"
    assert "TALLYWIRE_LAYOUT" not in environment
