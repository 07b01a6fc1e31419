"""What the owner of an app sets by environment variables."""

import os
import subprocess
import sys

import pytest

from zoo.app import settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ZOO_APP_UPLOADS_MB", "much"),
        ("ZOO_APP_UPLOADS_TOTAL_MB", "-1"),
        ("ZOO_APP_NETWORKS_MB", "nan"),
        ("ZOO_APP_PROJECT_MB", "x"),
        ("ZOO_APP_PROJECTS_TOTAL_MB", "-5"),
        ("ZOO_LISTENERS", "-1"),
        ("ZOO_APP_RECONNECT_S", "300"),
        ("ZOO_ICE_SERVERS", "[7]"),
        ("ZOO_MAX_DECODE_SECONDS", "0"),
    ],
)
def test_a_variable_that_the_app_cannot_use_ends_it_with_one_sentence(name, value):
    command = [sys.executable, "-P", "-m", "zoo", "app", "--port", "8679"]
    ended = subprocess.run(
        command, env=os.environ | {name: value}, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith(f"zoo: {name}")
    assert ended.stderr.count("\n") == 1


def test_megabytes_are_read_as_bytes(monkeypatch):
    for name in ("ZOO_APP_UPLOADS_MB", "ZOO_APP_UPLOADS_TOTAL_MB", "ZOO_APP_NETWORKS_MB"):
        monkeypatch.setenv(name, "3")
    readers = (settings.session_upload_bytes, settings.total_upload_bytes, settings.network_bytes)
    assert [read() for read in readers] == [3e6] * 3
