"""Servers that help a browser's sound find its way to this process."""

from __future__ import annotations

import json
import os
from typing import Any

from zoo.core.errors import InputError

VARIABLE = "ZOO_ICE_SERVERS"
_SCHEMES = ("stun:", "stuns:", "turn:", "turns:")


def ice_servers() -> list[dict[str, Any]]:
    """Read the STUN and TURN servers of the environment variable `VARIABLE`; none by default.

    None are needed where browser and server see each other: on one machine, or in one local network.

    Returns
    -------
    list of dict
        ``urls``, and ``username`` and ``credential`` where given, as of WebRTC's ``RTCIceServer``.

    Raises
    ------
    InputError
        If the variable is neither addresses separated by commas nor a JSON list of such records.
    """
    text = os.environ.get(VARIABLE, "").strip()
    if not text.startswith(("[", "{")):
        servers = [{"urls": [url.strip()]} for url in text.split(",") if url.strip()]
    else:
        try:
            parsed = json.loads(text)
        except ValueError as error:
            raise InputError(f"{VARIABLE} is not JSON: {error}.") from error
        servers = parsed if isinstance(parsed, list) else [parsed]
    for server in servers:
        urls = server.get("urls") if isinstance(server, dict) else None
        urls = [urls] if isinstance(urls, str) else urls
        if not urls or not all(isinstance(url, str) and url.startswith(_SCHEMES) for url in urls):
            raise InputError(
                f"{VARIABLE} must name servers as stun:host:port or turn:host:port, separated by commas, "
                'or be a JSON list of {"urls": …, "username": …, "credential": …}.'
            )
    return servers
