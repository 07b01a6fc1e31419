"""The page Pitch in a real browser: a tone that is played, and notes that are taken home."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

from tests.browser.reading import WAIT, download, expect_text, settled, upload, wide


@pytest.fixture
def tones(tmp_path) -> list[Path]:
    """Long enough that a run with one of them takes the toggle of the run before from the page."""
    time = np.arange(16000 * 12) / 16000
    paths = [tmp_path / f"{hertz}.wav" for hertz in (440, 330)]
    for path in paths:
        soundfile.write(path, 0.5 * np.sin(2 * np.pi * int(path.stem) * time), 16000)
    return paths


@wide
def test_the_player_of_the_tone_is_there_as_long_as_its_toggle_is_on(page, address, tones):
    page.goto(f"{address}/pitch")
    toggle = page.get_by_role("switch", name="Play the pitch as a tone")
    for path in tones:
        upload(page, path)
        expect_text(page, "Median")
        expect(page.get_by_role("figure", name=f"Pitch of {path.name} over time")).to_be_visible(timeout=WAIT)
        settled(page)
        expect(page.locator("audio")).to_have_count(2 if toggle.is_checked() else 1)
        if not toggle.is_checked():
            page.get_by_text("Play the pitch as a tone").click()
        expect(page.locator("audio")).to_have_count(2)
    page.get_by_text("Play the pitch as a tone").click()
    expect(page.locator("audio")).to_have_count(1)
    page.get_by_role("tab", name="Notes").click()
    assert ",E4," in download(page, "Notes as CSV").splitlines()[1]
