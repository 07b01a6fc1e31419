"""Check the opcodes of a pickle before an unpickler runs them.

A few hundred bytes can make an unpickler allocate gigabytes (a memo index of 2^31), run for years (a key of
tuples within tuples, each twice in the next, takes 2^n steps to hash) or overflow the stack (a key nested
100,000 deep).
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import IO

MAX_OPCODES = 1_000_000  # a state dictionary takes some 40 for each tensor
MAX_REPEATED = 1_000_000  # objects behind all references to the memo
MAX_DEPTH = 100

_GET = ("GET", "BINGET", "LONG_BINGET")
_PUT = ("PUT", "BINPUT", "LONG_BINPUT")
_GLOBAL = ("GLOBAL", "INST")
_CHANGE = ("APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS", "BUILD")


@dataclass
class _Item:
    """A value on the stack: how many objects it stands for, and how deep it is nested."""

    size: int = 1
    depth: int = 0

    def take(self, items: Iterable[_Item]) -> None:
        """Put items into it."""
        for item in items:
            self.size += item.size
            self.depth = max(self.depth, item.depth + 1)
        if self.depth > MAX_DEPTH:
            raise ValueError(f"its objects are nested more than {MAX_DEPTH} deep")


_MARK = _Item(0)


def check(file: IO[bytes], is_allowed: Callable[[str], bool]) -> None:
    """Check one pickle, and leave the file at its end.

    Parameters
    ----------
    file : binary file
    is_allowed : callable
        Whether the pickle may name a global, ``"module name"``.

    Raises
    ------
    ValueError
        If it is not a complete pickle, names a global that is not allowed, or stands for far more bytes.
    """
    stack: list[_Item] = []
    memo: dict[int, _Item] = {}
    repeated = 0
    for count, (opcode, argument, _) in enumerate(pickletools.genops(file)):
        if count > MAX_OPCODES:
            raise ValueError(f"it has more than {MAX_OPCODES} opcodes")
        if opcode.name in _GLOBAL and not is_allowed(str(argument)):
            raise ValueError(f"it asks for {str(argument).replace(' ', '.')}")
        if opcode.name in _GET:
            assert isinstance(argument, int)  # pickletools reads it as one
            item = memo[argument]
            stack.append(item)
            repeated += item.size
            if repeated > MAX_REPEATED:
                raise ValueError(f"its references stand for more than {MAX_REPEATED} objects")
        elif opcode.name in _PUT or opcode.name == "MEMOIZE":
            place = len(memo) if argument is None else argument
            if place > count:
                raise ValueError(f"its memo has no place {place}")
            memo[place] = stack[-1]
        else:
            _step(opcode, stack)


def _step(opcode: pickletools.OpcodeInfo, stack: list[_Item]) -> None:
    """Do to the stack what an opcode does, as `pickletools` describes it."""
    if opcode.name == "DUP":
        stack.append(stack[-1])
        return
    items: list[_Item] = []
    before = opcode.stack_before
    if pickletools.markobject in before:
        while (item := stack.pop()) is not _MARK:
            items.append(item)
        before = before[: before.index(pickletools.markobject)]
    elif opcode.name == "POP":
        before = [pickletools.anyobject]
    items += [stack.pop() for _ in before]
    for kind in opcode.stack_after:
        if kind is pickletools.markobject:
            stack.append(_MARK)
        else:
            result = items.pop() if opcode.name in _CHANGE else _Item()  # references see the change
            result.take(items)
            stack.append(result)
