"""Servers for browsers that do not see this process."""

import pytest

from zoo.app.live.ice import VARIABLE, ice_servers
from zoo.core.errors import InputError


def test_none_by_default(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert ice_servers() == []


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        ("stun:a.example:3478", [{"urls": ["stun:a.example:3478"]}]),
        ("stun:a.example, turn:b.example ,", [{"urls": ["stun:a.example"]}, {"urls": ["turn:b.example"]}]),
        (
            '[{"urls": "turn:b.example", "username": "u", "credential": "c"}]',
            [{"urls": "turn:b.example", "username": "u", "credential": "c"}],
        ),
        ('{"urls": ["stun:a.example"]}', [{"urls": ["stun:a.example"]}]),
    ],
)
def test_addresses_and_json(monkeypatch, text, servers):
    monkeypatch.setenv(VARIABLE, text)
    assert ice_servers() == servers


@pytest.mark.parametrize(
    "text", ["a.example", "https://a.example", '[{"url": "stun:a"}]', "[1]", '{"urls": [1]}']
)
def test_anything_else_is_one_sentence(monkeypatch, text):
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(InputError, match="ZOO_ICE_SERVERS must name servers as stun:host:port"):
        ice_servers()


def test_broken_json_is_one_sentence(monkeypatch):
    monkeypatch.setenv(VARIABLE, "[{")
    with pytest.raises(InputError, match="ZOO_ICE_SERVERS is not JSON"):
        ice_servers()
