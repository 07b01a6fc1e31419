"""The microphone in real time, through WebRTC: the fake one plays an A4 with overtones."""

import re
from xml.etree import ElementTree

from playwright.sync_api import FrameLocator, Locator, Page, expect

from tests.browser.reading import WAIT, expect_text, metric, narrow, settled, wide

# As browsers that name no device before one was allowed; not in the frame of the streamer.
NO_DEVICES = "if (window === top) navigator.mediaDevices.enumerateDevices = async () => [];"


def streamer(page: Page) -> FrameLocator:
    return page.frame_locator('iframe[title*="webrtc"]')


def tuner(page: Page) -> Locator:
    return page.get_by_role("img", name=re.compile("^Tuner: "))


def hears_the_note(page: Page) -> None:
    """The note is heard, as exactly as the tuner has it; no frequency is shown until most frames have one."""
    box = page.get_by_test_id("stMetric").filter(has_text="Frequency")
    expect(box).to_contain_text(re.compile(r"4(3[89]|4[0-2])\.\d Hz"), timeout=WAIT)


def start(page: Page) -> None:
    button = streamer(page).get_by_role("button", name="Start")
    expect(button).to_be_visible(timeout=WAIT)
    settled(page)  # the streamer and the look for a microphone both have the page run again
    button.press("Enter")  # a narrow page's menu may lie over it


@wide
def test_a_note_is_heard_as_it_sounds_until_stop(page, address):
    page.goto(f"{address}/live")
    expect_text(page, "The microphone is off. Press Start, and allow the browser to use it.")
    start(page)
    hears_the_note(page)
    expect(page.get_by_test_id("stMetric").filter(has_text="Cents off")).to_contain_text(
        re.compile(r"[+-]\d")
    )
    expect(page.get_by_role("img", name=re.compile(r"^Tuner: A4, 4[34]\d\.\d Hz"))).to_be_visible(
        timeout=WAIT
    )
    classes = re.compile("Sine wave|Dial tone|Telephone|Synthesizer|Electronic tuner")
    expect(page.get_by_role("img", name=classes)).to_be_visible(timeout=WAIT)
    expect(page.get_by_role("img", name="Scores of the last 20 seconds")).to_contain_text(classes)
    expect_text(page, re.compile(r"Delay: sounds [\d.]+ s, and a window of 1.4 s; pitch [\d.]+ s"))
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save as SVG").first.press("Enter")
    assert waiting.value.suggested_filename == "pitch.svg"
    drawn = ElementTree.parse(waiting.value.path()).getroot()
    assert drawn.get("aria-label") == "Pitch of the last 10 seconds"
    assert "color: rgb(" in drawn.get("style")

    streamer(page).get_by_role("button", name="Stop").click()
    expect_text(page, "The microphone is off. Press Start, and allow the browser to use it.")
    expect(tuner(page)).to_have_count(0)


@narrow
def test_what_is_heard_changes_as_it_goes_on_and_keeps_the_focus(page, address):
    page.goto(f"{address}/live")
    start(page)
    metric(page, "Frequency")
    page.get_by_text("Networks and tuning").click()
    tuning = page.get_by_role("spinbutton", name="A4 (Hz)")
    tuning.fill("466")
    place = page.locator(".st-key-live-tuner")
    place.evaluate("place => { place.seen = true }")
    page.wait_for_timeout(3000)  # in which the page is drawn a dozen times
    expect(tuning).to_be_focused()
    assert place.evaluate("place => place.seen"), "its place was made anew, which flickers"
    tuning.press("Enter")
    expect(tuner(page)).to_contain_text("G♯4", timeout=WAIT)
    streamer(page).get_by_role("button", name="Stop").click()
    expect_text(page, "The microphone is off.")


@wide
def test_leaving_the_page_stops_and_coming_back_begins_anew(page, address):
    page.add_init_script(NO_DEVICES)
    page.goto(f"{address}/live")
    expect_text(page, "The microphone is off. Press Start, and allow the browser to use it.")
    start(page)
    metric(page, "Frequency")
    if page.viewport_size["width"] < 500:
        page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_role("link", name="Sounds").click()
    expect(page.get_by_role("heading", name="Sounds")).to_be_visible(timeout=WAIT)
    settled(page)
    page.go_back()
    expect_text(page, "The microphone is off.")
    start(page)
    hears_the_note(page)
