"""seccomp: the kernel answers the system calls listed here, and refuses all others.

https://docs.kernel.org/userspace-api/seccomp_filter.html; numbers of calls from arch/x86/entry/syscalls/
syscall_64.tbl and include/uapi/asm-generic/unistd.h, other constants from include/uapi.
"""

import ctypes
import errno
import os
import platform
import struct
from typing import NamedTuple

from zoo.core.sandbox.kernel import call

_MACHINES = ("x86_64", "aarch64")
_SECCOMP = (317, 277)
_AUDIT_ARCH = (0xC000003E, 0xC00000B7)
_SET_MODE_FILTER, _GET_ACTION_AVAIL = 1, 2
_KILL_PROCESS, _ERRNO, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
# BPF_LD | BPF_W | BPF_ABS, BPF_ALU | BPF_AND, BPF_JMP | BPF_JEQ, BPF_RET
_LOAD, _AND, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x54, 0x15, 0x06
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data

# Number on x86-64 and on ARM64, which does not have the older calls.
# fmt: off
_ALLOWED = {
    # Files that are open, and what is known of others
    "read": (0, 63), "readv": (19, 65), "pread64": (17, 67), "preadv": (295, 69), "lseek": (8, 62),
    "write": (1, 64), "writev": (20, 66), "close": (3, 57), "close_range": (436, 436),
    "stat": (4, None), "lstat": (6, None), "fstat": (5, 80), "newfstatat": (262, 79), "statx": (332, 291),
    "access": (21, None), "faccessat": (269, 48), "faccessat2": (439, 439), "getcwd": (79, 17),
    "readlink": (89, None), "readlinkat": (267, 78), "getdents64": (217, 61), "fadvise64": (221, 223),
    "dup": (32, 23), "dup2": (33, None), "dup3": (292, 24),
    # Pipes and events
    "pipe": (22, None), "pipe2": (293, 59), "eventfd2": (290, 19), "poll": (7, None), "ppoll": (271, 73),
    "select": (23, None), "pselect6": (270, 72), "epoll_create1": (291, 20), "epoll_ctl": (233, 21),
    "epoll_wait": (232, None), "epoll_pwait": (281, 22),
    # Memory
    "mmap": (9, 222), "munmap": (11, 215), "mremap": (25, 216), "mprotect": (10, 226), "brk": (12, 214),
    "madvise": (28, 233), "mincore": (27, 232), "mbind": (237, 235), "get_mempolicy": (239, 236),
    # Threads and signal handlers
    "futex": (202, 98), "set_robust_list": (273, 99), "rseq": (334, 293), "set_tid_address": (218, 96),
    "arch_prctl": (158, None), "membarrier": (324, 283), "getcpu": (309, 168), "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123), "sched_getparam": (143, 121), "sched_getscheduler": (145, 120),
    "sched_get_priority_max": (146, 125), "sched_get_priority_min": (147, 126),
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132), "restart_syscall": (219, 128), "exit": (60, 93), "exit_group": (231, 94),
    # Time, and facts about the process and the machine
    "clock_gettime": (228, 113), "clock_getres": (229, 114), "clock_nanosleep": (230, 115),
    "nanosleep": (35, 101), "gettimeofday": (96, 169), "time": (201, None), "times": (100, 153),
    "getpid": (39, 172), "getppid": (110, 173), "gettid": (186, 178), "getrusage": (98, 165),
    "getuid": (102, 174), "geteuid": (107, 175), "getgid": (104, 176), "getegid": (108, 177),
    "uname": (63, 160), "sysinfo": (99, 179), "getrlimit": (97, 163), "getrandom": (318, 278),
}
# fmt: on

_WRITING = 0o3 | 0o100 | 0o1000  # O_ACCMODE, O_CREAT, O_TRUNC: 0 where a file is only read
_CLONE_THREAD = 0x10000
_CLONE_NEW = 0x7E020080  # CLONE_NEWNS and its kin: every namespace
_FCNTL = (0, 1, 2, 3, 4, 1030)  # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC
_IOCTL = (0x5401, 0x541B, 0x5421, 0x5450, 0x5451)  # TCGETS, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX
_PRCTL = (15, 16, 0x53564D41)  # PR_SET_NAME, PR_GET_NAME, PR_SET_VMA


class _Test(NamedTuple):
    """Whether some bits of an argument have a value. Of an int, the kernel reads the lower half (half 0)."""

    argument: int
    value: int
    mask: int = 0xFFFFFFFF
    half: int = 0


def _conditional() -> dict[str, tuple[tuple[int, int | None], list[list[_Test]]]]:
    """Answer calls for which all tests of one of their lists hold."""
    return {
        "open": ((2, None), [[_Test(1, 0, _WRITING)]]),
        "openat": ((257, 56), [[_Test(2, 0, _WRITING)]]),
        "clone": ((56, 220), [[_Test(0, _CLONE_THREAD, _CLONE_THREAD | _CLONE_NEW)]]),
        "tgkill": ((234, 131), [[_Test(0, os.getpid())]]),  # abort()
        "prlimit64": ((302, 261), [[_Test(2, 0), _Test(2, 0, half=1)]]),  # no new limit
        "prctl": ((157, 167), [[_Test(0, option)] for option in _PRCTL]),
        "ioctl": ((16, 29), [[_Test(1, request)] for request in _IOCTL]),
        "fcntl": ((72, 25), [[_Test(1, command)] for command in _FCNTL]),
    }


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def is_supported() -> bool:
    """Whether this kernel filters system calls, on an architecture that is known here."""
    if platform.machine() not in _MACHINES:
        return False
    try:
        call(_SECCOMP[_machine()], _GET_ACTION_AVAIL, 0, ctypes.byref(ctypes.c_uint32(_KILL_PROCESS)))
    except OSError:
        return False
    return True


def allow_listed() -> None:
    """Let this thread, and those it starts, make the listed system calls only.

    The others fail as if the kernel did not have them: that is what libraries expect of calls that are too
    new, and it makes the C library start threads with clone, whose flags can be tested, in place of clone3.

    Raises
    ------
    OSError
        If the kernel refuses.
    """
    steps = _filter(_machine())
    program = _Program(len(steps), b"".join(struct.pack("=HBBI", *step) for step in steps))
    call(_SECCOMP[_machine()], _SET_MODE_FILTER, 0, ctypes.byref(program))


def _machine() -> int:
    return _MACHINES.index(platform.machine())


def _filter(machine: int) -> list[tuple[int, int, int, int]]:
    """Instructions of classic BPF: code, steps to jump if true and if false, operand."""
    missing, refused = ((_RETURN, 0, 0, _ERRNO | number) for number in (errno.ENOSYS, errno.EPERM))
    allowed = (_RETURN, 0, 0, _ALLOW)
    steps: list[tuple[int, int, int, int]] = [
        (_LOAD, 0, 0, _ARCH),
        (_JUMP_IF_EQUAL, 1, 0, _AUDIT_ARCH[machine]),
        (_RETURN, 0, 0, _KILL_PROCESS),
        (_LOAD, 0, 0, _NUMBER),
    ]
    for numbers in _ALLOWED.values():
        if (number := numbers[machine]) is not None:
            steps += [(_JUMP_IF_EQUAL, 0, 1, number), allowed]
    for numbers, alternatives in _conditional().values():
        if (number := numbers[machine]) is not None:
            body = [step for tests in alternatives for step in (*_tested(tests), allowed)]
            steps += [(_JUMP_IF_EQUAL, 0, len(body) + 1, number), *body, refused]
    return [*steps, missing]


def _tested(tests: list[_Test]) -> list[tuple[int, int, int, int]]:
    """Return steps that go on if all tests hold, and else jump over the step behind them."""
    steps: list[tuple[int, int, int, int]] = []
    for test in reversed(tests):
        word = _ARGUMENTS + 8 * test.argument + 4 * test.half  # both architectures are little-endian
        compare = (_JUMP_IF_EQUAL, 0, len(steps) + 1, test.value)
        steps = [(_LOAD, 0, 0, word), (_AND, 0, 0, test.mask), compare, *steps]
    return steps
