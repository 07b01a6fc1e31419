"""The process that runs TorchScript: it enters the sandbox, and only then imports PyTorch."""

import io
import sys
import tempfile
import warnings
from itertools import product
from pathlib import Path
from typing import Any

from zoo.core import sandbox

OPSET = 20
ROWS = (2, 1)  # of an example; a program that was traced for one input may take no other number


class Program:
    """A TorchScript file, which is loaded at the first request."""

    def __init__(self, path: str):
        self.path, self.name = path, Path(path).name
        self.module: Any = None

    def answer(self, request: dict[str, Any], *arrays: Any) -> tuple[dict[str, Any], list[Any]]:
        """Load the file, convert it, or run it, see `zoo.exchange.scripted_program`."""
        import torch

        from zoo.core.errors import InputError, WeightsError, reason

        if self.module is None:
            try:
                self.module = torch.jit.load(self.path, map_location="cpu").eval()
            except Exception as error:  # of the library, for whatever a damaged file makes it run into
                text = f"{self.name} is not a complete TorchScript file: {reason(error)}"
                raise WeightsError(text) from error
        try:
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self._convert(request["shapes"]) if "shapes" in request else self._run(*arrays)
        except Exception as error:  # of PyTorch and of the program itself
            guessed = len(request.get("shapes", ())) > 1
            advice = "; pass preprocess= with the size that it takes" if guessed else ""
            raise InputError(f"PyTorch cannot run {self.name}: {reason(error)[:200]}{advice}") from error

    def _convert(self, shapes: list[list[int]]) -> tuple[dict[str, Any], list[Any]]:
        import numpy as np
        import torch

        shape, rows = self._taken(shapes)
        example = torch.zeros(rows, *shape)
        file: Any = io.BytesIO()  # which this exporter takes, though its type says a path
        torch.onnx.export(
            self.module,
            (example,),
            file,
            dynamo=False,
            opset_version=OPSET,
            input_names=["input"],
            dynamic_axes={"input": {0: "rows"}} if rows > 1 else None,
        )
        return {"rows": rows, "version": torch.__version__}, [np.frombuffer(file.getbuffer(), np.uint8)]

    def _taken(self, shapes: list[list[int]]) -> tuple[list[int], int]:
        """Return the first shape that the program runs with, and how many rows at once."""
        import torch

        first: Exception | None = None
        for shape, rows in product(shapes, ROWS):
            try:
                self._run(torch.zeros(rows, *shape).numpy())
            except Exception as error:  # of PyTorch and of the program itself
                first = first or error
            else:
                return shape, rows
        assert first is not None
        raise first

    def _run(self, batch: Any) -> tuple[dict[str, Any], list[Any]]:
        import torch

        return {}, [tensor.detach().numpy() for tensor in _tensors(self.module(torch.from_numpy(batch)))]


def _tensors(outputs: Any) -> list[Any]:
    """Return the tensors of what a program gives, in the order in which ONNX names them."""
    import torch

    if isinstance(outputs, torch.Tensor):
        return [outputs]
    if isinstance(outputs, tuple | list):
        return [tensor for output in outputs for tensor in _tensors(output)]
    raise TypeError(f"its output is {type(outputs).__name__}, and not a tensor")


def main(path: str, max_bytes: str) -> None:
    """Answer what `zoo.exchange.scripted_program` asks about a file."""
    sandbox.enter([path], max_bytes=int(max_bytes))
    tempfile.tempdir = "/"  # libraries ask for it as they are imported, and fail if nowhere can be written
    from zoo.core.isolated import serve

    serve(Program(path).answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
