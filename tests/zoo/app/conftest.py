"""The pages as a server runs them, in which nobody imported Keras."""

import sys

import pytest


@pytest.fixture(autouse=True)
def without_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    """After each run of a page Streamlit clears the session of Keras, if other tests have imported it.

    That collects the garbage of all they left, for a second each time.
    """
    monkeypatch.delitem(sys.modules, "keras", raising=False)
