"""What a visitor gives to the page Pictures, and chooses there, stays until the visitor removes it."""

import re

from playwright.sync_api import Page, expect

import zoo
from tests.browser.reading import WAIT, expect_text, settled, upload, wide

pytestmark = wide


def is_kept(page: Page) -> None:
    expect_text(page, "SqueezeNet 1.1: Egyptian cat")
    expect(page.get_by_text("EfficientNet-Lite0: ")).to_have_count(0)
    expect(page.get_by_role("button", name="Remove cat.png")).to_be_visible()


def test_a_picture_and_the_networks_stay_over_other_pages_and_reload_until_it_is_removed(page, address):
    page.goto(f"{address}/pictures")
    upload(page, zoo.sample("cat.png"))
    expect_text(page, "EfficientNet-Lite0: ")
    settled(page)
    page.get_by_role("button", name=re.compile("^Remove EfficientNet-Lite0")).click()
    expect(page.get_by_text("EfficientNet-Lite0: ")).to_have_count(0, timeout=WAIT)
    settled(page)
    page.get_by_role("link", name="Networks").click()
    expect(page.get_by_role("heading", name="Networks", exact=True)).to_be_visible()
    page.go_back()
    is_kept(page)
    settled(page)
    page.get_by_text("Where it looks").click()  # another run of the page, which must not drop the file
    expect(page.get_by_alt_text(re.compile("^Where SqueezeNet"))).to_be_visible(timeout=WAIT)
    is_kept(page)
    page.goto(f"{address}/pictures")
    is_kept(page)
    settled(page)
    page.get_by_role("button", name="Remove cat.png").click()
    expect(page.get_by_text("SqueezeNet 1.1: ")).to_have_count(0)
    page.reload()
    settled(page)
    expect(page.get_by_text("Kept from before")).to_have_count(0)
