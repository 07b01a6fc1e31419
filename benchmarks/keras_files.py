"""Write networks of Keras with random weights: ``python -m benchmarks.keras_files NAME FOLDER``.

NAME is that of a network of ``keras.applications`` (a ``.keras`` file and a SavedModel), or ``small``: one of
a few layers in every format that is imported, and in forms that are refused.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

SIDE = 32


def main(name: str, folder: Path) -> None:
    """Write the files of a network into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(0)
    if name == "small":
        write_small(folder)
        return
    network = getattr(keras.applications, name)(weights=None)
    randomize(network)
    network.save(folder / f"{name}.keras")
    network.export(folder / name, verbose=False)


def randomize(network: Any) -> None:
    """Give the weights that begin with zeros and ones random values near these."""
    generator = np.random.default_rng(0)
    for weight in network.weights:
        value = np.asarray(weight)
        if value.size > 1 and np.ptp(value) == 0:
            weight.assign(value + generator.uniform(-0.2, 0.2, value.shape))


def small() -> Any:
    """Return a network with what image networks have: convolutions, a branch, normalization, a head."""
    layers = keras.layers
    images = keras.Input((SIDE, SIDE, 3), name="images")
    x = layers.Rescaling(1 / 255)(images)
    x = layers.Normalization(mean=[0.5, 0.4, 0.3], variance=[0.06, 0.05, 0.07])(x)
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False, name="stem")(x)
    x = layers.BatchNormalization()(x)
    x = layers.Activation("swish")(x)
    x = layers.Add()([layers.DepthwiseConv2D(3, padding="same")(x), layers.Conv2D(8, 1)(x)])
    x = layers.GlobalAveragePooling2D()(x)
    network = keras.Model(
        images, layers.Dense(5, activation="softmax", name="classes")(layers.Dropout(0.2)(x))
    )
    randomize(network)
    return network


def write_small(folder: Path) -> None:
    """Write the small network in each format, and hostile or unknown ones."""
    network = small()
    network.save(folder / "small.keras")
    network.save(folder / "small.h5")
    network.export(folder / "small", verbose=False)
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    (folder / "small.tflite").write_bytes(converter.convert())
    (folder / "quantized.tflite").write_bytes(_quantized(network))

    images = keras.Input((SIDE, SIDE, 3))
    code = keras.Sequential(
        [images, keras.layers.Lambda(lambda x: x * 2), keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    code.save(folder / "lambda.keras")
    code.save(folder / "lambda.h5")

    write_programs(folder)
    flex = tf.lite.TFLiteConverter.from_concrete_functions(
        [
            tf.function(
                lambda x: tf.raw_ops.Bincount(arr=tf.cast(x, tf.int32), size=4, weights=[])
            ).get_concrete_function(tf.TensorSpec((1, 8), tf.float32))
        ]
    )
    flex.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    (folder / "flex.tflite").write_bytes(flex.convert())


def write_programs(folder: Path) -> None:
    """Write SavedModels with operators that read files and run Python."""
    signature = [tf.TensorSpec((None, SIDE, SIDE, 3), name="images")]

    @tf.function(input_signature=signature)
    def read(images: Any) -> Any:
        length = tf.strings.length(tf.io.read_file("/etc/hostname"))
        return {"scores": tf.reduce_mean(images, [1, 2]) + tf.cast(length, tf.float32)}

    @tf.function(input_signature=signature)
    def run(images: Any) -> Any:
        return {"scores": tf.py_function(lambda x: x[:, 0, 0], [images], tf.float32)}

    for name, function in (("read", read), ("run", run)):
        module = tf.Module()
        module.function = function
        tf.saved_model.save(module, str(folder / name), signatures=function)


def _quantized(network: Any) -> bytes:
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]

    def examples() -> Iterator[list[np.ndarray]]:
        generator = np.random.default_rng(1)
        for _ in range(20):
            yield [generator.uniform(0, 255, (1, SIDE, SIDE, 3)).astype(np.float32)]

    converter.representative_dataset = examples
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
