"""MobileNet-v2 from the published TensorFlow Lite file against TensorFlow Lite's own interpreter."""

import numpy as np
import pytest

import zoo
from tests.conftest import _shared
from zoo.core.errors import WeightsError
from zoo.formats import read

FILES = ("tf2_mobilenet_v2_1.0_224_ptq", "mobilenet_v2_1.0_224_quant")


@pytest.fixture(scope="module")
def published():
    return _shared("weights")


@pytest.fixture(scope="module")
def network(published, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_MIRROR", str(published))
        patch.setenv("ZOO_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield zoo.load("mobilenetv2.tflite", device="cpu")


def interpreted(path, data):
    """First classes of the graph itself, of pictures (n, 3, 224, 224), without the background."""
    from tensorflow.lite.python.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=2)
    interpreter.allocate_tensors()
    (given,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    scale, zero = given["quantization"]
    first = []
    for picture in data.permute(0, 2, 3, 1).numpy():
        picture = (
            picture
            if not scale
            else (picture / scale + zero)
            .round()
            .clip(np.iinfo(given["dtype"]).min, np.iinfo(given["dtype"]).max)
        )
        interpreter.set_tensor(given["index"], picture[None].astype(given["dtype"]))
        interpreter.invoke()
        first.append(int(interpreter.get_tensor(result["index"])[0].argmax()) - 1)
    return first


def test_the_first_class_is_that_of_the_interpreter(network, published, media):
    photos = sorted((media / "photos").glob("*.jpg"))
    truth = [photo.name.split("_")[1] for photo in photos]
    results = network.classify(photos)
    ours = [int(result.indices[0]) for result in results]
    theirs = interpreted(published / f"{FILES[0]}.tflite", network.preprocess(photos))
    assert len(photos) == 40
    assert sum(one == other for one, other in zip(ours, theirs, strict=True)) >= 39
    assert sum(result.ids[0] == wnid for result, wnid in zip(results, truth, strict=True)) >= 38
    assert all(wnid in result.ids for result, wnid in zip(results, truth, strict=True))


@pytest.mark.parametrize("name", FILES)
def test_constants_are_those_of_the_interpreter(published, name):
    """De-quantized by the scales that the interpreter states."""
    from tensorflow.lite.python.interpreter import Interpreter

    path = published / f"{name}.tflite"
    interpreter = Interpreter(str(path), experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    details = {detail["name"]: detail for detail in interpreter.get_tensor_details()}
    tensors = read(path, "tflite")
    for key, tensor in tensors.items():
        values, how = interpreter.get_tensor(details[key]["index"]), details[key]["quantization_parameters"]
        if len(scales := how["scales"]):
            shape = [1] * values.ndim
            if len(scales) > 1:
                shape[how["quantized_dimension"]] = -1
            values = (values - how["zero_points"].reshape(shape)) * scales.astype(float).reshape(shape)
        np.testing.assert_allclose(tensor, values, rtol=1e-6)


@pytest.mark.parametrize("length", [0, 7, 100, 100_000, -100_000])
def test_a_truncated_file_is_refused(published, tmp_path, length):
    content = (published / f"{FILES[0]}.tflite").read_bytes()
    (tmp_path / "short.tflite").write_bytes(content[:length])
    with pytest.raises(WeightsError, match="TensorFlow Lite"):
        read(tmp_path / "short.tflite", "tflite")
