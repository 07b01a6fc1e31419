"""Landlock: the kernel opens no files for this thread but those that it was given.

https://docs.kernel.org/userspace-api/landlock.html; constants from include/uapi/linux/landlock.h.
"""

import ctypes
import os
from collections.abc import Iterable

from zoo.core.sandbox.kernel import call

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH = 1
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
# Rights that Landlock controls, by the version that began to.
_FILES = {1: (1 << 13) - 1, 2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
_NETWORK = {4: 0b11}  # to bind and to connect TCP sockets
_SCOPES = {6: 0b11}  # to reach abstract Unix sockets and to signal, outside of this process


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("file", ctypes.c_int32))


def version() -> int:
    """Return the version of Landlock in this kernel; 0 without it."""
    try:
        return call(_CREATE_RULESET, None, 0, _CREATE_RULESET_VERSION)
    except OSError:
        return 0


def allow_reading(paths: Iterable[str | os.PathLike[str]]) -> None:
    """Let this thread, and those it starts, read these files and folders, and write nowhere.

    Parameters
    ----------
    paths : iterable of path
        Those that cannot be opened are left out.

    Raises
    ------
    OSError
        If the kernel refuses.
    """
    rights = [_since(table) for table in (_FILES, _NETWORK, _SCOPES)]
    size = 8 * (1 + any(rights[1:]) + any(rights[2:]))  # older kernels know fewer fields
    ruleset = call(_CREATE_RULESET, ctypes.byref(_Ruleset(*rights)), size, 0)
    try:
        for path in paths:
            _add(ruleset, path)
        call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _since(table: dict[int, int]) -> int:
    return sum(rights for first, rights in table.items() if first <= version())


def _add(ruleset: int, path: str | os.PathLike[str]) -> None:
    try:
        file = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # so it cannot be read anyway
        return
    try:
        allowed = _READ_FILE | (_READ_DIR if os.path.isdir(path) else 0)
        call(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(_PathBeneath(allowed, file)), 0)
    finally:
        os.close(file)
