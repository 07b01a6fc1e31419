"""The process that reads a stranger's network file: it has limits, and the server has none of its memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from zoo.core.isolated import serve


def answer(request: dict[str, Any], *_: np.ndarray) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Inspect a file, or import it into a folder, see `zoo.app.services.imports`."""
    path = Path(request["path"])

    def progress(done: int, _: int) -> None:
        Path(request["stage"]).write_text(str(done))

    if "folder" not in request:
        from zoo.exchange.inspection import inspect

        return msgspec.to_builtins(inspect(path, progress)), []
    from zoo.app.services.attempt_results import NETWORK
    from zoo.app.services.import_results import save_report
    from zoo.exchange.importing import import_network

    folder = Path(request["folder"])
    net = import_network(
        path,
        name=request["name"],
        labels=request["labels"],
        preprocess=request["preprocess"],
        activation=request["activation"],
        out=folder / NETWORK,
        device="cpu",
        progress=progress,
    )
    save_report(folder, net.report)
    return {}, []


if __name__ == "__main__":
    serve(answer)
