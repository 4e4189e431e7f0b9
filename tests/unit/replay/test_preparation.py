"""What a replay may be, and what gets into a generation that one made."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tallywire.election.election import LayoutUsed
from tallywire.errors import UsageError
from tallywire.ledger.generation_origin import (
    REPLAY,
    GenerationOrigin,
    differences,
    from_values,
    to_values,
)
from tallywire.ledger.generations import Generation
from tallywire.replay.preparation import begin_text, check_name, check_same, parse_begin
from tallywire.settings import load_settings
from tallywire.worker.generation import about_worker, agree

USED = LayoutUsed("mx-2015", 1, "ab" * 32)
REPLAYED = GenerationOrigin(
    ("d1",), REPLAY, "2026-11-22T20:00:00+00:00", "0.1.0", "digits", 2, {"m": USED}
)
COUNTED = GenerationOrigin(("d1",), model="digits")


def test_about_survives_json_and_what_older_workers_wrote_is_read() -> None:
    assert from_values(to_values(REPLAYED)) == REPLAYED
    assert from_values({"districts": ["d1"]}) == GenerationOrigin(("d1",))
    assert from_values({"districts": ["d1"], "model_version": "many"}) == GenerationOrigin(("d1",))
    assert GenerationOrigin().model_name == "unknown"
    assert COUNTED.model_name == "digits, newest"
    assert REPLAYED.model_name == "digits 2"


def test_each_difference_is_named() -> None:
    other = replace(
        REPLAYED,
        model_version=1,
        layouts={"m": replace(USED, sha256="cd" * 32)},
        begin="2026-11-22T20:00:00+00:00",
        created_at="later",
        code_version="0.2.0",
    )
    model, layout, begin = differences(other, REPLAYED)
    assert model == "model: digits 2 there, digits 1 asked for"
    assert "mx-2015 version 1 (abababab) there" in layout
    assert begin.startswith("from: beginning there")
    assert differences(replace(REPLAYED, created_at="later"), REPLAYED) == ()
    with pytest.raises(UsageError, match="digits 1 asked for"):
        check_same("g2", other, REPLAYED)


def test_the_name_must_be_free_or_a_replays_own() -> None:
    live, mine = Generation("g1", True, COUNTED), Generation("g2", False, REPLAYED)
    assert check_name([live], "g2") is None
    assert check_name([live, mine], "g2") is REPLAYED
    with pytest.raises(UsageError, match="--to g3"):
        check_name([live, mine], "g1")
    with pytest.raises(UsageError, match="counted by workers"):
        check_name([live, Generation("g4", False, COUNTED)], "g4")
    with pytest.raises(UsageError, match="No generation is live"):
        check_name([mine], "g2")


def test_times_to_begin_from() -> None:
    assert parse_begin(None) is parse_begin("beginning") is None
    at = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    assert parse_begin("2026-01-02T03:04:00Z") == at
    assert parse_begin("2026-01-02T05:04:00+02:00") == at
    assert begin_text(at, None) == "2026-01-02T03:04:00+00:00"
    assert begin_text(None, None) == "beginning"
    assert begin_text(None, REPLAYED) == "beginning"
    soon = datetime.now(timezone(timedelta(hours=3))) + timedelta(hours=1)
    for bad in ("now", "2026-01-02T03:04:00", soon.isoformat()):
        with pytest.raises(UsageError, match="--from"):
            parse_begin(bad)


def test_a_worker_takes_over_the_replays_model_and_refuses_another() -> None:
    settings = load_settings(generation="g2")
    mine = replace(COUNTED, layouts={"m": USED})
    assert agree(settings, mine, REPLAYED).model_version == 2
    partial = replace(REPLAYED, begin="2026-11-22T20:00:00+00:00")
    assert agree(settings, mine, partial).model_version == 2
    with pytest.raises(UsageError, match="digits 1 asked for"):
        agree(load_settings(generation="g2", model_version=1), mine, REPLAYED)
    with pytest.raises(UsageError, match="layout of m"):
        agree(settings, COUNTED, REPLAYED)


def test_where_workers_opened_the_generation_a_person_may_change_the_model() -> None:
    settings = load_settings(generation="g1", model_version=1)
    assert agree(settings, replace(COUNTED, model_version=1), COUNTED) is settings


def test_a_worker_tells_what_it_reads_with() -> None:
    settings = load_settings(model_version=2)
    from tallywire.election.loading import load_election

    about = about_worker(settings, load_election(settings.election))
    assert about.model_name == "digits 2"
    assert about.made_by == "worker"
    (used,) = about.layouts.values()
    assert (used.id, len(used.sha256)) == ("mx-2015", 64)
