"""Which names of this server a browser may use, against DNS rebinding.

A page of another site may let its own name point to 127.0.0.1, and would then talk to an app on the visitor's
machine as if it came from there.
"""

from __future__ import annotations

import os

import streamlit as st

VARIABLE = "ZOO_APP_HOSTS"
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]", "::1")


def allowed_hosts() -> list[str]:
    """Return the names by which the app may be asked.

    They are those that the environment variable `VARIABLE` lists, separated by commas; ``*.example.org``
    stands for all names below. By default they are the names of this machine where the app is served to this
    machine only, and any name elsewhere.
    """
    names = [name.strip() for name in os.environ.get(VARIABLE, "").split(",") if name.strip()]
    local = st.get_option("server.address") in _LOOPBACK
    if names:
        return [*names, *(_LOOPBACK if local else ())]
    return list(_LOOPBACK) if local else ["*"]
