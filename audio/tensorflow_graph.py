"""A SavedModel that hears, run by TensorFlow in a process of its own.

That keeps what TensorFlow would do to this process away from it: it takes 500 MB and every GPU, writes to the
terminal, and does not go with every version of torch. A SavedModel is a program; it runs with the rights of
the user, as any program does.
"""

import contextlib
import csv
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from zoo.errors import WeightsError

RATE = 16000  # Hz
WINDOW = 15600  # samples of a patch: 96 frames of 25 ms, one every 10 ms
# How far apart patches begin, and what the graph gives: tensorflow/models research/audioset/yamnet/params.py,
# inference.py and research/audioset/vggish/vggish_params.py, vggish_export_tfhub.py.
HOPS = {"classes": 7680, "embedding": 15360}
EXPECTED = (
    "expected is one that takes a waveform (samples,) of 16 kHz and gives scores, embeddings and the log-mel "
    "spectrogram with a map of the classes, as google/yamnet/1 does, or embeddings alone, as google/vggish/1"
)


@dataclass(frozen=True)
class Facts:
    """What a graph says of itself.

    Attributes
    ----------
    kind : {"classes", "embedding"}
        Scores and embeddings as YAMNet gives them, or embeddings alone as VGGish does.
    width : int
        Numbers in an embedding.
    parameters : int
        Trainable ones, or all where none is.
    labels : tuple of (str, str)
        Identifier and name of each class.
    """

    kind: str
    width: int
    parameters: int
    labels: tuple[tuple[str, str], ...] = ()


class Graph:
    """The graph of a SavedModel, or the first one inside it that hears (a Keras model may wrap it).

    Parameters
    ----------
    folder : Path

    Raises
    ------
    WeightsError
        If it is no SavedModel, or of another kind.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "audio.tensorflow_graph", os.fspath(folder)],
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        answer = json.loads(self._read_line())
        if why := answer.get("error"):
            raise WeightsError(f"{folder} is not a SavedModel that TensorFlow can read ({why}).")
        if not answer:
            raise WeightsError(f"{folder} is a SavedModel of another kind: {EXPECTED}.")
        labels = tuple((identity, name) for identity, name in answer.pop("labels"))
        self.facts = Facts(labels=labels, **answer)

    def __call__(self, waveform: np.ndarray) -> list[np.ndarray]:
        """Outputs for a waveform, shape (samples,): (patches, classes) and (patches, width), or the latter.

        Raises
        ------
        WeightsError
            If TensorFlow fails.
        """
        with self._lock:
            try:
                answer, outputs = self._exchange(waveform)
            except BaseException:  # half an answer would be taken for the next one
                self._process.kill()
                raise
        if why := answer.get("error"):
            raise WeightsError(f"{self.folder} cannot be run by TensorFlow ({why}).")
        return outputs

    def _exchange(self, waveform: np.ndarray) -> tuple[dict[str, Any], list[np.ndarray]]:
        try:
            _send(self._process.stdin, waveform)
            answer = json.loads(self._read_line())
            return answer, [_receive(self._process.stdout, shape) for shape in answer.get("shapes", [])]
        except (OSError, ValueError) as error:
            raise self._ended() from error

    @property
    def alive(self) -> bool:
        """Whether its process still runs."""
        return self._process.poll() is None

    def __deepcopy__(self, memo: dict[int, Any]) -> "Graph":
        return self  # it keeps no state between two calls

    def __del__(self) -> None:
        if process := getattr(self, "_process", None):
            with contextlib.suppress(OSError):  # it has ended already
                process.stdin.close()  # which ends it
            process.stdout.close()
            process.wait()

    def _read_line(self) -> bytes:
        if line := self._process.stdout.readline():
            return line
        raise self._ended()

    def _ended(self) -> WeightsError:
        self._process.kill()
        return WeightsError(f"TensorFlow has ended, which ran {self.folder}; load the network again.")


def _send(stream: BinaryIO, waveform: np.ndarray) -> None:
    stream.write(json.dumps({"shape": waveform.shape}).encode() + b"\n")
    stream.write(np.ascontiguousarray(waveform, np.float32).tobytes())
    stream.flush()


def _receive(stream: BinaryIO, shape: list[int]) -> np.ndarray:
    data = stream.read(4 * int(np.prod(shape)))
    return np.frombuffer(data, np.float32).reshape(shape)


def _serve(folder: str) -> None:
    """The other process: says what the graph is, and answers waveforms until there are no more."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what TensorFlow prints is no answer
    module, facts = None, {}
    try:
        module, facts = _find(folder)
    except Exception as error:  # whatever TensorFlow raises over a damaged file
        facts = {"error": _first_line(error)}
    _answer(answers, facts)
    while module and (line := sys.stdin.buffer.readline()):
        waveform = _receive(sys.stdin.buffer, json.loads(line)["shape"])
        try:
            outputs = [np.asarray(output, np.float32) for output in _outputs(module, waveform)[:2]]
        except Exception as error:
            _answer(answers, {"error": _first_line(error)})
            continue
        _answer(answers, {"shapes": [output.shape for output in outputs]}, *outputs)


def _answer(stream: BinaryIO, facts: dict[str, Any], *arrays: np.ndarray) -> None:
    stream.write(json.dumps(facts).encode() + b"\n")
    for array in arrays:
        stream.write(array.tobytes())
    stream.flush()


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), "") or type(error).__name__


def _find(folder: str) -> tuple[Any, dict[str, Any]]:
    import tensorflow_hub as hub

    for module in _modules(hub.load(folder)):
        if any(_takes_waveforms(function) for function in _functions(module)) and (facts := _facts(module)):
            return module, facts
    return None, {}


def _modules(root: Any) -> Iterator[Any]:
    """An object that was saved and all that it holds, the outermost first."""
    import tensorflow as tf

    found, seen = [root], {id(root)}
    for module in found:
        yield module
        for child in vars(module).values():
            if isinstance(child, tf.__internal__.tracking.AutoTrackable) and id(child) not in seen:
                seen.add(id(child))
                found.append(child)


def _functions(module: Any) -> list[Any]:
    return getattr(vars(module).get("__call__"), "concrete_functions", [])


def _takes_waveforms(function: Any) -> bool:
    import tensorflow as tf

    positional, _ = function.structured_input_signature
    given = [spec for spec in positional if isinstance(spec, tf.TensorSpec)]
    return [(spec.shape.rank, spec.dtype) for spec in given] == [(1, tf.float32)]


def _outputs(module: Any, waveform: np.ndarray) -> list[Any]:
    outputs = module(waveform)
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def _facts(module: Any) -> dict[str, Any]:
    """What a graph is, by what it gives for three patches of silence; nothing where it is something else."""
    import tensorflow as tf

    labels = _labels(module)
    kind = "classes" if labels else "embedding"
    patches = 3  # for so many whole windows even YAMNet's graph gives no more, see audio.tensorflow_hub
    try:
        outputs = _outputs(module, np.zeros(WINDOW + (patches - 1) * HOPS[kind], np.float32))
    except (TypeError, ValueError, tf.errors.OpError):
        return {}
    shapes = [tuple(output.shape) for output in outputs]
    *scores, vectors = shapes[:2]
    if len(shapes) != (3 if labels else 1) or len(vectors) != 2 or vectors[0] != patches:
        return {}
    if scores != [(patches, len(labels))] * bool(labels):
        return {}
    if labels and not 0 <= np.min(outputs[0]) <= np.max(outputs[0]) <= 1:
        return {}
    return {"kind": kind, "width": vectors[1], "parameters": _parameters(module), "labels": labels}


def _labels(module: Any) -> list[tuple[str, str]]:
    """Identifier and name of each class, from the CSV file that a graph of YAMNet's kind names."""
    if not hasattr(module, "class_map_path"):
        return []
    text = Path(os.fsdecode(module.class_map_path().numpy())).read_text(encoding="utf-8")
    return [(row["mid"], row["display_name"]) for row in csv.DictReader(text.splitlines())]


def _parameters(module: Any) -> int:
    functions = _functions(module)
    trainable = {id(v): v for function in functions for v in function.trainable_variables}
    variables = trainable or {id(v): v for function in functions for v in function.variables}
    return sum(int(np.prod(variable.shape)) for variable in variables.values())


if __name__ == "__main__":
    _serve(sys.argv[1])
