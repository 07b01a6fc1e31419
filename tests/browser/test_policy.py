"""The pages work under their Content-Security-Policy, and load nothing from other sites."""

import re

import pytest
from playwright.sync_api import Page, expect

import zoo
from tests.browser.reading import WAIT, expect_text, settled, upload, wide
from tests.browser.test_live import start, streamer

pytestmark = wide
PAGES = ["", "pictures", "sounds", "pitch", "live", "embeddings", "compare", "teach", "networks"]
TOLD = (
    "document.addEventListener('securitypolicyviolation', one => console.error('VIOLATION', one.blockedURI))"
)


@pytest.fixture
def said(page: Page, address: str) -> list[str]:
    """What breaks the policy, and what a page asks other sites for."""
    found = []
    page.add_init_script(TOLD)
    page.on("console", lambda message: found.append(message.text) if "VIOLATION" in message.text else None)
    page.on(
        "request",
        lambda one: None if one.url.startswith((address, "blob:", "data:")) else found.append(one.url),
    )
    return found


def test_every_page_keeps_to_the_policy(page, address, said):
    for name in PAGES:
        page.goto(f"{address}/{name}")
        settled(page)
        expect(page.get_by_role("heading").first).to_be_visible(timeout=WAIT)
    assert said == []


def test_what_visitors_bring_is_shown_and_played_under_the_policy(page, address, said):
    page.goto(f"{address}/pictures")
    settled(page)
    upload(page, zoo.sample("cat.png"))
    expect_text(page, re.compile("tabby"))
    page.goto(f"{address}/sounds")
    settled(page)
    upload(page, zoo.sample("bicycle-bell.wav"))
    player = page.locator("audio").first
    player.wait_for(state="attached", timeout=WAIT)
    player.evaluate("audio => audio.play()")
    page.wait_for_function("() => document.querySelector('audio').currentTime > 0.2")
    page.goto(f"{address}/live")
    start(page)
    expect_text(page, re.compile(r"Delay: sounds"))
    streamer(page).get_by_role("button", name="Stop").click()
    assert said == []
