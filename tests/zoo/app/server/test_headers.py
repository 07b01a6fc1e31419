"""Headers of every response, and internal routes that are closed."""

import pytest
import requests
from starlette.testclient import TestClient
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.zoo.app.server.visitor import visitor
from zoo.app.server.headers import page_policy
from zoo.app.server.hosts import allowed_hosts, is_own
from zoo.app.server.routes import InternalRoutes

PATHS = ["/", "/pictures", "/_stcore/health", "/_stcore/nothing", "/static/nothing.js", "/media/nothing.png"]


@pytest.mark.parametrize("path", PATHS)
def test_every_response_has_the_headers(address, path):
    headers = requests.get(f"{address}{path}", timeout=60).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "camera=(self), microphone=(self)" in headers["Permissions-Policy"]
    assert "geolocation=()" in headers["Permissions-Policy"]
    policy = dict(
        part.strip().split(" ", 1)
        for part in headers["Content-Security-Policy"].split(";")
        if " " in part.strip()
    )
    assert policy["frame-ancestors"] == "'self'"
    assert policy["default-src"] == ("'none'" if path.startswith("/media/") else "'self'")


def test_no_script_of_another_site_or_of_the_page_itself_runs():
    scripts = next(part for part in page_policy().split("; ") if part.startswith("script-src"))
    assert "'unsafe" not in scripts
    assert "http" not in scripts
    assert "*" not in scripts
    assert "'sha256-" in scripts  # of what Streamlit's own page holds


@pytest.mark.parametrize(
    "route", ["metrics", "script-health-check", "agent/openapi.json", "agent/interact", "new-in-an-update"]
)
def test_internal_routes_are_closed_unless_pages_need_them(route):
    paths = []

    async def app(scope, receive, send):
        paths.append(scope["path"])

    client = TestClient(InternalRoutes(app))
    for path in (f"/_stcore/{route}", f"/below/a/path/_stcore/{route}"):
        assert client.get(path).status_code == 404
    assert paths == []


def test_the_app_asks_which_routes_are_open(address):
    assert requests.get(f"{address}/_stcore/agent/openapi.json", timeout=60).status_code == 404
    assert requests.get(f"{address}/_stcore/host-config", timeout=60).status_code == 200


def test_metrics_are_there_for_those_who_ask(address):
    assert "active_sessions" in requests.get(f"{address}/_stcore/metrics", timeout=60).text  # see conftest.py


@pytest.mark.parametrize("host", ["attacker.example", "attacker.example:80", "127.0.0.1.attacker.example"])
def test_another_name_of_this_machine_is_not_answered(address, host):
    assert requests.get(address, headers={"Host": host}, timeout=60).status_code == 400


def test_a_page_of_another_site_gets_no_session(address):
    with pytest.raises(InvalidStatus):
        connect(f"{address.replace('http', 'ws')}/_stcore/stream", origin="http://attacker.example")
    with visitor(address) as one:  # as our own page does
        assert one.session


def test_a_page_of_another_port_of_this_host_gets_no_session_and_uploads_nothing(address):
    port = address.rpartition(":")[2]
    for other in ("http://127.0.0.1:1", "http://localhost:3000", f"http://localhost:{port}", "null"):
        with pytest.raises(InvalidStatus):
            connect(f"{address.replace('http', 'ws')}/_stcore/stream", origin=other)
        url = f"{address}/_stcore/upload_file/session/file"
        assert requests.put(url, headers={"Origin": other}, timeout=60).text.startswith("Pages of other")
    with connect(f"{address.replace('http', 'ws')}/_stcore/stream", origin=address):
        pass  # as our own page does


@pytest.mark.parametrize(
    ("origin", "host", "own"),
    [
        ("http://localhost:8501", "localhost:8501", True),
        ("http://LOCALHOST:8501", "localhost:8501", True),
        ("http://[::1]:8501", "[::1]:8501", True),
        ("https://zoo.example.org", "zoo.example.org", True),  # behind a proxy
        ("https://zoo.example.org", "zoo.example.org:443", True),
        ("https://zoo.example.org:8443", "zoo.example.org:8443", True),
        ("http://localhost:3000", "localhost:8501", False),
        ("http://localhost", "localhost:8501", False),
        ("http://localhost:8501", "localhost", False),
        ("http://127.0.0.1:8501", "localhost:8501", False),
        ("http://localhost:port", "localhost:port", False),
        ("file://", "", False),
        ("null", "null", False),
    ],
)
def test_an_origin_is_own_with_the_name_and_the_port_of_the_host(origin, host, own):
    assert is_own(origin, host) == own


def test_the_names_of_the_app(monkeypatch):
    served_at = {"server.address": "localhost"}
    monkeypatch.setattr("streamlit.get_option", served_at.get)
    assert "localhost" in allowed_hosts()
    assert "*" not in allowed_hosts()
    served_at["server.address"] = "0.0.0.0"
    assert allowed_hosts() == ["*"]
    monkeypatch.setenv("ZOO_APP_HOSTS", "zoo.example.org, *.example.com")
    assert allowed_hosts() == ["zoo.example.org", "*.example.com"]
