"""The bar of long work, on a terminal and elsewhere."""

import io

import pytest

from zoo.core import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "is_shown"), [(Terminal, True), (io.StringIO, False)])
def test_a_bar_is_shown_on_a_terminal_only(monkeypatch, stream, is_shown):
    monkeypatch.setattr("sys.stderr", stderr := stream())
    monkeypatch.setattr(progress, "DELAY", 0)
    with progress.progress_bar("photos", ncols=80, mininterval=0) as report:
        report(3, 7)
    assert ("photos" in stderr.getvalue() and "3/7" in stderr.getvalue()) is is_shown


def test_short_work_shows_no_bar(monkeypatch):
    monkeypatch.setattr("sys.stderr", stderr := Terminal())
    with progress.progress_bar("photos", ncols=80, mininterval=0) as report:
        report(3, 7)
    assert "photos" not in stderr.getvalue()


def test_a_progress_of_the_caller_replaces_the_bar(monkeypatch):
    monkeypatch.setattr("sys.stderr", stderr := Terminal())
    monkeypatch.setattr(progress, "DELAY", 0)
    reports = []
    with progress.reporter(lambda done, total: reports.append((done, total)), "photos") as report:
        report(1, 2)
    assert (reports, stderr.getvalue()) == ([(1, 2)], "")
