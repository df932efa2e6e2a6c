"""Chromium for tests: the machine's own, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
#: No sandbox, as root has none; and nothing that calls home beside Playwright's own set of switches.
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync")


def find_chromium() -> str:
    """The path of a Chromium; SHEETPORT_TEST_CHROMIUM decides when set. Fails when there is none."""
    chosen = os.environ.get("SHEETPORT_TEST_CHROMIUM")
    for name in (chosen,) if chosen else NAMES:
        found = shutil.which(name)
        if found:
            return found
    with sync_playwright() as playwright:
        bundled = playwright.chromium.executable_path
    if not Path(bundled).exists():
        raise RuntimeError("Chromium is missing: run ./test, which installs it (Debian: apt-get install chromium).")
    return bundled


@contextmanager
def running_browser(executable: str) -> Iterator[Browser]:
    """A headless browser without a profile."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()
