"""The main jobs without a pointer: to classify, to hear events and pitch, to teach, and to compare."""

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

import zoo
from tests.browser.reading import WAIT, expect_text, metric, settled, wide
from tests.browser.test_teach import color

MAX_TABS = 80


def tab_to(page: Page, element: Locator) -> None:
    """Press Tab until an element has the focus."""
    expect(element).to_be_visible(timeout=WAIT)
    settled(page)
    for _ in range(MAX_TABS):
        if element.evaluate("element => element === element.getRootNode().activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{MAX_TABS} times Tab do not lead to {element}")


def upload(page: Page, name: str, *files: Path) -> None:
    """Choose files with the button of an uploader."""
    box = page.get_by_role("region", name=name)
    button = box.get_by_role("button", name="Upload", exact=True)
    tab_to(page, button)
    settled(page)
    expect(button).to_be_enabled()  # it is not while the connection is lost, and then loses the focus
    with page.expect_file_chooser() as chooser:
        button.press("Enter")
    chooser.value.set_files(files)


@wide
def test_a_photo_is_classified(page, address):
    page.goto(f"{address}/pictures")
    upload(page, "Pictures", Path(zoo.sample("cat.png")))
    expect_text(page, "SqueezeNet 1.1: Egyptian cat")
    tab_to(page, page.get_by_role("switch", name="Where it looks"))
    page.keyboard.press("Space")
    expect(page.get_by_alt_text(re.compile("^Where "))).to_have_count(2, timeout=WAIT)
    tab_to(page, page.get_by_role("button", name="CSV", exact=True))
    with page.expect_download() as waiting:
        page.keyboard.press("Enter")
    assert waiting.value.suggested_filename == "pictures.csv"


@wide
def test_events_of_a_sound_are_found_and_one_is_chosen(page, address):
    page.goto(f"{address}/sounds")
    upload(page, "A recording", Path(zoo.sample("bicycle-bell.wav")))
    expect_text(page, "Overall:")
    tab_to(page, page.get_by_role("tab", name="Events"))
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Scores over time")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    tab_to(page, page.get_by_role("button", name="Audacity labels"))
    with page.expect_download() as waiting:
        page.keyboard.press("Enter")
    assert waiting.value.suggested_filename == "events.txt"


@wide
def test_the_pitch_of_the_sample_is_followed_and_played(page, address):
    page.goto(f"{address}/pitch")
    tab_to(page, page.get_by_role("radio", name="Upload"))
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect_text(page, "Median")
    tab_to(page, page.get_by_role("switch", name="Play the pitch as a tone"))
    page.keyboard.press("Space")
    expect(page.locator("audio")).to_have_count(2, timeout=WAIT)


@wide
def test_two_colors_are_taught(page, address, tmp_path):
    page.goto(f"{address}/teach")
    for number, rgb in ((1, (200, 40, 40)), (2, (40, 40, 200))):
        files = [color(tmp_path / str(number) / f"{i}.png", rgb, 10 * number + i) for i in range(6)]
        upload(page, f"Examples of Class {number}", *files)
        expect_text(page, f"6 of Class {number}")
    expect_text(page, "Advice:")
    expect_text(page, "Your project stays on this server for 30 days after your last visit")
    tab_to(page, page.get_by_test_id("stMain").get_by_role("button", name="Teach", exact=True))
    page.keyboard.press("Enter")
    assert metric(page, "Accuracy") == "100.0%"


@wide
def test_a_comparison_is_begun_and_stopped(page, address):
    page.goto(f"{address}/compare")
    tab_to(page, page.get_by_test_id("stMain").get_by_role("button", name="Compare", exact=True))
    page.keyboard.press("Enter")
    expect_text(page, re.compile("^Measures "))
    tab_to(page, page.get_by_role("button", name="Stop", exact=True))
    page.keyboard.press("Enter")
    expect_text(page, "Stopped; nothing was kept.")
