"""Takes dashboard/screenshot.png of a running count, once enough sheets have come.

python -m tests.browser.screenshot http://127.0.0.1:8501 --sheets 430
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import find_chromium

TARGET = Path(__file__).parents[2] / "dashboard" / "screenshot.png"
COUNTED, HELD = 0, 3
"""Places of two key figures in their row."""


def main() -> None:
    """Wait for the count, then take the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--sheets", type=int, default=1, help="counted and held, at least")
    parser.add_argument("--scheme", choices=("light", "dark"), default="light")
    parser.add_argument("--out", type=Path, default=TARGET)
    given = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(playwright), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1920, "height": 1080}, color_scheme=given.scheme)
        page.goto(given.url)
        page.wait_for_selector(".tw-kpis", timeout=600_000)
        while sheets(page) < given.sheets:
            time.sleep(0.2)
        page.screenshot(path=given.out)
        browser.close()


def sheets(page: Page) -> int:
    """Counted and held stations as the page shows them."""
    figures = page.locator(".tw-kpi .value").all_inner_texts()
    return sum(int(figures[at].split()[0].replace(",", "")) for at in (COUNTED, HELD))


if __name__ == "__main__":
    main()
