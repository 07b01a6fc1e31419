"""The real server in a real browser: uploads, a microphone that plays a file, and what the pages then say."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import zoo
from tests.browser.reading import WAIT, download, expect_text, metric, narrow, settled, upload, wide


@narrow
def test_a_recording(page, address):
    page.goto(f"{address}/sounds")
    upload(page, zoo.sample("bicycle-bell.wav"))
    expect_text(page, re.compile(r"Overall: Bicycle bell"))
    expect(page.locator("audio")).to_be_visible()
    expect(page.locator(".js-plotly-plot").first).to_contain_text("Bicycle bell")
    lines = download(page, "CSV").splitlines()
    assert lines[0] == "start,end,label,index,id,score"
    assert any(line.startswith("7.2,") and "Bicycle bell" in line for line in lines)


@wide
def test_the_sidebar_names_the_pages(page, address):
    page.goto(f"{address}/networks")
    pages = ["Home", "Pictures", "Sounds", "Pitch", "Live", "Embeddings", "Compare", "Teach", "Networks"]
    expect(page.get_by_test_id("stSidebarNavLink")).to_contain_text(pages, timeout=WAIT)


@wide
def test_events_can_be_narrowed_down_and_taken_to_audacity(page, address):
    page.goto(f"{address}/sounds")
    upload(page, zoo.sample("bicycle-bell.wav"))
    expect_text(page, re.compile(r"Overall: Bicycle bell"))
    settled(page)
    chooser = page.get_by_role("combobox", name="Only these sounds")
    chooser.fill("Sounds of things")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")  # while the list is open, the rest of the page is hidden from readers
    expect(page.locator(".js-plotly-plot").first).not_to_contain_text("Speech")
    lines = [line.split("\t") for line in download(page, "Audacity labels").splitlines()]
    assert {"Bicycle bell"} <= {label for _, _, label in lines}
    assert "Speech" not in {label for _, _, label in lines}
    page.get_by_role("tab", name="Scores over time").click()
    expect(page.locator(".js-plotly-plot").nth(1)).to_contain_text("Speech")


def record(page: Page, seconds: float) -> None:
    page.get_by_text("Microphone", exact=True).click()
    page.get_by_role("button", name="Record", exact=True).click()
    stop = page.get_by_role("button", name="Stop recording")
    stop.wait_for()
    page.wait_for_timeout(1000 * seconds)
    stop.click()


@narrow
def test_the_microphone_is_heard(page, address):
    page.goto(f"{address}/pitch")
    record(page, 3)
    assert float(metric(page, "Median").split()[0]) == pytest.approx(440, rel=0.006)
    expect(page.locator(".js-plotly-plot").first).to_be_visible()


@wide
def test_a_recording_from_the_microphone_has_events(page, address):
    page.goto(f"{address}/sounds")
    record(page, 3)
    expect_text(page, re.compile(r"Overall: "))
    expect(page.locator(".js-plotly-plot").first).to_be_visible()


@wide
def test_a_melody(page, address, tmp_path):
    page.goto(f"{address}/pitch")
    upload(page, zoo.sample("melody.wav"))
    assert 255 < float(metric(page, "Lowest").split()[0]) < 265
    assert 388 < float(metric(page, "Highest").split()[0]) < 398
    lines = download(page, "CSV").splitlines()
    assert lines[0] == "time,frequency,confidence,voiced"
    assert len(lines) == 602
    page.get_by_role("tab", name="Notes").click()
    expect(page.locator(".js-plotly-plot").nth(1)).to_contain_text("G4")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="MIDI", exact=True).click()
    assert Path(waiting.value.path()).read_bytes()[:4] == b"MThd"
