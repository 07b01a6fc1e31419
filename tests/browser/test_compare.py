"""Networks are compared in a real browser, and figures and answers are read off the page."""

import json
import re

from playwright.sync_api import Page, expect

from tests.browser.reading import WAIT, download, expect_text, metric, narrow, opened, settled, upload, wide

PATIENCE = 300_000  # ms; each network is loaded in a process of its own, by a machine that may be busy


def compare(page: Page) -> None:
    settled(page)
    page.get_by_test_id("stMain").get_by_role("button", name="Compare").click()


def shade(page: Page, button: str) -> float:
    """The mean of red, green and blue, up to 255, of the label of a disabled button on a light page."""
    label = page.get_by_test_id("stMain").get_by_role("button", name=button, disabled=True).locator("p")
    color = label.evaluate("label => getComputedStyle(label).color")
    return sum(map(float, re.findall(r"[\d.]+", color)[:3])) / 3


@narrow
def test_two_networks_are_measured_beside_another_visitor_and_agree_on_a_photo(page, browser, address, media):
    page.goto(f"{address}/compare")
    settled(page)
    page.get_by_text("Pictures to classify").click()
    photo = next((media / "photos").glob("*_ruddy_turnstone.jpg"))
    with page.expect_response(lambda response: response.request.method == "PUT"):
        upload(page, photo)  # its name is shown before it has arrived
    expect_text(page, re.compile(r"\.jpg$"))
    page.get_by_text("Settings", exact=True).click()
    page.get_by_role("slider", name="Passes").press("Home")  # three
    expect(page.get_by_role("slider", name="Passes")).to_have_value("3")
    with opened(browser) as other:
        other.goto(f"{address}/pictures?sample=cat.png")
        expect_text(other, "SqueezeNet 1.1: Egyptian cat")
        settled(other)
        compare(page)
        expect_text(page, re.compile(r"Measures (SqueezeNet 1.1, 1|EfficientNet-Lite0, 2) of 2"))
        assert shade(page, "Compare") < 200  # the label of a disabled button is not white on white
        other.get_by_text("Where it looks").click()
        expect(other.get_by_alt_text(re.compile("^Where "))).to_have_count(2)
    done = page.get_by_text(
        re.compile(r"Measured on .*threads?, fp32, onnxruntime, batch 1 and 16, 3 passes(, beside .*)?\.")
    )
    expect(done).to_be_visible(timeout=PATIENCE)
    expect_text(page, "Other work ran on this server meanwhile")
    fastest = metric(page, "Fastest")
    assert float(fastest.split()[0]) > 0
    assert fastest.endswith(" ms")
    assert metric(page, "Same answer from all") == "1 of 1"
    expect(page.locator(".js-plotly-plot").first).to_contain_text("efficientnet_lite0.tf")
    page.get_by_role("tab", name="Latency and memory").click()
    expect(page.locator(".js-plotly-plot").nth(1)).to_contain_text("memory of the network in MB")
    page.get_by_role("tab", name="Answers").click()
    expect_text(page, "marks different answers of two networks")
    comparison = json.loads(download(page, "JSON"))
    assert f"{min(row['latency_ms'] for row in comparison['rows']):.1f} ms" == fastest
    assert [row["labels"] for row in comparison["rows"]] == [["ruddy turnstone"]] * 2
    assert comparison["inputs"] == [photo.name]
    assert comparison["agreement"]["squeezenet.caffe"]["efficientnet_lite0.tf"] == 1
    assert all(row["memory_mb"] < row["peak_memory_mb"] for row in comparison["rows"])
    assert metric(page, "Least memory") == f"{min(row['memory_mb'] for row in comparison['rows']):.0f} MB"
    expect(page.get_by_text("The machine was busy")).to_have_count(int(comparison["busy"]))


@wide
def test_networks_of_one_task_are_chosen_at_first(page, address):
    page.goto(f"{address}/compare")
    settled(page)
    page.get_by_test_id("stMain").get_by_text("Sounds", exact=True).click()
    expect(page.get_by_test_id("stMultiSelect").locator("[data-tag]")).to_have_text(["YAMNet ✓"])
    expect(page.get_by_text("Sounds to classify (optional)")).to_be_visible()


@wide
def test_stop_leaves_the_page_as_it_was(page, address):
    page.goto(f"{address}/compare")
    settled(page)
    page.get_by_text("Settings", exact=True).click()
    page.get_by_role("slider", name="Passes").press("End")
    expect(page.get_by_role("slider", name="Passes")).to_have_value("50")
    compare(page)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("Stopped; nothing was kept.")).to_be_visible(timeout=WAIT)
    expect(page.get_by_test_id("stMain").get_by_role("button", name="Compare")).to_be_enabled()
