"""What was computed from a module, kept until the module changes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from torch import nn

from zoo.inference.engines.snapshot import ModuleFingerprint

Result = TypeVar("Result")


class ModuleMemo:
    """Remembers results by keys, and forgets them all when a tensor or layer of the module changes.

    Parameters
    ----------
    module : torch.nn.Module
    """

    def __init__(self, module: nn.Module):
        self._module = module
        self._loaded = self._current = ModuleFingerprint(module)
        self._results: dict[Hashable, Any] = {}
        self._lock = threading.Lock()

    @property
    def is_as_loaded(self) -> bool:
        """Whether the module is what it was when this began."""
        return self._loaded.holds()

    def get(self, key: Hashable, compute: Callable[[], Result]) -> Result:
        """Return the result of `compute` for the module as it is now."""
        with self._lock:
            if not self._current.holds():
                self._current = ModuleFingerprint(self._module)
                self._results.clear()
            if key in self._results:
                return self._results[key]
            fingerprint = self._current
        result = compute()
        with self._lock:
            if self._current is fingerprint and fingerprint.holds():
                self._results[key] = result
        return result
