"""Calls to the kernel that Python has no functions for."""

import ctypes
import os

_PR_SET_NO_NEW_PRIVS = 38  # include/uapi/linux/prctl.h


def call(number: int, *arguments: object) -> int:
    """Make a system call.

    Parameters
    ----------
    number : int
    *arguments : int, None or ctypes pointer

    Raises
    ------
    OSError
        If the kernel refuses.
    """
    words = (ctypes.c_long(value) if isinstance(value, int) else value for value in (number, *arguments))
    return _checked(ctypes.CDLL(None, use_errno=True).syscall(*words))


def forbid_new_privileges() -> None:
    """Let no program that this process starts have more rights than it, as Landlock and seccomp require.

    Raises
    ------
    OSError
        If the kernel refuses.
    """
    _checked(
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_NO_NEW_PRIVS, *map(ctypes.c_ulong, (1, 0, 0, 0)))
    )


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
