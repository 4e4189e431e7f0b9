"""Differences as people read them."""

from __future__ import annotations

import json

from tallywire.replay.diff_tables import MOST_ROWS, by_district, by_reason, by_station, headline
from tallywire.replay.json_values import difference_values
from tests.support.two_generations import NEW, OLD, difference, ledger_of, printed
from tests.support.values import make_reading


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
