"""Which format a foreign file has, by its content."""

from __future__ import annotations

import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.core.errors import InputError, TrustError, WeightsError, reason

if TYPE_CHECKING:
    from zoo.exchange.onnx_file import OnnxFile

ONNX = "ONNX"
EXPORTED = "an exported program (.pt2)"
KERAS, HDF5 = "Keras", "HDF5, as Keras writes it"
SAVED_MODEL, LITE = "a SavedModel of TensorFlow", "TensorFlow Lite"
_TENSORFLOW = {KERAS: "keras", HDF5: "hdf5", SAVED_MODEL: "savedmodel", LITE: "tflite"}
SCRIPTED = "TorchScript"
_PROGRAMS = {
    SCRIPTED: "write .pt2 with torch.export.save, or ONNX",
    SAVED_MODEL: "save the network as .keras or as ONNX",
}
_ADVICE = {
    "a checkpoint of PyTorch, which has tensors and no graph": "write ONNX with torch.onnx.export",
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
    if kind not in (ONNX, EXPORTED, *_PROGRAMS, *_TENSORFLOW):
        raise InputError(f"{path} is {kind}, which cannot be imported: {_ADVICE[kind]}.")
    if kind in _PROGRAMS and not trust:
        raise TrustError(
            f"{path} is {kind}, a program, which can read and write files: pass trust=True (--trust) if "
            f"you trust its author, and it runs in a sandbox; or {_PROGRAMS[kind]}."
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
    if kind in _TENSORFLOW:
        from zoo.exchange.tensorflow_file import TensorFlowFile

        return OnnxFile(path, TensorFlowFile(path, _TENSORFLOW[kind]))
    if kind == SCRIPTED:
        return OnnxFile(path, ScriptedProgram(path, shape))
    return OnnxFile(path)


def _format_of(path: Path) -> str:
    if path.is_dir():
        if (path / "saved_model.pb").is_file():
            return SAVED_MODEL
        raise InputError(f"{path} is a folder, and not a SavedModel; pass the file of a network.")
    with path.open("rb") as file:
        start = file.read(16)
    if start.startswith(b"PK\x03\x04"):
        return _kind_of_zip(path)
    if start.startswith(b"\x89HDF"):
        return HDF5
    if start[4:8] == b"TFL3":
        return LITE
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
        return KERAS
    if any(name.endswith(("archive_format", "/models/model.json")) for name in names):
        return EXPORTED
    if any("/code/" in name for name in names):
        return SCRIPTED
    if any(name.endswith("data.pkl") for name in names):
        return "a checkpoint of PyTorch, which has tensors and no graph"
    raise InputError(f"{path} is an archive of an unknown kind; pass an ONNX file.")


def data_suffixes() -> tuple[str, ...]:
    """Return the endings of the formats whose files hold only data, so that a stranger may send them."""
    suffixes = (".onnx", ".pt2")
    return (*suffixes, ".tflite", ".keras") if find_spec("tf2onnx") and find_spec("tensorflow") else suffixes
