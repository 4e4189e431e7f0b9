"""A refusal names as much as is known of its record."""

from __future__ import annotations

from dataclasses import replace

from tallywire.worker.handler import give_up, key_text
from tests.support.values import make_election, make_record


def test_a_key_that_is_no_text_names_no_station() -> None:
    assert key_text(make_record(key=b"\xff")) is None
    assert key_text(make_record(key=b"d1-1")) == "d1-1"


def test_a_give_up_names_the_contest_that_the_reading_would_have() -> None:
    two = make_election()
    two = replace(two, contests=(*two.contests, replace(two.contests[0], id="council")))
    named = make_record(headers=(("contest", b"council"),))
    assert give_up(two, named, ValueError("oops")).contest == "council"
    for headers in ((), (("contest", b"\xff"),), (("contest", b"nobody"),)):
        assert give_up(two, make_record(headers=headers), ValueError("oops")).contest is None
