"""What people read: generations, differences, and what viewers see."""

from __future__ import annotations

import io
import json
from dataclasses import replace

from rich.console import Console, RenderableType

from tallywire.election.election import LayoutUsed
from tallywire.errors import PeerError
from tallywire.ledger.compare import compare, compare_districts, group_by_reason
from tallywire.ledger.generations import REPLAY, GenerationOrigin
from tallywire.ledger.snapshot import DistrictSnapshot, Snapshot
from tallywire.ledger.state import Event
from tallywire.records import Verdict
from tallywire.replay import generation_list, promotion_report
from tallywire.replay.comparison import GenerationDifference
from tallywire.replay.diff_tables import MOST_ROWS, by_district, by_reason, by_station, headline
from tallywire.replay.json_values import difference_values
from tallywire.replay.progress_display import words
from tallywire.replay.promotion import Promotion
from tallywire.replay.replayer import ReplayProgress, tell_once, to_environment
from tallywire.settings import load_settings
from tests.support.memory_ledger import MemoryLedger
from tests.support.values import make_correction, make_election, make_reading

ELECTION = make_election("test", stations_each=MOST_ROWS + 10)


def printed(*shown: RenderableType) -> str:
    console = Console(file=io.StringIO(), width=200)
    for one in shown:
        console.print(one)
    text = console.file
    assert isinstance(text, io.StringIO)
    return text.getvalue()


def ledger_of(*events: Event) -> MemoryLedger:
    ledger = MemoryLedger(ELECTION)
    for event in events:
        ledger.apply_now(event)
    return ledger


def difference(before: MemoryLedger, after: MemoryLedger) -> GenerationDifference:
    old, new = list(before.states.values()), list(after.states.values())
    stations = compare(old, new)
    districts = tuple(one for one in compare_districts(ELECTION, old, new) if one.changed)
    return GenerationDifference("test", "g1", "g2", stations, districts, group_by_reason(stations))


def snapshot(name: str, ledger: MemoryLedger) -> Snapshot:
    districts = {
        one: DistrictSnapshot(one, 1, 4, 700, totals) for one, totals in ledger.totals.items()
    }
    return Snapshot("test", name, districts)


OLD = ledger_of(
    make_reading("d1-1", 0, votes={"A": 10, "B": 20}),
    make_reading("d1-2", 1, votes={"A": 30, "B": 5}, verdict=Verdict.HELD),
    make_reading("d2-1", 2, votes={"A": 1, "B": 2}),
)
NEW = ledger_of(
    make_reading("d1-1", 0, votes={"A": 10, "B": 20}),
    make_reading("d1-2", 1, votes={"A": 30, "B": 5}),
    make_reading("d2-1", 2, votes={"A": 1, "B": 2}),
)


def test_a_difference_in_three_views() -> None:
    found = difference(OLD, NEW)
    station = printed(by_station(found))
    assert "d1-2" in station
    assert "held: total_mismatch" in station
    assert "A - -> 30" in station
    assert "d1-1" not in station
    district = printed(by_district(found))
    assert "lead: B -> A" in district
    assert "d2" not in district
    reason = printed(by_reason(found))
    assert "held: total_mismatch" in reason
    assert "d1-2" in reason
    assert "THE LEAD CHANGES in d1" in headline(found)
    values = json.loads(json.dumps(difference_values(found)))
    assert values["readings_changed"] == 1
    assert values["districts"][0]["lead_changed"]
    assert values["districts"][0]["leaders_after"] == ["A"]


def test_equal_generations_are_called_so() -> None:
    assert "equal" in headline(difference(OLD, OLD))


def test_stations_that_one_of_them_lacks_are_told_apart_from_changed_readings() -> None:
    assert "0 readings changed, 3 stations only in g2," in headline(difference(ledger_of(), NEW))
    assert "0 readings changed, 3 stations only in g1," in headline(difference(NEW, ledger_of()))


def test_a_long_list_says_that_it_is_cut() -> None:
    many = [make_reading(f"d1-{n + 1}", n) for n in range(MOST_ROWS + 5)]
    text = printed(by_station(difference(ledger_of(), ledger_of(*many))))
    assert f"the first {MOST_ROWS} of {MOST_ROWS + 5}" in text.replace("\n", " ")


def test_what_viewers_saw_and_see() -> None:
    corrected = ledger_of(make_reading("d1-1", 0), make_correction("d1-1", 0, {"A": 7}))
    assert promotion_report.totals(snapshot("g1", corrected)) == {
        "stations_counted": 1, "stations_held": 0, "votes": 7, "rejected": 0,
    }  # fmt: skip
    went = Promotion(snapshot("g1", OLD), snapshot("g2", NEW), difference(OLD, NEW), ("stale",))
    console = Console(file=io.StringIO(), width=200)
    promotion_report.tell(went, console)
    text = console.file
    assert isinstance(text, io.StringIO)
    assert "Warning: stale" in text.getvalue()
    assert "Viewers follow g2 now" in text.getvalue()
    values = promotion_report.to_json(went)
    assert (values["before"]["votes"], values["now"]["votes"]) == (33, 68)
    assert json.dumps(values)


def test_generations_as_a_table_even_without_a_broker() -> None:
    about = GenerationOrigin((), REPLAY, "2026-11-22T20:00:00+00:00", "0.1.0", "digits", 1,
                  {"m": LayoutUsed("mx-2015", 1, "ab")})  # fmt: skip
    outcomes = dict.fromkeys(("counted", "held", "rejected", "duplicate"), 3)
    rows = (
        generation_list.GenerationRow("g1", True, GenerationOrigin(), None, None, outcomes, 0),
        generation_list.GenerationRow("g2", False, about, 1200, 4, outcomes, 2),
    )
    found = generation_list.GenerationList("test", rows, str(PeerError("no broker")))
    text = printed(generation_list.to_table(found))
    assert "g1 live" in text
    assert "?" in text
    assert "1,200" in text
    assert "mx-2015 v1" in text
    assert json.loads(json.dumps(generation_list.to_json(found)))["rows"][1]["scans_lag"] == 1200


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
