"""Photos become a map in a real browser; a point is clicked, and the vectors come home."""

import re
from pathlib import Path

import numpy as np
from playwright.sync_api import expect

import zoo
from tests.browser.reading import WAIT, download, expect_text, narrow, scrolled_to, settled, upload, wide


@narrow
def test_photos_are_laid_out_compared_and_taken_home(page, address, media):
    insects = media / "ants-bees" / "val"
    files = [
        *sorted((media / "photos").glob("*.jpg"))[:8],
        *sorted((insects / "ants").glob("*.jpg"))[:3],
        *sorted((insects / "bees").glob("*.jpg"))[3:6],
    ]
    expected = zoo.load("efficientnet_lite0").embed(files)
    page.goto(f"{address}/embeddings")
    upload(page, *files)
    expect_text(page, re.compile(r"^The map shows \d+% of the variance"))
    points = page.locator(".js-plotly-plot").first.locator("g.points path")
    expect(points).to_have_count(1 + len(files), timeout=WAIT)  # and the ring
    box = page.get_by_role("combobox", name="Chosen")
    expect(box).to_have_value(files[0].name, timeout=WAIT)
    settled(page)
    scrolled_to(points.last).click(force=True)
    expect(box).to_have_value(files[-1].name, timeout=WAIT)
    near = expected.neighbors(len(files) - 1, 5)
    for row, similarity in zip(near.indices, near.similarities, strict=True):
        expect_text(page, re.compile(f"^{similarity:.2f} {re.escape(files[row].name)}"))
    picture = page.get_by_test_id("stMain").get_by_role("img", name=files[near.indices[0]].name)
    expect(picture).to_be_visible(timeout=WAIT)
    sides = "image => image.decode().then(() => [image.naturalWidth, image.naturalHeight])"
    assert max(picture.evaluate(sides)) == 320
    overflow = "main => main.scrollWidth - main.clientWidth"
    assert page.get_by_test_id("stMain").evaluate(overflow) <= 0
    settled(page)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="NPZ", exact=True).click()
    saved = np.load(Path(waiting.value.path()))
    assert saved["inputs"].tolist() == [file.name for file in files]
    np.testing.assert_allclose(saved["values"], expected.values, atol=1e-3)
    page.get_by_role("tab", name="Similarity").click()
    expect(page.locator(".js-plotly-plot").nth(1)).to_contain_text("cosine", timeout=WAIT)


@wide
def test_a_map_is_there_at_once_and_becomes_umap_and_its_table_is_taken_home(page, address):
    page.goto(f"{address}/embeddings")
    page.get_by_text("Sample", exact=True).click()
    expect_text(page, re.compile(r"^The map shows \d+% of the variance"))
    page.get_by_text("UMAP", exact=True).click()
    expect(page.get_by_test_id("stProgress").filter(has_text="UMAP: ")).to_be_visible()
    expect(page.get_by_role("figure", name="Map of 80 vectors by PCA")).to_be_visible()
    page.get_by_role("combobox", name="Color").click()  # the page answers meanwhile
    page.get_by_role("option", name="Nothing").click()
    expect(page.get_by_text("UMAP keeps neighbors together")).to_be_visible(timeout=3 * WAIT)
    expect(page.get_by_role("figure", name="Map of 80 vectors by UMAP")).to_be_visible()
    assert len(download(page, "Map as CSV").splitlines()) == 81
    page.get_by_role("tab", name="Similarity").click()
    assert len(download(page, "Similarity as CSV").splitlines()) == 81


@wide
def test_recordings_are_heard_and_a_text_is_told(page, address, media, tmp_path):
    bad = tmp_path / "bad.wav"
    bad.write_text("this is text")
    page.goto(f"{address}/embeddings")
    settled(page)
    page.get_by_test_id("stMain").get_by_text("Sounds", exact=True).click()
    page.get_by_role("region", name="Sounds").wait_for()
    sounds = media / "sounds"
    upload(page, sounds / "miaow_16k.wav", bad, sounds / "baby_5000ms.wav", to="Sounds")
    expect_text(page, re.compile("^bad.wav is "))
    expect_text(page, re.compile(r"^The map shows \d+% of the variance"))
    expect(page.locator("audio")).to_have_count(6)
    page.get_by_role("tab", name="Vectors over time").click()
    expect(page.locator(".js-plotly-plot").nth(2)).to_contain_text("time (s)", timeout=WAIT)
