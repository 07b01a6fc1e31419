"""The process that lays out vectors by UMAP: in the server, its compiling would hold up all pages."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.core.isolated import serve
from zoo.results import Projection
from zoo.results.projection import FEWEST, load_umap, project


def answer(request: dict[str, Any], *arrays: np.ndarray) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Do one step of `zoo.app.services.umap_layout`: load, compile or project."""
    match request["step"]:
        case "load":
            load_umap()
        case "compile":
            _project(np.eye(2 * FEWEST, dtype=np.float32))
        case "project":
            projection = _project(*arrays)
            return {"method": projection.method}, [projection.points]
    return {}, []


def _project(values: np.ndarray) -> Projection:
    return project(values, [""] * len(values), "umap")


if __name__ == "__main__":
    serve(answer)
