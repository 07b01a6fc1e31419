"""The page Networks in a real browser: links, rows, graphs and what layers make of a picture."""

import re

from playwright.sync_api import Page, expect

from tests.browser.reading import WAIT, download, expect_text, narrow, scrolled_to, settled, wide

PATH = "/networks"


def box(page: Page, label: str):
    return page.get_by_role("combobox", name=label, exact=True)


def choose(page: Page, label: str, option: str) -> None:
    """By keyboard."""
    settled(page)
    scrolled_to(box(page, label)).click()
    box(page, label).fill(option)
    page.get_by_role("option", name=option, exact=True).click()


def graph(page: Page):
    return page.locator(".st-key-networks-graph-box .js-plotly-plot").first  # the old one lingers below


@narrow
def test_the_table_and_a_record(page, address):
    page.goto(f"{address}{PATH}")
    expect(page.get_by_role("heading", name="Networks")).to_be_visible(timeout=WAIT)
    expect(page.get_by_test_id("stDataFrame")).to_be_visible(timeout=WAIT)
    expect_text(page, re.compile("short side is resized"))
    saved = download(page, "Networks as CSV").splitlines()
    assert saved[0].startswith("name,network,for,tasks,parameters,")
    assert any(line.startswith("squeezenet.caffe,SqueezeNet 1.1,image,") for line in saved)


@wide
def test_a_row_of_the_table_opens_its_card_and_the_address_follows(page, address):
    page.goto(f"{address}{PATH}")
    expect_text(page, re.compile("short side is resized"))
    settled(page)
    page.get_by_test_id("stDataFrame").click(position={"x": 16, "y": 35 + 35 + 17})  # the second row
    expect(page.get_by_role("heading", name="SqueezeNet 1.1 (torchvision)")).to_be_visible(timeout=WAIT)
    expect(page).to_have_url(re.compile(r"\?network=squeezenet\.tv$"), timeout=WAIT)


@wide
def test_a_link_opens_yamnet(page, address):
    page.goto(f"{address}{PATH}?network=yamnet")
    expect(page.get_by_role("heading", name="YAMNet")).to_be_visible(timeout=WAIT)
    expect_text(page, re.compile("log-mel patch of 96 frames"))


@wide
def test_a_list_that_loads_late_shows_the_network_of_the_link(page, address):
    held = []  # the code of lists, until the run that set the value is over
    page.route("**/Selectbox.*.js", lambda route: held.append(route))
    page.goto(f"{address}{PATH}?network=densenet201")
    page.get_by_text("Layers", exact=True).click()
    expect(graph(page)).to_be_visible(timeout=WAIT)
    settled(page)
    held.pop().continue_()
    expect(box(page, "Network")).to_have_value(re.compile("densenet201"), timeout=WAIT)
    expect(box(page, "Layer")).to_have_value("features.conv0", timeout=WAIT)


@narrow
def test_a_link_to_no_network_is_one_sentence(page, address):
    page.goto(f"{address}{PATH}?network=yamnett")
    expect_text(page, "The link names the network 'yamnett', which is not offered here; did you mean yamnet")
    expect(page.get_by_role("heading", name="SqueezeNet 1.1")).to_be_visible(timeout=WAIT)


@narrow
def test_a_layer_is_chosen_and_shows_what_it_makes_of_a_cat(page, address):
    page.goto(f"{address}{PATH}?network=squeezenet")
    expect_text(page, re.compile("short side is resized"))
    settled(page)
    page.get_by_text("Layers", exact=True).click()
    expect(graph(page)).to_be_visible(timeout=WAIT)
    expect(graph(page)).to_contain_text("expand3x3", timeout=WAIT)
    choose(page, "Layer", "features.3.squeeze")
    expect_text(page, "Out: 16 × 56 × 56")
    settled(page)
    page.get_by_text("Sample", exact=True).click()
    expect_text(page, re.compile("The strongest of 16 channels"))
    expect(page.get_by_test_id("stMain").get_by_role("img", name="Map of channel")).to_have_count(
        16, timeout=WAIT
    )
    assert "features.3.squeeze" in download(page, "Layers as CSV")


@wide
def test_a_node_of_the_graph_is_clicked_and_a_block_opened(page, address):
    page.goto(f"{address}{PATH}?network=densenet201")
    expect_text(page, re.compile("short side is resized"))
    settled(page)
    page.get_by_text("Layers", exact=True).click()
    expect(graph(page)).to_be_visible(timeout=WAIT)
    expect(box(page, "Layer")).to_have_value("features.conv0", timeout=WAIT)
    expect_text(page, "Select a row to choose that layer.")  # the page is complete
    # The points of blocks are the last trace but one, in the order in which they run.
    blocks = graph(page).locator(".trace.scatter").nth(-2).locator(".point")
    settled(page)
    scrolled_to(blocks.nth(2)).click(force=True)  # Plotly's own layer takes the click and finds the point
    expect(box(page, "Layer")).to_have_value("features.denseblock1.denselayer3", timeout=WAIT)
    page.get_by_role("button", name="Look inside").click()
    expect(box(page, "Part")).to_have_value("features.denseblock1.denselayer3", timeout=WAIT)
    expect(graph(page)).to_contain_text("norm2", timeout=WAIT)
    expect(graph(page)).not_to_contain_text("denselayer9", timeout=WAIT)
