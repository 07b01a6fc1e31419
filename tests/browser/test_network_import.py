"""A network file is imported by keyboard, classifies a photo, and stays, for nobody else."""

import re
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

import zoo
from tests.browser.reading import WAIT, expect_text, settled, upload, wide
from tests.browser.test_accessibility import grave
from tests.browser.test_keyboard import tab_to
from tests.browser.test_keyboard import upload as choose_by_keyboard
from tests.zoo.exchange.small_onnx import colors_network


@wide
def test_a_file_is_imported_by_keyboard_and_classifies_and_stays(
    page: Page, address: str, others: BrowserContext, tmp_path: Path
) -> None:
    page.goto(f"{address}/networks")
    tab_to(page, page.locator("summary", has_text="Import a network"))
    page.keyboard.press("Enter")
    chooser = "A network file (.onnx, .pt2, .tflite, .keras)"
    choose_by_keyboard(page, chooser, colors_network(tmp_path / "colors.onnx"))
    begin = page.get_by_role("button", name="Import", exact=True)
    expect(begin).to_be_visible(timeout=WAIT)
    assert not grave(page)
    tab_to(page, page.get_by_label("2 labels, one a line (optional)"))
    page.keyboard.type("reddish\nbluish")
    tab_to(page, begin)
    page.keyboard.press("Enter")
    expect_text(page, re.compile("colors is imported"))
    expect_text(page, re.compile("2 classes, as asked for: reddish, bluish"))
    settled(page)
    page.goto(f"{address}/pictures")
    upload(page, Path(zoo.sample("cat.png")))
    box = page.get_by_role("combobox", name="Networks")
    expect_text(page, "SqueezeNet 1.1: Egyptian cat")
    settled(page)
    box.fill("colors")
    page.get_by_role("option", name="colors · imported ✓").click()
    expect_text(page, re.compile("^colors: (reddish|bluish)$"))
    page.goto(f"{address}/networks")
    expect(page.get_by_role("heading", name="colors")).to_be_visible(timeout=WAIT)
    expect_text(page, re.compile("reddish, bluish"))
    other = others.new_page()
    other.goto(f"{address}/networks")
    expect(other.get_by_role("heading", name="SqueezeNet 1.1")).to_be_visible(timeout=WAIT)
    expect(other.get_by_text("colors")).to_have_count(0)
