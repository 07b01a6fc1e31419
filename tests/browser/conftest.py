"""The server and the browser of these tests."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect, sync_playwright

from tests.browser import chromium
from tests.browser.batches import digits_batch
from tests.browser.reading import RUNS, WAIT
from tests.browser.serving import served
from tests.browser.test_teach import color

VIOLATIONS = """document.addEventListener(
    "securitypolicyviolation", event => console.error("VIOLATION", event.blockedURI)
)"""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """Have a test that fails tell what its page showed."""
    report = yield
    page = item.funcargs.get("page") if isinstance(item, pytest.Function) else None
    if report.when == "call" and report.failed and page:
        with suppress(Error):  # of a page that does not answer
            report.sections.append(("page", page.locator("body").inner_text(timeout=5000)))
    return report


@pytest.fixture(scope="package")
def address() -> Iterator[str]:
    """Where the app is served."""
    local = {"ZOO_LOCAL_LINKS": "1"}  # links of the tests lead to this machine
    with digits_batch() as batch, served(ZOO_APP_BATCHES=str(batch), **local) as (url, _):
        yield url


@pytest.fixture(scope="package")
def microphone(tmp_path_factory) -> Path:
    """What the microphone hears: a melody of one note, 440 Hz with overtones."""
    path = tmp_path_factory.mktemp("microphone") / "a4.wav"
    time_ = np.arange(48000 * 20) / 48000
    soundfile.write(path, sum(0.3 / k * np.sin(2 * np.pi * 440 * k * time_) for k in (1, 2, 3)), 48000)
    return path


@pytest.fixture(scope="package")
def browser(microphone):
    path = chromium.browser_path()
    flags = [*chromium.FLAGS, f"--use-file-for-fake-audio-capture={microphone}"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


@pytest.fixture(params=[1440, 390], ids=["wide", "narrow"])
def page(browser, request) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": request.param, "height": 1000})
    page.add_init_script(path=RUNS)
    page.set_default_timeout(WAIT)
    expect.set_options(timeout=WAIT)
    yield page
    page.close()


@pytest.fixture
def breaches(page: Page, address: str) -> list[str]:
    """What breaks the page's Content-Security-Policy, and what it asks other sites for: grows."""
    messages: list[str] = []
    page.add_init_script(VIOLATIONS)
    page.on("console", lambda message: messages.append(message.text) if "VIOLATION" in message.text else None)
    own = (address, "blob:", "data:")
    page.on("request", lambda request: None if request.url.startswith(own) else messages.append(request.url))
    return messages


@pytest.fixture
def examples(tmp_path: Path) -> dict[int, list[Path]]:
    """Six pictures for each of two classes, by the number of the class."""
    return {
        number: [color(tmp_path / str(number) / f"{number}-{i}.png", rgb, 10 * number + i) for i in range(6)]
        for number, rgb in ((1, (200, 40, 40)), (2, (40, 40, 200)))
    }


@pytest.fixture
def others(browser: Browser) -> Iterator[BrowserContext]:
    """Another browser, with cookies of its own."""
    context = browser.new_context()
    context.add_init_script(path=RUNS)
    context.set_default_timeout(WAIT)
    yield context
    context.close()
