"""Long work of several visitors: who waits for whom, what the pages say of it, and how it is stopped."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.reading import RUNS, WAIT, expect_text, metric, opened, settled, upload, wide
from tests.browser.test_teach import color, teach


def measure_all_networks(page: Page, address: str) -> Locator:
    """Begin a measurement that takes minutes; gives its progress."""
    page.goto(f"{address}/networks")
    settled(page)
    page.get_by_text("Image networks: accuracy against prediction time").click()
    settled(page)
    page.get_by_text("Measured here", exact=True).click()
    button = page.get_by_role("button", name=re.compile("^Measure [0-9]+ networks"))
    usual = button.inner_text()
    settled(page)
    page.get_by_text(re.compile("^Also the [0-9]+ networks")).click()
    expect(button).not_to_have_text(usual)
    settled(page)
    button.click()
    progress = page.get_by_text(re.compile("^Measuring …"))
    expect(progress).to_be_visible()
    return progress


@contextmanager
def measuring_all_networks(browser: Browser, address: str) -> Iterator[Page]:
    """The page of a visitor whose measurement takes minutes; it is stopped in the end."""
    with opened(browser) as page:
        progress = measure_all_networks(page, address)
        yield page
        expect(progress).to_be_visible()
        page.get_by_test_id("stMain").get_by_role("button", name="Stop").click()
        expect(progress).to_be_hidden(timeout=3 * WAIT)  # once the network in hand is measured


def upload_two_colors(page: Page, address: str, folder: Path) -> None:
    page.goto(f"{address}/teach")
    for name, rgb, number in (("red", (200, 40, 40), 1), ("blue", (40, 40, 200), 2)):
        files = [color(folder / name / f"{i}.png", rgb, 10 * number + i) for i in range(6)]
        upload(page, *files, to=f"Examples of Class {number}")
        if number == 1:  # a browser that is given two sets of files within milliseconds may lose one
            expect_text(page, "Add examples of a second class.")


@wide
def test_a_short_training_passes_a_measurement_and_a_comparison_waits_for_a_quiet_machine(
    page, browser, address, tmp_path
):
    with measuring_all_networks(browser, address), opened(browser) as comparing:
        upload_two_colors(page, address, tmp_path)
        expect_text(page, "Advice: classic classifier.")
        teach(page)
        assert metric(page, "Accuracy") == "100.0%"

        comparing.goto(f"{address}/compare")
        settled(comparing)
        comparing.get_by_role("button", name="Compare", exact=True).click()
        waits = (
            r"Waits for a quiet machine: 1 measurement of networks is running\. Starts in about \d+ (s|min)\."
        )
        expect_text(comparing, re.compile(waits))
        comparing.get_by_test_id("stMain").get_by_role("button", name="Stop").click()
        expect_text(comparing, "Stopped; nothing was kept.")


@wide
def test_a_measurement_whose_visitor_left_ends_and_lets_others_begin(page, browser, address):
    context = browser.new_context()
    context.add_init_script(path=RUNS)
    context.set_default_timeout(WAIT)
    measure_all_networks(context.new_page(), address)
    context.close()
    page.goto(f"{address}/compare")
    settled(page)
    page.get_by_text("Settings", exact=True).click()
    page.get_by_role("slider", name="Passes").press("End")
    expect(page.get_by_role("slider", name="Passes")).to_have_value("50")
    settled(page)
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_text(re.compile("^Measures ")).first).to_be_visible(timeout=3 * WAIT)
    page.get_by_test_id("stMain").get_by_role("button", name="Stop").click()
    expect_text(page, "Stopped; nothing was kept.")


@wide
def test_advice_shows_its_progress_and_can_be_gone_without(page, address, media, tmp_path):
    page.goto(f"{address}/teach")
    for number, name in enumerate(("ants", "bees"), 1):
        files = sorted((media / "ants-bees" / "train" / name).glob("*.jpg"))[:40]
        upload(page, *files, to=f"Examples of Class {number}")
        if number == 1:
            expect_text(page, "Add examples of a second class.")
    expect(page.get_by_text("Trying some of the examples to advise you …")).to_be_visible()
    page.get_by_role("button", name="Go without advice").click()
    expect(page.get_by_role("button", name="Advise me")).to_be_visible()
    expect(page.get_by_test_id("stMain").get_by_role("button", name="Teach")).to_be_enabled()
    settled(page)
    page.get_by_role("button", name="Advise me").click()
    expect_text(page, "Advice: new head.")
