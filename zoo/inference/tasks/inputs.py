"""One input -> one result; a list -> a list of results, and of problems where the caller asks for them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import IO, TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
import torch
from PIL import Image

from zoo.core.errors import InputError
from zoo.core.inputs import Failures, name_of
from zoo.core.validation import choice
from zoo.results import Problem

if TYPE_CHECKING:
    from zoo.inference.model import Model

Result = TypeVar("Result")
OnError = Literal["raise", "skip"]
OneOrMany = Result | list[Result] | list[Result | Problem]
"""What a verb returns, before its overloads say which of these."""

File = str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes]
Input = File | Image.Image | np.ndarray | torch.Tensor
"""One input. To a type checker, a string is a file: pass folders and glob patterns in a list."""
Inputs = Iterable[Input]
"""Several inputs."""


def collects_failures(net: Model, x: Any, on_error: str) -> bool:
    """Tell whether inputs that cannot be used are left out: an input by itself always raises its error.

    Raises
    ------
    InputError
        If `on_error` is neither "raise" nor "skip".
    """
    return choice("on_error", on_error, ("raise", "skip")) == "skip" and not net.preprocessor.is_one(x)


def run_each(
    net: Model, x: Any, on_error: str, work: Callable[[Any, int], Result]
) -> Result | list[Result | Problem]:
    """Run a task on one input, or on each of several.

    Parameters
    ----------
    net : Model
    x : input, or a list of inputs
    on_error : {"raise", "skip"}
        Of several inputs: raise the first error, or put a `Problem` in the place of that input's result.
    work : callable
        Called with an input and its position.
    """
    skip = collects_failures(net, x, on_error)
    if net.preprocessor.is_one(x):
        return work(x, 0)
    results: list[Result | Problem] = []
    for position, item in enumerate(net.preprocessor.several(x)):
        try:
            results.append(work(item, position))
        except InputError as error:
            if not skip:
                raise
            results.append(problem_of(item, position, error))
    return results


def problem_of(item: Any, position: int, error: InputError) -> Problem:
    return Problem(name_of(item, position), str(error))


def problems_of(inputs: list[Any], failures: Failures) -> tuple[Problem, ...]:
    """Describe the inputs that were left out, in their order."""
    return tuple(problem_of(inputs[i], i, error) for i, error in sorted(failures.items()))
