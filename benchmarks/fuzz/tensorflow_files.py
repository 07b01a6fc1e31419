"""Files of Keras and TensorFlow Lite that are imported, and changes of their configurations."""

import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from random import Random

from benchmarks.fuzz.cases import Files
from benchmarks.fuzz.mutations import mutate_bytes
from benchmarks.fuzz.packages import zipped
from benchmarks.fuzz.values import mutate_json
from zoo.core import errors
from zoo.core.errors import WorkerError

_ROOT = Path(__file__).resolve().parents[2]
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "KERAS_HOME": os.devnull}


@cache
def _written() -> dict[str, bytes]:
    """Keras in a process of its own: its memory and its threads stay out of the reader's."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.keras_files", "small", folder]
        environment = os.environ | _QUIET | {"PYTHONPATH": str(_ROOT)}
        subprocess.run(command, check=True, capture_output=True, cwd=_ROOT, env=environment)
        return {path.name: path.read_bytes() for path in Path(folder).iterdir() if path.is_file()}


def seeds(*names: str) -> list[Files]:
    """Return cases of one file each, all of the same name."""
    return [{f"net{Path(name).suffix}": _written()[name]} for name in names]


def mutate_keras(content: bytes, random: Random) -> bytes:
    """Change the parts of a ``.keras`` archive, most often its configuration."""
    return zipped(content, random, _member)


def _member(name: str, content: bytes, random: Random) -> bytes:
    if name.endswith(".json") and random.random() < 0.8:
        return mutate_json(content, random)
    return mutate_bytes(content, content, random)[0]


def read(path: Path, kind: str) -> None:
    """Convert a file as the helper process does, in a copy of this process.

    Each import starts a helper process, which imports TensorFlow; that takes ten seconds. A copy of a process
    that imported it already takes none. What is done with the graph is that of the format ``onnx-graph``.
    """
    os.environ.update(_QUIET)
    import tensorflow  # noqa: F401
    import tf2onnx.tfonnx  # noqa: F401

    from zoo.exchange.tensorflow_original import Original

    refusal = path.with_name("refused")
    pid = os.fork()
    if not pid:
        code = 1
        try:
            Original(kind, path).answer({})
            code = 0
        except errors.ZooError as error:
            refusal.write_text(f"{type(error).__name__} {error}")
            code = 2
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code == 2:
        name, _, text = refusal.read_text().partition(" ")
        raise getattr(errors, name)(text)
    if code < 0:
        raise WorkerError("The process ended.")  # as `zoo.core.isolated.Worker` says it
    if code:
        raise RuntimeError("an error that is none of the zoo's")
