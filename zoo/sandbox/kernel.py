"""System calls that the C library has no functions for."""

import ctypes
import os


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
    words = (ctypes.c_long(value) if isinstance(value, int) else value for value in arguments)
    result = ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(number), *words)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
