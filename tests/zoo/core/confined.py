"""A program that tries what a sandbox forbids, before and after it enters one, and prints which worked."""

import contextlib
import ctypes
import fcntl
import json
import os
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from zoo.core import sandbox

IO_URING_SETUP, PIDFD_OPEN, OPENAT2 = 425, 434, 437  # the same on every architecture
F_SETOWN = 8
MAX_BYTES = 10**9


def call(number: int, *arguments: object) -> None:
    """Make a system call."""
    if ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(number), *arguments) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def read_in_thread(path: Path) -> None:
    """Read a file in a new thread, and raise its error here."""
    errors = []

    def run() -> None:
        try:
            path.read_text()
        except OSError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    for error in errors:
        raise error


def fork() -> None:
    """Start a process."""
    if not (child := os.fork()):
        os._exit(0)
    os.waitpid(child, 0)


def execute() -> None:
    """Ask for another program in place of this one, which goes on because there is no such file."""
    with contextlib.suppress(FileNotFoundError):
        os.execv("/nowhere", ["nowhere"])


def file_attempts(secrets: Path, own: Path) -> dict[str, Callable[[], object]]:
    """What a process could do to files; `own` is a folder that it may read."""
    secret, file = secrets / "secret", own / "file"
    return {
        "read": secret.read_text,
        "read by a link": (own / "link").read_text,
        "read in a thread": lambda: read_in_thread(secret),
        "list": lambda: os.listdir(secrets),
        "read the environment": Path(f"/proc/{os.getppid()}/environ").read_bytes,
        "open by openat2": lambda: call(OPENAT2, -100, os.fsencode(secret), bytes(24), 24),
        "write": lambda: (secrets / "new").write_text("x"),
        "write in its folder": lambda: (own / "new").write_text("x"),
        "append": lambda: file.open("a").close(),
        "open to read and write": lambda: file.open("r+").close(),
        "truncate": lambda: os.close(os.open(file, os.O_RDONLY | os.O_TRUNC)),  # as Linux allows
        "rename": lambda: file.rename(file),
        "make a folder": lambda: (own / "folder").mkdir(exist_ok=True) or (own / "folder").rmdir(),
        "make a link": lambda: (own / "other").symlink_to(secret) or (own / "other").unlink(),
        "make a pipe": lambda: os.mkfifo(own / "pipe") or (own / "pipe").unlink(),
        "change the mode": lambda: file.chmod(0o600),
        "change the owner": lambda: os.chown(file, os.getuid(), os.getgid()),
        "change the time": lambda: os.utime(file),
        "make a file in memory": lambda: os.close(os.memfd_create("x")),
    }


def other_attempts() -> dict[str, Callable[[], object]]:
    """What a process could do to others, and over the network."""
    families = (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX)
    core = resource.getrlimit(resource.RLIMIT_CORE)
    return {
        **{family.name: lambda family=family: socket.socket(family).close() for family in families},
        "datagrams": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close(),
        "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close(),
        "socketpair": lambda: [end.close() for end in socket.socketpair()],
        "fork": fork,
        "execute": execute,
        "spawn": lambda: subprocess.run(["/bin/true"], check=True),
        "signal": lambda: os.kill(os.getppid(), 0),
        "signal by a file": lambda: fcntl.fcntl(1, F_SETOWN, os.getppid()),
        "open a process": lambda: call(PIDFD_OPEN, os.getppid(), 0),
        "set a limit": lambda: resource.setrlimit(resource.RLIMIT_CORE, core),
        "set a priority": lambda: os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0)),
        "io_uring": lambda: call(IO_URING_SETUP, 1, bytes(120)),
    }


def succeeded(attempts: dict[str, Callable[[], object]]) -> list[str]:
    """Names of the attempts that the kernel let pass."""
    names = []
    for name, attempt in attempts.items():
        with contextlib.suppress(OSError, ValueError):  # the latter of setrlimit
            attempt()
            names.append(name)
    return names


def main(secrets: Path, own: Path) -> None:
    attempts = {**file_attempts(secrets, own), **other_attempts()}
    result = {"attempts": list(attempts), "before": succeeded(attempts)}
    sandbox.enter([own], max_bytes=MAX_BYTES)
    result["after"] = succeeded(attempts)
    result["allowed"] = succeeded({"read": (own / "file").read_text, "import": lambda: __import__("numpy")})
    try:
        bytearray(MAX_BYTES)
    except MemoryError:
        result["memory"] = "refused"
    print(json.dumps(result))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
