"""The real server in a real browser: uploads, a microphone that plays a file, and what the pages then say."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import requests
import soundfile
from playwright.sync_api import Page, expect, sync_playwright

import zoo
from tests.browser import chromium

pytestmark = pytest.mark.browser
WAIT = 90_000  # ms; the first answer loads torch and a network


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where the app is served."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "zoo", "app", "--port", str(port), "--address", "127.0.0.1"]
    with subprocess.Popen(command, start_new_session=True) as server:
        url = f"http://127.0.0.1:{port}"
        for _ in range(120):
            try:
                if requests.get(f"{url}/_stcore/health", timeout=1).ok:
                    break
            except requests.RequestException:
                time.sleep(0.5)
        yield url
        os.killpg(server.pid, 15)


@pytest.fixture(scope="module")
def microphone(tmp_path_factory) -> Path:
    """What the microphone hears: a melody of one note, 440 Hz with overtones."""
    path = tmp_path_factory.mktemp("microphone") / "a4.wav"
    time_ = np.arange(48000 * 20) / 48000
    soundfile.write(path, sum(0.3 / k * np.sin(2 * np.pi * 440 * k * time_) for k in (1, 2, 3)), 48000)
    return path


@pytest.fixture(scope="module")
def browser(microphone):
    path = chromium.find()
    if path is None:
        if os.environ.get("ZOO_REQUIRE_BROWSER"):
            pytest.fail("no Chromium or Chrome, and ZOO_REQUIRE_BROWSER wants one")
        pytest.skip("no Chromium or Chrome on this machine; `make test` brings one where it can")
    flags = [
        "--no-sandbox",
        "--disable-quic",
        "--disable-background-networking",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={microphone}",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


@pytest.fixture(params=[1440, 390], ids=["wide", "narrow"])
def page(browser, request) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": request.param, "height": 1000})
    page.set_default_timeout(WAIT)
    yield page
    page.close()


def upload(page: Page, *files: Path) -> None:
    page.locator('input[type="file"]').set_input_files(files)


def expect_text(page: Page, text: str | re.Pattern) -> None:
    expect(page.get_by_text(text).first).to_be_visible(timeout=WAIT)


def metric(page: Page, label: str) -> str:
    box = page.get_by_test_id("stMetric").filter(has_text=label)
    box.wait_for()
    return box.get_by_test_id("stMetricValue").inner_text()


def download(page: Page, label: str) -> str:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=label, exact=True).click()
    return Path(waiting.value.path()).read_text(encoding="utf-8")


def test_networks(page, address):
    page.goto(address)
    expect(page.get_by_role("heading", name="Networks")).to_be_visible(timeout=WAIT)
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    expect_text(page, re.compile("short side is resized"))


def test_a_photo(page, address, media):
    page.goto(f"{address}/pictures")
    photo = next((media / "photos").glob("*_ruddy_turnstone.jpg"))
    upload(page, photo)
    expect_text(page, "EfficientNet-Lite0: ruddy turnstone")
    expect_text(page, "SqueezeNet 1.1: ruddy turnstone")
    expect(page.locator(".js-plotly-plot")).to_have_count(2)
    results = json.loads(download(page, "JSON"))
    assert [result["predictions"][0]["id"] for result in results] == ["n02025239"] * 2
    assert {result["input"] for result in results} == {photo.name}


def test_a_bad_file_is_one_sentence_and_the_page_still_works(page, address, tmp_path):
    bad = tmp_path / "bad.jpg"
    bad.write_text("this is text")
    page.goto(f"{address}/pictures")
    upload(page, bad)
    expect_text(page, "bad.jpg is not a picture (JPEG, PNG, WebP, BMP, TIFF or GIF).")
    page.get_by_text("Sample", exact=True).click()
    expect_text(page, "SqueezeNet 1.1: Egyptian cat")


def test_a_recording(page, address):
    page.goto(f"{address}/sounds")
    upload(page, zoo.sample("bicycle-bell.wav"))
    expect_text(page, re.compile(r"On the whole: Bicycle bell"))
    expect(page.locator("audio")).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_contain_text("Bicycle bell")
    lines = download(page, "CSV").splitlines()
    assert lines[0] == "start,end,label,index,id,score"
    assert any(line.startswith("7.2,") and "Bicycle bell" in line for line in lines)


def record(page: Page, seconds: float) -> None:
    page.get_by_text("Microphone", exact=True).click()
    page.get_by_role("button", name="Record", exact=True).click()
    stop = page.get_by_role("button", name="Stop recording")
    stop.wait_for()
    page.wait_for_timeout(1000 * seconds)
    stop.click()


def test_the_microphone_is_heard(page, address):
    page.goto(f"{address}/pitch")
    record(page, 3)
    assert float(metric(page, "Median").split()[0]) == pytest.approx(440, rel=0.006)
    expect(page.locator(".js-plotly-plot")).to_be_visible()


def test_a_recording_from_the_microphone_has_events(page, address):
    page.goto(f"{address}/sounds")
    record(page, 3)
    expect_text(page, re.compile(r"On the whole: "))
    expect(page.locator(".js-plotly-plot")).to_be_visible()


def test_a_melody(page, address, tmp_path):
    page.goto(f"{address}/pitch")
    upload(page, zoo.sample("melody.wav"))
    assert 255 < float(metric(page, "Lowest").split()[0]) < 265
    assert 388 < float(metric(page, "Highest").split()[0]) < 398
    lines = download(page, "CSV").splitlines()
    assert lines[0] == "time,frequency,confidence,voiced"
    assert len(lines) == 602
