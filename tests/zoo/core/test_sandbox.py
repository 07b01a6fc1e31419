"""The sandbox: what a process could do before, it cannot do inside, on any version of the kernel."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

from zoo.audio import decoding_worker as sound_worker
from zoo.core import sandbox
from zoo.core.errors import SandboxError
from zoo.core.sandbox import landlock, seccomp
from zoo.vision import decoding_worker as picture_worker

ROOT = Path(__file__).parents[3]
PATHS = {"PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))}
ALLOW, REFUSE, MISSING, KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000


def run(*arguments: object) -> str:
    """What a Python program prints."""
    command = [sys.executable, "-P", *map(str, arguments)]
    return subprocess.run(command, env={**os.environ, **PATHS}, capture_output=True, text=True).stdout


@pytest.fixture
def folders(tmp_path):
    """One with a secret, and one that the program may read, with a link to the secret."""
    secrets, own = tmp_path / "secrets", tmp_path / "own"
    for folder in (secrets, own):
        folder.mkdir()
    (secrets / "secret").write_text("secret")
    (own / "file").write_text("x")
    (own / "link").symlink_to(secrets / "secret")
    return secrets, own


def test_what_a_process_could_do_it_cannot_do_inside(folders):
    result = json.loads(run("-m", "tests.zoo.core.confined", *folders))
    assert set(result["attempts"]) - set(result["before"]) <= {"io_uring"}  # many machines have it off
    assert len(result["attempts"]) > 30
    assert result["after"] == []
    assert result["allowed"] == ["read", "import"]
    assert result["memory"] == "refused"


@pytest.mark.parametrize("version", range(1, landlock.version()))
def test_files_are_safe_in_older_kernels(folders, version):
    """Those whose Landlock knows fewer rights; seccomp holds the rest."""
    program = (
        "import sys; from pathlib import Path\n"
        "from tests.zoo.core import confined; from zoo.core.sandbox import landlock\n"
        f"landlock.version = lambda: {version}\n"
        "confined.main(*map(Path, sys.argv[1:]))"
    )
    assert json.loads(run("-c", program, *folders))["after"] == []


def test_a_process_with_threads_is_refused():
    """They would stay as free as they are."""
    program = (
        "import threading; from zoo.core import sandbox; from zoo.core.errors import SandboxError\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        "try: sandbox.enter([], max_bytes=10**9)\n"
        "except SandboxError as error: print(error)\n"
    )
    assert "before it starts threads" in run("-c", program)


@pytest.mark.parametrize(
    ("place", "name", "value", "word"),
    [
        (sys, "platform", "darwin", "needs Linux; this is darwin"),
        (sys, "platform", "win32", "needs Linux; this is win32"),
        (platform, "machine", lambda: "riscv64", "x86-64 or ARM64"),
        (seccomp, "is_supported", lambda: False, "seccomp"),
        (landlock, "version", lambda: 0, "with Landlock"),
    ],
)
def test_a_machine_without_one_is_told(monkeypatch, place, name, value, word):
    monkeypatch.setattr(place, name, value)
    with pytest.raises(SandboxError, match=word) as caught:
        sandbox.require()
    assert str(caught.value).count(". ") == 0
    with pytest.raises(SandboxError, match=word):  # before it takes anything from this process
        sandbox.enter([], max_bytes=10**9)


def answer(machine: str, name: str | int, *arguments: int, arch: int | None = None) -> int:
    """What the filter for a machine says of a system call: classic BPF, as the kernel runs it."""
    index = seccomp._MACHINES.index(machine)
    table = {**seccomp._ALLOWED, **{key: numbers for key, (numbers, _) in seccomp._conditional().items()}}
    words = {0: table[name][index] if isinstance(name, str) else name}
    words[4] = seccomp._AUDIT_ARCH[index] if arch is None else arch
    for i, argument in enumerate(arguments):
        words |= {16 + 8 * i: argument & 0xFFFFFFFF, 20 + 8 * i: argument >> 32}
    steps, position, value = seccomp._filter(index), 0, 0
    while True:
        code, if_true, if_false, operand = steps[position]
        position += 1
        match code:
            case 0x20:
                value = words[operand]
            case 0x54:
                value &= operand
            case 0x15:
                position += if_true if value == operand else if_false
            case 0x06:
                return operand


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_is_the_same_on_both_architectures(machine):
    old = {name for name, numbers in seccomp._ALLOWED.items() if None in numbers}
    for name in seccomp._ALLOWED.keys() - (old if machine == "aarch64" else set()):
        assert answer(machine, name) == ALLOW
    at, thread, new_namespace = 2**32 - 100, 0x3D0F00, 0x10000000
    expected = {
        ("openat", at, 0, os.O_RDONLY | os.O_CLOEXEC): ALLOW,
        **{("openat", at, 0, flag): REFUSE for flag in (1, 2, 0o100, 0o1000, 0o1002)},
        ("clone", thread): ALLOW,
        ("clone", 17): REFUSE,  # a process
        ("clone", thread | new_namespace): REFUSE,
        ("tgkill", os.getpid(), 1, 6): ALLOW,
        ("tgkill", os.getpid() + 1, 1, 6): REFUSE,
        ("prlimit64", 0, 3, 0, 1 << 40): ALLOW,
        ("prlimit64", 0, 3, 1 << 40, 0): REFUSE,
        ("prctl", 15): ALLOW,
        ("prctl", 4): REFUSE,
        ("ioctl", 1, 0x5401): ALLOW,
        ("ioctl", 1, 0x5412): REFUSE,  # TIOCSTI types into a terminal
        ("fcntl", 1, 3): ALLOW,
        ("fcntl", 1, 8): REFUSE,
    }
    assert {request: answer(machine, *request) for request in expected} == expected


@pytest.mark.parametrize(
    ("machine", "numbers"),
    [
        # execve, socket, connect, ptrace, kill, mount, bpf, userfaultfd, io_uring_setup, clone3; read of x32
        ("x86_64", (59, 41, 42, 101, 62, 165, 321, 323, 425, 435, 0x40000000)),
        ("aarch64", (221, 198, 203, 117, 129, 40, 280, 282, 425, 435)),
    ],
)
def test_calls_that_are_not_listed_do_not_exist(machine, numbers):
    assert {answer(machine, number) for number in numbers} == {MISSING}
    assert answer(machine, numbers[0], arch=0x40000003) == KILL  # of 32-bit x86


def test_decoding_without_a_sandbox_is_logged_once(monkeypatch, caplog):
    monkeypatch.setattr(landlock, "version", lambda: 0)
    for worker, start in (
        (picture_worker, lambda: picture_worker._workers.__wrapped__()),
        (sound_worker, lambda: sound_worker._new_worker()),
    ):
        monkeypatch.setattr(worker, "Worker", Mock())
        sandbox.warn_if_missing.cache_clear()
        caplog.clear()
        for _ in range(2):
            start()
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert "without a sandbox" in caplog.text
