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
from zoo.core.errors import WeightsError, WorkerError

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
    """Convert as the helper process does, in a copy of this process, and import the graph.

    Each import starts a helper process, which imports TensorFlow; that takes ten seconds. A copy of a process
    that imported it already takes none.
    """
    os.environ.update(_QUIET)
    import tensorflow  # noqa: F401
    import tf2onnx.tfonnx  # noqa: F401

    from zoo.exchange.tensorflow_original import Original

    result = path.with_name("graph.onnx")
    pid = os.fork()
    if not pid:
        code = 1
        try:
            _, (graph,) = Original(kind, path).answer({})
            result.write_bytes(graph.tobytes())
            code = 0
        except errors.ZooError as error:
            path.with_name("refused").write_text(f"{type(error).__name__} {error}")
            code = 2
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == 2:
        name, _, text = path.with_name("refused").read_text().partition(" ")
        raise getattr(errors, name)(text)
    if code < 0:
        raise WorkerError("The process ended.")  # as `zoo.core.isolated.Worker` says it
    if code:
        raise RuntimeError("an error that is none of the zoo's")
    from zoo.exchange.importing import import_network

    if result.stat().st_size == 0:
        raise WeightsError("The graph is empty.")
    import_network(result, name="net", preprocess={"resize": 32, "crop": 32}, device="cpu")
