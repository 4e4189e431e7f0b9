"""Replay beside the live count: equal bytes, promotion, rollback, corrections, interruptions."""

from __future__ import annotations

import json
import os
import signal
import time
from datetime import UTC, datetime
from threading import Thread

from tallywire.ledger.snapshot import audit, read_snapshot, read_station
from tallywire.records import Correction, Source
from tallywire.wire import encode
from tests.support.commands import dump, interrupt, start_replay, tallywire, wait_replayed
from tests.support.night import Night
from tests.support.scan_files import draw_sheets, variant
from tests.support.waiting import wait_until

DRAWN = 6


def publish(night: Night, first: int, last: int, per_s: float = 200.0) -> None:
    """One scan each of these stations; every tenth is a torn image, every seventh comes twice."""
    sheets, stations = draw_sheets(DRAWN), list(night.election.stations)
    for number in range(first, last):
        image = variant(sheets[number % DRAWN], number)
        image = image[:2000] if number % 10 == 3 else image
        for _ in range(2 if number % 7 == 5 else 1):
            night.send(stations[number], image)
        time.sleep(1 / per_s)


def correct(night: Night, station: str, votes: dict[str, int] | None) -> Correction:
    """An official's decision, acknowledged by the broker."""
    known = night.election.stations[station]
    decision = Correction(
        station=station,
        contest=night.election.contests[0].id,
        district=known.district,
        source=Source(night.settings.topics.corrections, 0, 0),
        decided_at=datetime.now(UTC),
        decided_by="official 7",
        why="read from the paper",
        before=None,
        votes=votes,
    )
    night.producer.send(
        night.settings.topics.corrections, key=station.encode(), value=encode(decision)
    ).get(timeout=30)
    return decision


def counted_scans(night: Night) -> int:
    return sum(night.ends(night.settings.topics.scans).values())


def live_name(night: Night) -> str | None:
    with night.ledger() as ledger:
        return ledger.live()


def votes_of(night: Night, generation: str, station: str) -> dict[str, int] | None:
    contest = night.election.contests[0].id
    with night.ledger() as ledger:
        state = read_station(ledger, generation, contest, station)
    return dict(state.decision.votes or {}) if state and state.decision else None


def wait_nobody_follows(night: Night, name: str) -> None:
    """Until the beat of workers that ended is forgotten."""

    def forgotten() -> bool:
        with night.ledger() as ledger:
            return not ledger.is_followed(name)

    wait_until(forgotten, 30, night.describe)


def count_live(night: Night, scans: int) -> None:
    """A worker for the live generation, and wait until all is counted."""
    night.start_worker()
    night.wait_accounted(scans)


def test_a_replay_gives_the_same_bytes_and_corrections_survive_promotion(night: Night) -> None:
    publish(night, 0, 40)
    first, second = list(night.election.stations)[:2]
    option = night.election.contests[0].options[0].id
    correct(night, first, {option: 11})
    correct(night, second, {option: 12})
    correct(night, second, None)
    count_live(night, counted_scans(night))
    corrections = night.settings.topics.corrections
    wait_until(
        lambda: night.next_offsets(corrections) == night.ends(corrections), 20, night.describe
    )
    done = tallywire(night, "replay", "--to", "g2", "--once", "--workers", "2")
    assert done.code == 0, done.text
    assert done.values["scans"] == counted_scans(night)
    assert done.values["about"]["model_version"] >= 1
    assert done.values["about"]["begin"] == "beginning"
    assert dump(night, "g2") == dump(night, "g1")  # totals, bodies, sets, offsets: all of it
    assert tallywire(night, "diff", "g1", "g2").values["stations"] == []
    # The bytes of refused scans stand on the topic once, from the live count.
    refused = [one for one in night.produced(night.settings.topics.rejected) if one.value]
    assert len(refused) == night.outcomes()["rejected"]

    wait_nobody_follows(night, "g2")
    nobody = tallywire(night, "promote", "g2", "--wait", "0")
    assert nobody.code == 1
    assert "Nobody follows g2" in nobody.text
    assert live_name(night) == "g1"
    replay = start_replay(night, "g2")
    wait_replayed(night, replay)
    promoted = tallywire(night, "promote", "g2", "--expected", "g1")
    assert promoted.code == 0, promoted.text
    assert live_name(night) == "g2"
    assert votes_of(night, "g2", first) == {option: 11}
    correct(night, first, {option: 13})
    wait_until(
        lambda: [votes_of(night, name, first) for name in ("g1", "g2")] == [{option: 13}] * 2,
        30,
        night.describe,
    )
    back = tallywire(night, "rollback", "--expected", "g2")
    assert back.code == 0, back.text
    assert back.values["warnings"] == []
    assert live_name(night) == "g1"
    for name in ("g1", "g2"):
        verified = tallywire(night, "verify", "--generation", name)
        assert verified.code == 0, verified.text
    assert interrupt(replay) == 0


def test_replay_while_scans_arrive_ends_with_both_right_and_one_promoted(night: Night) -> None:
    before, all_of_them = 30, 90
    publish(night, 0, before)
    count_live(night, counted_scans(night))
    arriving = Thread(target=publish, args=(night, before, all_of_them, 10.0))
    arriving.start()
    replay = start_replay(night, "g2", "--workers", "2")
    wait_replayed(night, replay)
    promoted = tallywire(night, "promote", "g2", "--wait", "30")
    assert promoted.code == 0, promoted.text
    arriving.join()
    scans = counted_scans(night)
    for name in ("g1", "g2"):
        asked = night.in_generation(name)
        assert asked.wait_accounted(scans).total() == scans
        assert asked.gaps() == 0
        assert asked.audit_clean()
    assert dump(night, "g2") == dump(night, "g1")
    assert live_name(night) == "g2"
    assert interrupt(replay) == 0


def test_promotion_is_refused_while_behind_and_a_killed_replay_goes_on(night: Night) -> None:
    publish(night, 0, 60)
    count_live(night, counted_scans(night))
    replay = start_replay(night, "g2")
    replayed = night.in_generation("g2")
    wait_until(lambda: replayed.outcomes().total() >= 5, 60, night.describe)
    os.kill(replay.pid, signal.SIGKILL)  # its workers go with it
    replay.end()
    time_of_death = sum(replayed.next_offsets(night.settings.topics.scans).values())
    assert time_of_death < counted_scans(night)
    refused = tallywire(night, "promote", "g2", "--wait", "0.5")
    assert refused.code == 1
    assert f"{night.settings.topics.scans}[" in refused.text
    assert "is behind" in refused.text
    assert "misses" in refused.text
    assert live_name(night) == "g1"
    listed = {row["name"]: row for row in tallywire(night, "generations").values["rows"]}
    assert listed["g1"]["scans_lag"] == 0
    assert 0 < listed["g2"]["scans_lag"] <= counted_scans(night)
    assert listed["g1"]["live"]
    again = tallywire(night, "replay", "--to", "g2", "--once")
    assert again.code == 0, again.text
    assert again.values["resumed"]
    assert "Going on with g2" in again.text
    assert dump(night, "g2") == dump(night, "g1")


def test_part_of_a_night_is_not_the_count_unless_somebody_says_so(night: Night) -> None:
    publish(night, 0, 12)
    time.sleep(0.05)
    since = datetime.now(UTC)
    publish(night, 12, 24)
    count_live(night, counted_scans(night))
    started = tallywire(night, "replay", "--to", "g2", "--once", "--from", since.isoformat())
    assert started.code == 0, started.text
    with night.ledger() as ledger:
        part = read_snapshot(ledger, "g2")
        assert audit(ledger, "g2") == []
    assert part is not None
    assert part.gaps == 0
    whole, late = counted_scans(night), started.values["scans"]
    assert 12 <= late < whole
    assert sum(part.scans(one) for one in ("counted", "held", "rejected", "duplicate")) == late
    refused = tallywire(night, "promote", "g2", "--unfollowed")
    assert refused.code == 2
    assert "--partial" in refused.text
    allowed = tallywire(night, "promote", "g2", "--unfollowed", "--partial")
    assert allowed.code == 0, allowed.text
    assert live_name(night) == "g2"
    back = tallywire(night, "rollback")
    assert back.code == 0
    assert live_name(night) == "g1"


def test_what_a_replay_refuses(night: Night) -> None:
    early = tallywire(night, "replay", "--to", "g2", "--once")
    assert early.code == 2
    assert "No generation is live yet" in early.text
    publish(night, 0, 4)
    count_live(night, counted_scans(night))
    wrong = {
        ("--to", "g1"): "viewers follow it",
        ("--to", "g2", "--model", "77"): "does not serve version 77",
        ("--to", "g2", "--layout", "no-such"): "no-such",
        ("--to", "g2", "--from", "yesterday"): "--from yesterday",
        ("--to", "g2", "--from", "2026-01-01T00:00"): "time zone",
        ("--to", "g2", "--from", "2199-01-01T00:00Z"): "yet to come",
        ("--to", "second"): "--to: 'second'",
    }
    for arguments, words in wrong.items():
        said = tallywire(night, "replay", *arguments, "--once")
        assert said.code == 2, said.text
        assert words in said.text
    assert tallywire(night, "replay", "--to", "g2", "--once", "--model", "1").code == 0
    other = tallywire(night, "replay", "--to", "g2", "--once", "--model", "2")
    assert other.code == 2
    assert "digits 1 there, digits 2 asked for" in other.text
    # A worker that reads with another model does not get into it either; one that is not told does.
    stranger = night.start_worker(generation="g2", model_version="2")
    wait_until(lambda: not stranger.is_alive(), 30, night.describe)
    assert stranger.exit_code() == 2
    friend = night.start_worker(generation="g2")
    wait_until(lambda: "partitions assigned" in night.log(friend), 30, night.describe)
    assert tallywire(night, "promote", "g9").code == 2
    assert tallywire(night, "promote", "g2", "--expected", "g3").code == 2
    assert tallywire(night, "rollback").code == 2
    assert json.dumps(tallywire(night, "generations").values)
