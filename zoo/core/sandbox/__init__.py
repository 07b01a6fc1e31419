"""Take from this process what it does not need, before it runs a program that a stranger wrote.

After `enter` the process can compute, read some folders, and use the pipes that it has. It cannot open other
files, write or change files, use the network, start programs or processes, or signal other processes. Two
parts of the Linux kernel see to that, and nothing can undo it: Landlock limits the files that can be opened,
and seccomp the system calls that are answered. The names and sizes of other files can still be asked for.

Both limit the calling thread and those that it starts later, so `enter` comes before the imports of libraries
that start threads, such as NumPy.
"""

import logging
import os
import sys
import sysconfig
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from zoo.core.errors import SandboxError
from zoo.core.sandbox import kernel, landlock, seccomp

_SYSTEM = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache"),
    *("/usr/share/zoneinfo", "/usr/share/locale", "/dev/null", "/dev/urandom"),
    "/sys/devices/system/cpu",  # thread pools count processors
    "/proc/self/cmdline",  # TensorFlow aborts without it
)


def require() -> None:
    """Check that this machine can limit a process.

    Raises
    ------
    SandboxError
        If it cannot.
    """
    if not sys.platform.startswith("linux"):
        raise SandboxError(
            f"A stranger's program runs only in a sandbox, which needs Linux; this is {sys.platform}."
        )
    if not seccomp.is_supported():
        raise SandboxError(
            "A stranger's program runs only in a sandbox, which needs seccomp on x86-64 or ARM64."
        )
    if not landlock.version():
        raise SandboxError(
            "A stranger's program runs only in a sandbox, which needs Linux 5.13 or later with Landlock."
        )


@cache
def warn_if_missing() -> None:
    """Log, once, that helper processes decode files without a sandbox where this machine has none."""
    try:
        require()
    except SandboxError:
        logging.getLogger("zoo").warning(
            "Helper processes decode files without a sandbox: this machine lacks Landlock or seccomp."
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
    try:
        if len(os.listdir("/proc/self/task")) > 1:
            raise SandboxError("A process can enter a sandbox only before it starts threads.")
        _limit_resources(max_bytes)
        kernel.forbid_new_privileges()
        landlock.allow_reading([*_SYSTEM, *_python(), *folders])
        seccomp.allow_listed()
    except OSError as error:
        raise SandboxError(f"This machine does not let a process enter a sandbox: {error}.") from error


def _limit_resources(max_bytes: int) -> None:
    """No more memory than that, no bytes to files, and no core dumps, which would hold what it has read."""
    import resource  # not on Windows

    limits = {resource.RLIMIT_DATA: max_bytes, resource.RLIMIT_FSIZE: 0, resource.RLIMIT_CORE: 0}
    for limit, value in limits.items():
        _, highest = resource.getrlimit(limit)
        if highest == resource.RLIM_INFINITY or value < highest:
            resource.setrlimit(limit, (value, value))


def _ours() -> list[str]:
    """Folders of the zoo: those of a checkout are links."""
    package = Path(__file__).parents[2]
    return [os.path.realpath(folder) for folder in (package, package / "audio", package / "vision")]


def _python() -> list[str]:
    """Folders of Python, of the packages installed for it, and of this one."""
    packages = [path for path in sys.path if os.path.basename(path) in ("site-packages", "dist-packages")]
    standard = [sysconfig.get_path(key) for key in ("stdlib", "platstdlib", "purelib", "platlib")]
    return [sys.prefix, sys.base_prefix, *standard, *packages, *_ours()]
