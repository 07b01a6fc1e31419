"""Limits of the app that its owner sets by environment variables."""

from __future__ import annotations

import os

from zoo.core.environment import setting
from zoo.core.validation import number, parsed

MOST_LISTENERS = 4


def session_upload_bytes() -> float:
    """Return how much a session may upload: ``ZOO_APP_UPLOADS_MB``, else 250 MB."""
    return 1e6 * setting("ZOO_APP_UPLOADS_MB", 250)


def total_upload_bytes() -> float:
    """Return how much all sessions may upload: ``ZOO_APP_UPLOADS_TOTAL_MB``, else 1000 MB."""
    return 1e6 * setting("ZOO_APP_UPLOADS_TOTAL_MB", 1000)


def network_bytes() -> float:
    """Return the memory for the networks of all users: ``ZOO_APP_NETWORKS_MB``, else 2000 MB."""
    return 1e6 * setting("ZOO_APP_NETWORKS_MB", 2000)


def listeners() -> int:
    """Return how many sessions may listen at once: ``ZOO_LISTENERS``, else `MOST_LISTENERS`; 0 lets none."""
    return int(number("ZOO_LISTENERS", parsed(os.environ.get("ZOO_LISTENERS") or MOST_LISTENERS), 0, 1e6))


def check() -> None:
    """Raise an `InputError` if a variable holds something else than the app can use."""
    from zoo.app.live.ice import ice_servers
    from zoo.audio.signal import max_seconds as most_seconds
    from zoo.vision.decoding_limits import max_pixels, max_request_pixels
    from zoo.vision.decoding_worker import max_seconds as most_decoding_seconds

    for read in (
        session_upload_bytes,
        total_upload_bytes,
        network_bytes,
        listeners,
        ice_servers,
        most_seconds,
        max_pixels,
        max_request_pixels,
        most_decoding_seconds,
    ):
        read()
