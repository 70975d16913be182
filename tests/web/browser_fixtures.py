"""A browser, a server with two small models, and pages whose console must stay empty."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from restorae.networks import Conv, UNet
from tests.cli.conftest import untrained
from tests.web.browser import PATIENCE_MS, Running, arguments, chromium, clean_up, serving
from tests.web.conftest import noise

EXPECTED = ("Failed to load resource", "willReadFrequently")
"""A refusal that the page then tells; and what the tests' own looking at pixels brings about."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium()
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=arguments())
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("page")
    untrained(Conv(features=4), folder / "models" / "small")
    untrained(UNet(channels=3), folder / "models" / "thorough")  # takes its time
    (folder / "data" / "photos").mkdir(parents=True)
    Image.fromarray(noise(64, 64)).save(folder / "data" / "photos" / "a.png")
    with serving(folder, "--data", "data") as found:
        yield found


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(viewport={"width": 1280, "height": 820})
    opened.set_default_timeout(PATIENCE_MS)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext, running: Running) -> Iterator[Page]:
    """A page whose console must stay empty, and whose images are removed afterwards."""
    complaints: list[str] = []
    opened = context.new_page()
    opened.on(
        "console",
        lambda message: (
            complaints.append(message.text) if message.type in ("error", "warning") else None
        ),
    )
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    clean_up(opened)
    expected = [told for told in complaints if not any(known in told for known in EXPECTED)]
    assert not expected, expected
