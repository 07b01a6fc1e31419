"""Garbage is collected after each run of a page, and what is older now and then."""

import gc
import math
import sys
import time
import weakref
from collections.abc import Iterator
from types import ModuleType

import pytest

from zoo.app.services import memory


class Node:
    """What refers to itself, so that only a collection finds it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """Collect by hand only, and leave nothing set aside."""
    gc.disable()
    yield
    gc.unfreeze()
    gc.enable()


def test_collect_frees_what_is_new() -> None:
    memory.collect(since=-math.inf)
    reference = weakref.ref(Node())
    assert reference() is not None
    memory.collect()
    assert reference() is None


@pytest.mark.parametrize("event", ["nothing", "job", "interval", "module"])
def test_collect_frees_what_is_old_at_an_event(event: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "WHOLE_INTERVAL", 0.0 if event == "interval" else math.inf)
    begin = time.monotonic()
    node = Node()
    memory.collect(since=-math.inf)
    reference = weakref.ref(node)
    del node
    if event == "module":
        monkeypatch.setitem(sys.modules, "zoo_test_module", ModuleType("zoo_test_module"))
    memory.collect(since=begin if event == "job" else math.inf)
    assert (reference() is None) == (event != "nothing")
