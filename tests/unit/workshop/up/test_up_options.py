"""What `tallywire up` makes of its options, and when it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tallywire.errors import UsageError
from tallywire.settings import Settings
from tallywire.workshop.stack.broker_kind import BrokerKind
from tallywire.workshop.up.options import STANDARD_PORTS, UpOptions, plan_up, up_options


def options_of(broker: BrokerKind | None = None, data: Path | None = None) -> UpOptions:
    return up_options(Settings(), broker=broker, data=data, workers=2, dashboard=True)


def test_without_options_nothing_is_kept() -> None:
    options = options_of()
    assert (options.broker, options.keep) == ("embedded", False)
    assert not plan_up(options, Settings()).durable


@pytest.mark.parametrize("broker", [None, "kafka"])
def test_data_means_the_broker_that_keeps_its_topics(broker: BrokerKind | None) -> None:
    options = options_of(broker, Path("night"))
    assert (options.broker, options.keep, options.folder) == ("kafka", True, Path("night"))
    assert plan_up(options, Settings()).durable


def test_kafka_keeps_its_data_apart_from_what_is_emptied() -> None:
    assert options_of("kafka").keep
    assert options_of("kafka").folder != options_of().folder


def test_a_ledger_is_not_kept_beside_a_broker_that_forgets() -> None:
    with pytest.raises(UsageError, match="forgets its topics"):
        options_of("embedded", Path("night"))


def test_the_standard_ports_are_those_of_the_settings() -> None:
    settings = Settings()
    assert settings.kafka == f"127.0.0.1:{STANDARD_PORTS['broker']}"
    assert settings.redis == f"redis://127.0.0.1:{STANDARD_PORTS['redis']}/0"
    assert settings.serving == f"127.0.0.1:{STANDARD_PORTS['model']}"
    assert settings.dashboard_port == STANDARD_PORTS["dashboard"]


def test_workers_count_into_the_generation_that_was_asked_for() -> None:
    assert "generation" not in plan_up(options_of(), Settings()).settings
    assert plan_up(options_of(), Settings(generation="g2")).settings["generation"] == "g2"


def test_an_elections_folder_is_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ours").mkdir()
    own = up_options(Settings(election="ours"), broker=None, data=None, workers=1, dashboard=False)
    assert plan_up(own, Settings()).settings["election"] == str(tmp_path / "ours")
    assert plan_up(options_of(), Settings()).settings["election"] == "mx-2015-d15"
