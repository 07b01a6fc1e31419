"""A folder is sorted in a real browser: answers by keys and clicks, an estimate, downloads, a reload."""

import io
import re
import zipfile

import pandas as pd
from playwright.sync_api import expect

from tests.browser.accessibility import require_accessible_chart
from tests.browser.batches import EACH
from tests.browser.reading import download, expect_text, narrow, settled
from tests.browser.scenes import answer_question, begin_sorting
from zoo.hub.samples import digits


@narrow
def test_digits_are_found_by_answers_and_the_answers_survive_a_reload(page, address, breaches):
    page.goto(f"{address}/sort")
    begin_sorting(page, "0_")
    for answers in range(1, 18):
        answer_question(page, "0_", answers, by_key=answers % 4 != 0)
    expect_text(page, re.compile("^18 answers: "))
    settled(page)
    page.keyboard.press("u")
    expect_text(page, re.compile("^17 answers: "))
    answer_question(page, "0_", 17)
    expect_text(page, re.compile("^18 answers: "))
    expect_text(page, re.compile(r"^The list has \d+ files?: \d+ that you said yes to"))
    listed = pd.read_csv(io.StringIO(download(page, "List as CSV")), keep_default_na=False)
    zeros = [name for name, _ in digits(EACH) if name.startswith("0_")]
    names = listed["path"].str.removeprefix("scans/")
    assert set(names) <= {name for name, _ in digits(EACH)}
    assert names.isin(zeros).sum() >= 0.9 * EACH
    assert listed["answer"].isin(["yes", ""]).all()
    every = pd.read_csv(io.StringIO(download(page, "All files as CSV")), keep_default_na=False)
    assert every["answer"].value_counts()[["yes", "no"]].sum() == 18
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Files as ZIP").click()
    with zipfile.ZipFile(waiting.value.path()) as archive:
        assert {f"files/{name}" for name in names} <= set(archive.namelist())
    page.reload()
    expect_text(page, re.compile("^18 answers: "))
    settled(page)
    again = pd.read_csv(io.StringIO(download(page, "All files as CSV")), keep_default_na=False)
    pd.testing.assert_frame_equal(again, every)
    overflow = "main => main.scrollWidth - main.clientWidth"
    assert page.get_by_test_id("stMain").evaluate(overflow) <= 0
    expect(page.get_by_test_id("stException")).to_have_count(0)
    require_accessible_chart(page)
    assert breaches == []
