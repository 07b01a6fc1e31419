"""The cookie of a project: unguessable, out of reach of scripts and other sites, the same with each page."""

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from zoo.app.server.project_cookie import COOKIE, ProjectCookie, valid_token


@pytest.fixture
def client() -> TestClient:
    routes = [
        Route("/", lambda request: HTMLResponse("<p>page</p>")),
        Route("/file", lambda request: PlainTextResponse("file")),
    ]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(ProjectCookie)]))


def test_a_page_brings_a_cookie_that_scripts_and_other_sites_do_not_get(client):
    header = client.get("/").headers["set-cookie"]
    value, *attributes = header.split("; ")
    assert valid_token(value.removeprefix(f"{COOKIE}="))
    assert attributes == ["Path=/", "Max-Age=2592000", "HttpOnly", "SameSite=Lax"]
    assert "set-cookie" not in client.get("/file").headers


@pytest.mark.parametrize("proxied", [True, False])
def test_over_https_the_cookie_keeps_to_https(client, proxied):
    headers = {"X-Forwarded-Proto": "https"} if proxied else {}
    address = "/" if proxied else "https://testserver/"
    assert client.get(address, headers=headers).headers["set-cookie"].endswith("; Secure")


def test_a_browser_keeps_its_token_and_each_browser_has_its_own(client):
    first = client.get("/").cookies[COOKIE]
    assert client.get("/").cookies[COOKIE] == first  # which the client sends
    client.cookies.clear()
    assert client.get("/").cookies[COOKIE] != first


@pytest.mark.parametrize("value", ["x", "../" + "x" * 40, "x" * 42, "x" * 44, "é" * 43])
def test_what_is_no_token_is_replaced(client, value):
    assert valid_token(value) is None
    client.cookies.set(COOKIE, value.encode("ascii", "ignore").decode())
    assert valid_token(client.get("/").cookies[COOKIE]) not in (None, value)
