"""Which format a foreign file has, by its content."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.core.errors import InputError, TrustError, WeightsError, reason

if TYPE_CHECKING:
    from zoo.exchange.onnx_file import OnnxFile

ONNX = "ONNX"
EXPORTED = "an exported program (.pt2)"
SCRIPTED = "TorchScript"
_ADVICE = {
    "a checkpoint of PyTorch, which has tensors and no graph": "write ONNX with torch.onnx.export",
    "Keras": "write ONNX with model.export(path, format='onnx')",
    "HDF5, as Keras writes it": "write ONNX with model.export(path, format='onnx')",
    "a SavedModel of TensorFlow": "write ONNX with python -m tf2onnx.convert --saved-model",
    "TensorFlow Lite": "write ONNX with python -m tf2onnx.convert --tflite",
    "JSON": "write the whole network as ONNX",
    "safetensors, which has tensors and no graph": "write the whole network as ONNX",
}


def require_importable(path: Path, *, trust: bool = False) -> str:
    """Return the format of a file, and refuse one that is not imported, with a way to ONNX.

    Raises
    ------
    InputError
        If the file is missing, or of another format.
    TrustError
        If it is a program, and `trust` is false.
    WeightsError
        If it cannot be read.
    """
    if not path.exists():
        raise InputError(f"{path} does not exist.")
    try:
        kind = _format_of(path)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {reason(error)}.") from error
    if kind not in (ONNX, EXPORTED, SCRIPTED):
        raise InputError(
            f"{path} is {kind}, which cannot be imported yet; choose from ONNX and .pt2: {_ADVICE[kind]}."
        )
    if kind == SCRIPTED and not trust:
        raise TrustError(
            f"{path} is {kind}, a program, which can read and write files: pass trust=True (--trust) to run "
            "it in a sandbox if you trust its author, or write .pt2 with torch.export.save, or ONNX."
        )
    return kind


def opened(path: Path, *, trust: bool = False, shape: tuple[int, ...] | None = None) -> OnnxFile:
    """Read a file of any format that is imported, as a graph of ONNX.

    Parameters
    ----------
    path : Path
    trust : bool
        Whether to run a program, in a sandbox.
    shape : tuple of int, optional
        Of an input without the batch axis, where it is known: a program is converted for it.

    Raises
    ------
    InputError
        If it has operators that are not imported.
    TrustError
        If it is a program, and `trust` is false.
    SandboxError
        If it is a program, and this machine has no sandbox.
    WeightsError
        If it is damaged.
    """
    from zoo.exchange.exported_program import ExportedProgram
    from zoo.exchange.onnx_file import OnnxFile
    from zoo.exchange.scripted_program import ScriptedProgram

    kind = require_importable(path, trust=trust)
    if kind == EXPORTED:
        return OnnxFile(path, ExportedProgram(path))
    if kind == SCRIPTED:
        return OnnxFile(path, ScriptedProgram(path, shape))
    return OnnxFile(path)


def _format_of(path: Path) -> str:
    if path.is_dir():
        if (path / "saved_model.pb").is_file():
            return "a SavedModel of TensorFlow"
        raise InputError(f"{path} is a folder, and not a SavedModel; pass the file of a network.")
    with path.open("rb") as file:
        start = file.read(16)
    if start.startswith(b"PK\x03\x04"):
        return _kind_of_zip(path)
    if start.startswith(b"\x89HDF"):
        return "HDF5, as Keras writes it"
    if start[4:8] == b"TFL3":
        return "TensorFlow Lite"
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= path.stat().st_size:
        return "safetensors, which has tensors and no graph"
    return "JSON" if start.lstrip()[:1] in (b"{", b"[") and path.suffix == ".json" else ONNX


def _kind_of_zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise WeightsError(f"{path} is a damaged archive: {reason(error)}.") from error
    if "config.json" in names and "metadata.json" in names:
        return "Keras"
    if any(name.endswith(("archive_format", "/models/model.json")) for name in names):
        return EXPORTED
    if any("/code/" in name for name in names):
        return SCRIPTED
    if any(name.endswith("data.pkl") for name in names):
        return "a checkpoint of PyTorch, which has tensors and no graph"
    raise InputError(f"{path} is an archive of an unknown kind; pass an ONNX file.")


def data_suffixes() -> tuple[str, ...]:
    """Return the endings of the formats whose files hold only data, so that a stranger may send them."""
    return (".onnx", ".pt2")
