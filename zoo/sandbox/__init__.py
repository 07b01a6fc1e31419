"""Take from this process what it does not need, before it runs a program that a stranger wrote.

After `enter` the process can compute, read some folders, and use the pipes that it has. It cannot open other
files, write or change files, use the network, start programs or processes, or signal other processes. Two
parts of the Linux kernel see to that, and nothing can undo it: Landlock limits the files that can be opened,
and seccomp the system calls that are answered. The names and sizes of other files can still be asked for.

Both limit the calling thread and those that it starts later, so `enter` comes before the imports of libraries
that start threads, such as NumPy.
"""

import ctypes
import os
import sys
import sysconfig
from collections.abc import Iterable

import zoo
from zoo.errors import SandboxError
from zoo.sandbox import landlock, seccomp

# Shared libraries and their cache, time zones, locales, devices, and the processors of the machine.
_SYSTEM = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache"),
    *("/usr/share/zoneinfo", "/usr/share/locale"),
    *("/dev/null", "/dev/urandom", "/sys/devices/system/cpu", "/proc/self/cmdline"),
)
_PR_SET_NO_NEW_PRIVS = 38  # include/uapi/linux/prctl.h


def require() -> None:
    """Check that this machine can limit a process.

    Raises
    ------
    SandboxError
        If it cannot.
    """
    if not sys.platform.startswith("linux"):
        raise SandboxError(f"A SavedModel runs only in a sandbox, which needs Linux; this is {sys.platform}.")
    if not seccomp.is_supported():
        raise SandboxError("A SavedModel runs only in a sandbox, which needs seccomp on x86-64 or ARM64.")
    if not landlock.version():
        raise SandboxError(
            "A SavedModel runs only in a sandbox, which needs Linux 5.13 or later with Landlock enabled."
        )


def enter(folders: Iterable[str | os.PathLike[str]], *, max_bytes: int) -> None:
    """Limit this process for the rest of its life.

    Parameters
    ----------
    folders : iterable of path
        What it may read besides Python, its packages and the system's shared libraries.
    max_bytes : int
        Memory that it may reserve; stacks of threads count, used or not.

    Raises
    ------
    SandboxError
        If the machine cannot limit it, or it has threads, which would stay as they are.
    """
    require()
    import resource  # not on Windows

    limits = {resource.RLIMIT_DATA: max_bytes, resource.RLIMIT_FSIZE: 0, resource.RLIMIT_CORE: 0}
    try:
        if len(os.listdir("/proc/self/task")) > 1:
            raise SandboxError("A process can enter a sandbox only before it starts threads.")
        for limit, value in limits.items():
            resource.setrlimit(limit, (value, value))
        ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, *map(ctypes.c_ulong, (1, 0, 0, 0)))
        landlock.allow_reading([*_SYSTEM, *_python(), *folders])
        seccomp.allow_listed()
    except (OSError, ValueError) as error:
        raise SandboxError(f"This machine does not let a process enter a sandbox: {error}.") from error


def _python() -> list[str]:
    """Folders of Python, of the packages installed for it, and of this one."""
    packages = [path for path in sys.path if os.path.basename(path) in ("site-packages", "dist-packages")]
    standard = [sysconfig.get_path(key) for key in ("stdlib", "platstdlib", "purelib", "platlib")]
    return [sys.prefix, sys.base_prefix, *standard, *packages, *zoo.__path__]
