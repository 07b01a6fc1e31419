"""Downloads that sessions share: begun once, ended when nobody waits, and failures in plain words."""

import threading
from collections.abc import Iterator

import pytest
import requests

import zoo
from zoo.app.services.downloads import Download, DownloadPool, plain_reason
from zoo.core.errors import WeightsError
from zoo.hub import weights

SPEC = zoo.describe("resnet18")
SECONDS = 20


class Server:
    """Weights that come when a test lets them."""

    def __init__(self) -> None:
        self.requests, self.begun, self.go_on = 0, threading.Event(), threading.Event()
        self.ended = threading.Event()

    def ensure(self, spec, progress):
        self.requests += 1
        try:
            progress(25, 100)
            self.begun.set()
            self.go_on.wait(SECONDS)
            progress(100, 100)
        finally:
            self.ended.set()


@pytest.fixture
def server(monkeypatch) -> Server:
    server = Server()
    monkeypatch.setattr(weights, "ensure", server.ensure)
    return server


@pytest.fixture
def pool() -> Iterator[DownloadPool]:
    pool = DownloadPool()
    yield pool
    pool._executor.shutdown()


def finished(download: Download) -> Download:
    end = threading.Event()
    for _ in range(SECONDS * 100):
        if download.over:
            return download
        end.wait(0.01)
    raise TimeoutError


def test_sessions_share_a_download_and_one_that_leaves_does_not_end_it(server, pool):
    download = pool.join(SPEC, "a")
    server.begun.wait(SECONDS)
    assert pool.join(SPEC, "b") is download
    assert download.fraction == 0.25
    pool.leave(download, "a")
    server.go_on.set()
    assert finished(download).fraction == 1
    assert (download.error, server.requests) == ("", 1)


def test_a_download_ends_when_the_last_session_leaves_and_the_next_one_begins_anew(server, pool):
    download = pool.join(SPEC, "a")
    server.begun.wait(SECONDS)
    pool.leave(download, "a")
    another = pool.join(SPEC, "b")
    assert another is not download
    server.go_on.set()
    assert finished(download).fraction == 0.25
    assert finished(another).fraction == 1
    assert server.requests == 2


def test_a_download_for_which_nobody_waits_any_more_is_not_begun(server):
    pool = DownloadPool(at_once=1)
    first, second = pool.join(SPEC, "a"), pool.join(zoo.describe("resnet50"), "a")
    server.begun.wait(SECONDS)
    pool.leave(second, "a")
    server.go_on.set()
    assert finished(second).fraction == 0
    assert finished(first).fraction == 1
    assert server.requests == 1


def test_all_downloads_end_with_the_process(server):
    pool = DownloadPool()
    pool.join(SPEC, "a")
    server.begun.wait(SECONDS)
    server.go_on.set()
    pool.close()
    assert server.ended.wait(SECONDS)


def test_a_failure_is_kept_and_another_try_begins_anew(pool, monkeypatch):
    def fail(spec, progress):
        raise WeightsError("The disk is full.")

    monkeypatch.setattr(weights, "ensure", fail)
    download = finished(pool.join(SPEC, "a"))
    assert download.error == "The disk is full"
    assert pool.join(SPEC, "a") is not download


def test_what_no_one_expected_fails_in_a_sentence_too(pool, monkeypatch, caplog):
    monkeypatch.setattr(weights, "ensure", lambda spec, progress: 1 / 0)
    assert "the server's log" in finished(pool.join(SPEC, "a")).error
    assert "ZeroDivisionError" in caplog.text


class Refusing(requests.adapters.BaseAdapter):
    """Answers every request with a status, or with none."""

    def __init__(self, status: int | None):
        super().__init__()
        self.status = status

    def send(self, request, **_):
        if self.status is None:
            raise requests.ConnectionError(request=request)
        response = requests.Response()
        response.status_code, response.reason, response.request = self.status, "Gone", request
        response.url = request.url
        return response

    def close(self):
        pass


@pytest.mark.parametrize(
    ("status", "words"),
    [(None, "download.pytorch.org cannot be reached"), (410, "download.pytorch.org answers 410 (Gone)")],
)
def test_the_server_that_does_not_give_weights_is_named(status, words, empty_cache, monkeypatch):
    monkeypatch.setattr(requests.Session, "get_adapter", lambda self, url: Refusing(status))
    with pytest.raises(WeightsError) as error:
        weights.ensure(SPEC)
    assert plain_reason(error.value) == words


def test_a_switch_that_forbids_downloads_is_the_reason(empty_cache, monkeypatch):
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    with pytest.raises(WeightsError) as error:
        weights.ensure(SPEC)
    assert plain_reason(error.value) == "downloads are disabled on this server"
