"""Events are heard where they are seen: a chart that plays, and a player that is followed in it."""

from playwright.sync_api import Locator, Page

import zoo
from tests.browser.reading import WAIT, download, narrow, settled, upload, wide


def player_of(page: Page) -> Locator:
    """The player of the page Sounds, with the street that a bell rings in."""
    upload(page, zoo.sample("bicycle-bell.wav"))
    page.locator(".playhead").wait_for(timeout=WAIT)
    settled(page)
    return page.locator(".st-key-sounds-player audio")


def wait_until_it_plays(page: Page, start: float, end: float) -> None:
    page.wait_for_function(
        """([start, end]) => {
            const audio = document.querySelector(".st-key-sounds-player audio");
            return audio?.paused === false && audio.currentTime > start && audio.currentTime < end;
        }""",
        arg=[start, end],
    )


def click(page: Page, place: Locator, across: float) -> None:
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    x, y = box["x"] + across * box["width"], box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.wait_for_timeout(300)  # the chart looks what is below the pointer some time after it moved
    page.mouse.click(x, y)


@wide
def test_a_click_on_an_event_or_beside_one_plays_it(page, address):
    page.goto(f"{address}/sounds")
    player = player_of(page)
    chart = page.locator(".st-key-sounds-figure")
    click(page, chart.locator(".barlayer .point path").first, 0.5)
    wait_until_it_plays(page, 7.1, 12)  # the bell's, from its start
    before = page.locator(".playhead").bounding_box()["x"]
    click(page, chart.locator(".heatmaplayer image").first, 0.5)
    wait_until_it_plays(page, 29, 36)
    assert page.locator(".playhead").bounding_box()["x"] > before
    player.evaluate("audio => audio.pause()")


@narrow
def test_an_event_that_is_marked_in_the_table_is_played_to_its_end(page, address):
    page.goto(f"{address}/sounds")
    player = player_of(page)
    first = download(page, "CSV").splitlines()[1].split(",")
    page.get_by_test_id("stDataFrame").first.click(position={"x": 16, "y": 35 + 17})  # of the first row
    page.wait_for_function(
        """() => {
            const audio = document.querySelector(".st-key-sounds-player audio");
            return audio?.paused && audio.currentTime > 0;
        }"""
    )
    # It is paused in the first frame after the end, and a busy browser draws few of them.
    assert float(first[1]) <= player.evaluate("audio => audio.currentTime") < float(first[1]) + 3
