"""Limits of the app that its owner sets by environment variables."""

from __future__ import annotations

import os
from pathlib import Path

from zoo.core.environment import setting
from zoo.core.validation import number, parsed

MAX_LISTENERS = 4
MAX_RECONNECT_SECONDS = (
    110.0  # less than server.disconnectedSessionTTL, after which Streamlit drops a session
)
PROJECT_DAYS = 30
PROJECT_SECONDS = PROJECT_DAYS * 24 * 3600.0  # without a visit, after which a project is deleted


def session_upload_bytes() -> float:
    """Return how much a session may upload: ``ZOO_APP_UPLOADS_MB``, else 250 MB."""
    return 1e6 * setting("ZOO_APP_UPLOADS_MB", 250)


def total_upload_bytes() -> float:
    """Return how much all sessions may upload: ``ZOO_APP_UPLOADS_TOTAL_MB``, else 1000 MB."""
    return 1e6 * setting("ZOO_APP_UPLOADS_TOTAL_MB", 1000)


def network_bytes() -> float:
    """Return the memory for the networks of all users: ``ZOO_APP_NETWORKS_MB``, else 2000 MB."""
    return 1e6 * setting("ZOO_APP_NETWORKS_MB", 2000)


def projects_folder() -> Path:
    """Return where the projects of browsers are kept: ``ZOO_APP_PROJECTS``, else a folder of the cache."""
    from zoo.hub.weights import cache_folder  # which loads NumPy

    folder = os.environ.get("ZOO_APP_PROJECTS")
    return Path(folder).expanduser() if folder else cache_folder() / "projects"


def project_bytes() -> float:
    """Return how much one project may hold: ``ZOO_APP_PROJECT_MB``, else 250 MB, as uploads."""
    return 1e6 * setting("ZOO_APP_PROJECT_MB", 250)


def total_project_bytes() -> float:
    """Return how much all projects may hold: ``ZOO_APP_PROJECTS_TOTAL_MB``, else 10000 MB."""
    return 1e6 * setting("ZOO_APP_PROJECTS_TOTAL_MB", 10_000)


def reconnect_seconds() -> float:
    """Return how long a session waits for a connection that was lost: ``ZOO_APP_RECONNECT_S``, else 60 s."""
    name = "ZOO_APP_RECONNECT_S"
    return number(name, parsed(os.environ.get(name) or 60), 1, MAX_RECONNECT_SECONDS)


def listeners() -> int:
    """Return how many sessions may listen at once: ``ZOO_LISTENERS``, else `MAX_LISTENERS`; 0 lets none."""
    return int(number("ZOO_LISTENERS", parsed(os.environ.get("ZOO_LISTENERS") or MAX_LISTENERS), 0, 1e6))


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
        project_bytes,
        total_project_bytes,
        listeners,
        reconnect_seconds,
        ice_servers,
        most_seconds,
        max_pixels,
        max_request_pixels,
        most_decoding_seconds,
    ):
        read()
