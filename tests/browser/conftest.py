"""A real browser, a real Redis and a real dashboard."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from tallywire.workshop.stack.local import LocalStack, StackPlan

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
REMEDY = "No Chromium on this machine: apt-get install chromium, or playwright install chromium"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Redis and dashboard, nothing else."""
    plan = StackPlan(tmp_path_factory.mktemp("stack"), broker=None, model=False, dashboard=True)
    with LocalStack(plan) as stack:
        stack.wait_ready()
        yield stack


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium. Gone after its module: while it lives, Playwright's own event loop runs
    in this thread, and no asynchronous test could."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(playwright), args=["--no-sandbox"]
        )
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """One viewer in front of a wall."""
    page = browser.new_page(viewport={"width": 1920, "height": 1080})
    yield page
    page.close()


def find_chromium(playwright: Playwright) -> str:
    """Path of a Chromium: the system's, or Playwright's own."""
    found = next(filter(None, map(shutil.which, NAMES)), playwright.chromium.executable_path)
    assert Path(found).exists(), REMEDY
    return found
