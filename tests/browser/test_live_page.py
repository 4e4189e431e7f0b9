"""The dashboard as viewers see it: real Redis, real Streamlit, real Chromium."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Browser, Page, expect
from redis import Redis

from tallywire.election.election import Election
from tallywire.election.loading import load_election
from tallywire.ledger.client import open_ledger
from tallywire.ledger.snapshot import read_snapshot
from tallywire.ledger.state import Event
from tallywire.workshop.stack.local import LocalStack
from tests.support.dashboard_events import apply_all, minutes_ago, night, rejection

LOADED_MS, SOON_MS = 30_000, 8_000
REPORTED = ".tw-kpi .value >> nth=0"


@pytest.fixture(scope="module")
def election() -> Election:
    return load_election("mx-2015-d15").election


def apply_now(stack: LocalStack, election: Election, first: int, last: int) -> None:
    """Apply events in a thread of its own: Playwright's loop already runs in this one."""
    events: Iterator[Event] = night(election, first, last, minutes_ago(1))
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, apply_all(stack.settings.redis, election, events)).result()


def open_live(page: Page, stack: LocalStack) -> None:
    page.goto(f"{stack.dashboard_url}")
    expect(page.locator(".tw-badge").first).to_be_visible(timeout=LOADED_MS)


def stations_reported(stack: LocalStack, election: Election) -> int:
    """What the ledger itself says."""
    with open_ledger(stack.settings.redis, election) as ledger:
        snapshot = read_snapshot(ledger)
    assert snapshot is not None
    districts = snapshot.districts.values()
    return sum(district.stations("diputaciones", "counted") for district in districts)


def test_a_night_on_the_wall(page: Page, stack: LocalStack, election: Election) -> None:
    open_live(page, stack)
    expect(page.locator(".tw-waiting")).to_contain_text("Waiting for the first scans")
    expect(page.get_by_text("UNOFFICIAL")).to_be_visible()
    expect(page.get_by_text("TEST", exact=True)).to_be_visible()

    apply_now(stack, election, 0, 60)
    reported = stations_reported(stack, election)
    assert reported > 50
    expect(page.locator(REPORTED)).to_contain_text(f"{reported} of 510", timeout=SOON_MS)
    leader = page.locator(".tw-results .row[data-option]").first
    assert leader.get_attribute("data-option") == "PAN"
    expect(page.locator(".tw-verdict")).to_contain_text("can")
    expect(page.locator("canvas, svg.marks").first).to_be_visible(timeout=SOON_MS)

    apply_now(stack, election, 60, 120)
    reported = stations_reported(stack, election)
    expect(page.locator(REPORTED)).to_contain_text(f"{reported} of 510", timeout=SOON_MS)
    assert page.locator("[data-testid=stException]").count() == 0


def test_every_number_of_a_row_is_the_ledgers(
    page: Page, stack: LocalStack, election: Election
) -> None:
    apply_now(stack, election, 0, 60)
    open_live(page, stack)
    with open_ledger(stack.settings.redis, election) as ledger:
        snapshot = read_snapshot(ledger)
    assert snapshot is not None
    totals = snapshot.districts["15"].totals
    for option in ("PAN", "MORENA", "null"):
        start = f"votes|diputaciones|{option}|accepted|"
        votes = sum(count for name, count in totals.items() if name.startswith(start))
        row = page.locator(f".row[data-option='{option}'] .votes")
        expect(row).to_have_text(f"{votes:,}", timeout=SOON_MS)


def test_redis_may_go_and_come_back(page: Page, stack: LocalStack, election: Election) -> None:
    apply_now(stack, election, 0, 60)
    open_live(page, stack)
    reported = f"{stations_reported(stack, election)} of 510"
    expect(page.locator(REPORTED)).to_contain_text(reported, timeout=SOON_MS)

    redis = stack.child("redis")
    redis.end()
    expect(page.locator(".tw-notice")).to_contain_text("Redis does not answer", timeout=SOON_MS)
    expect(page.locator(".tw-fresh")).to_contain_text("Stale")
    expect(page.locator(REPORTED)).to_contain_text(reported)

    redis.start()
    redis.wait_ready()
    expect(page.locator(".tw-notice")).to_have_count(0, timeout=SOON_MS)
    expect(page.locator(".tw-fresh")).to_contain_text("Live")
    expect(page.locator(REPORTED)).to_contain_text(reported)


def test_many_viewers_cost_one_read_a_second(
    browser: Browser, stack: LocalStack, election: Election
) -> None:
    apply_now(stack, election, 0, 60)
    pages = [browser.new_page() for _ in range(3)]
    try:
        for page in pages:
            open_live(page, stack)
        with Redis.from_url(stack.settings.redis) as redis:
            before, began = gets(redis), time.monotonic()
            time.sleep(5)
            asked, elapsed_s = gets(redis) - before, time.monotonic() - began
    finally:
        for page in pages:
            page.close()
    # A look asks for the live generation and for one revision of each district.
    looks = asked / (1 + len(election.districts) + 1)
    assert 2 <= looks <= elapsed_s + 1


def gets(redis: Redis) -> int:
    """How many GETs this server has answered."""
    return int(redis.info("commandstats").get("cmdstat_get", {"calls": 0})["calls"])


def test_the_review_page_shows_reasons_with_evidence(
    page: Page, stack: LocalStack, election: Election
) -> None:
    apply_now(stack, election, 0, 60)
    page.goto(f"{stack.dashboard_url}/review")
    table = page.locator(".tw-table").first
    expect(table).to_contain_text("total_mismatch", timeout=LOADED_MS)
    expect(table).to_contain_text("sum read 301")
    station = table.locator("tbody tr b").first.inner_text()

    page.get_by_label("Station").fill(station)
    page.get_by_label("Station").press("Enter")
    expect(page.get_by_text(f"Station {station}: held")).to_be_visible(timeout=SOON_MS)

    page.get_by_label("Station").fill("nowhere")
    page.get_by_label("Station").press("Enter")
    expect(page.get_by_text("is not in this election")).to_be_visible(timeout=SOON_MS)


def test_too_many_rejections_stand_in_red_above_the_numbers(
    page: Page, stack: LocalStack, election: Election
) -> None:
    """The last of this file: nothing takes these rejections back."""
    apply_now(stack, election, 0, 60)
    open_live(page, stack)
    expect(page.locator(".tw-notice.bad")).to_have_count(0)
    stations = list(election.stations)[:100]
    refused = (
        rejection(election, station, 1000 + number, minutes_ago(0))
        for number, station in enumerate(stations)
    )
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, apply_all(stack.settings.redis, election, refused)).result()
    notice = page.locator(".tw-notice.bad")
    expect(notice).to_contain_text("scans were rejected", timeout=SOON_MS)
    expect(page.locator(REPORTED)).to_be_visible()
