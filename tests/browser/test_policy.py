"""The pages work under their Content-Security-Policy, and load nothing from other sites.

`test_accessibility` sees each of them with its samples, and this what visitors bring.
"""

import re

import zoo
from tests.browser.reading import WAIT, expect_text, settled, upload, wide
from tests.browser.test_live import start, streamer

pytestmark = wide


def test_what_visitors_bring_is_shown_and_played_under_the_policy(page, address, breaches):
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
    assert breaches == []
