"""Each PyTorch network computes what keras.applications does from the same file of weights."""

import re
from dataclasses import dataclass

import numpy as np
import pytest
import torch

import zoo
from zoo import formats
from zoo.core import components
from zoo.inference.build import build
from zoo.vision import keras_models

pytestmark = pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # Keras and NumPy 2


@dataclass(frozen=True)
class Case:
    """A network and the size of pictures, with the parities of the usual size on its way through."""

    keras: str
    size: int
    unit: float = 1.0  # how much brighter Keras wants the pictures


CASES = {
    "vgg16": Case("VGG16", 224),
    "vgg19": Case("VGG19", 224),
    "resnet50": Case("ResNet50", 96),
    "resnet101": Case("ResNet101", 64),
    "densenet201": Case("DenseNet201", 96),
    "inceptionv3": Case("InceptionV3", 107),
    "inceptionresnetv2": Case("InceptionResNetV2", 107),
    "xception": Case("Xception", 107),
    "mobilenetv2": Case("MobileNetV2", 96),
    "efficientnetb0": Case("EfficientNetB0", 96, unit=255.0),
    "nasnetmobile": Case("NASNetMobile", 96),
    "nasnetlarge": Case("NASNetLarge", 75),
}


LARGE = (  # the layers of AlexNet, in the order of a test below; the code of resnet50 and nasnetmobile
    "vgg16", "vgg19", "resnet101", "nasnetlarge",
)  # fmt: skip
OTHER_SIZES = {"mobilenetv2": 75, "resnet50": 75, "efficientnetb0": 75, "nasnetmobile": 75, "xception": 96}


def quick(name, is_quick):
    return pytest.param(name, marks=[] if is_quick else [pytest.mark.exhaustive])


def test_every_file_of_keras_in_the_catalog_is_tried():
    names = [spec.arch for spec in map(zoo.describe, zoo.networks()) if spec.name.endswith(".keras")]
    assert names == sorted(CASES, key=names.index)


def record(name):
    return zoo.describe(f"{name}.keras")


def convert(name, tensors):
    return components.find(components.CONVERTERS, record(name).sources[0].convert)(tensors)


def random_model(name, size):
    """Keras's network with random weights and statistics that keep its signal alive."""
    import keras

    model = getattr(keras.applications, name)(
        weights=None, classifier_activation=None, input_shape=(size, size, 3)
    )
    rng = np.random.default_rng(0)
    for variable in model.variables:
        kind, shape = variable.path.rpartition("/")[2], variable.shape
        if kind.endswith("kernel"):
            depthwise = len(shape) == 4 and (kind == "depthwise_kernel" or shape[3] == 1)
            inputs = np.prod(shape[:2] if depthwise else shape[:-1])
            variable.assign(rng.standard_normal(shape, np.float32) * np.float32(np.sqrt(2 / inputs)))
        elif kind in ("gamma", "moving_variance"):
            variable.assign(rng.uniform(0.5, 1.5, shape))
        elif kind in ("beta", "bias", "moving_mean"):
            variable.assign(rng.normal(0, 0.2, shape))
    return model


@pytest.fixture(scope="module")
def keras_model(request):
    """A network's name, and Keras's network at its size: made once for all tests that want it."""
    case = CASES[request.param]
    return request.param, random_model(case.keras, case.size)


def two_pictures(size):
    """Coarse and fine structure, so that the outputs differ much more than by rounding."""
    rng = np.random.default_rng(1)
    coarse = np.kron(rng.uniform(-1, 1, (2, 4, 4, 3)), np.ones((1, size // 4 + 1, size // 4 + 1, 1)))
    return (coarse[:, :size, :size] + rng.normal(0, 0.2, (2, size, size, 3))).astype(np.float32)


def saved(model, path):
    (model.save_weights if path.name.endswith(".weights.h5") else model.save)(path)
    return formats.read(path, "keras")


def renumbered(tensors):
    """As in the published files, where Keras's numbers start anywhere."""
    pattern = r"(?<=^conv2d)(_\d+)?(?=/)|(?<=^batch_normalization)(_\d+)?(?=/)"
    return {
        re.sub(pattern, lambda match: f"_{95 + int((match[0] or '_0')[1:])}", name): array
        for name, array in tensors.items()
    }


def assert_equal_states(one, other):
    assert one.keys() == other.keys()
    for variable, array in one.items():
        np.testing.assert_array_equal(other[variable], array)


def assert_equal_outputs(case, model, module, size):
    pictures = two_pictures(size)
    expected = np.asarray(model(pictures * np.float32(case.unit), training=False))
    with torch.inference_mode():
        outputs = module(torch.from_numpy(pictures).permute(0, 3, 1, 2)).numpy()
    scale, difference = np.abs(expected).max(), np.abs(expected[0] - expected[1]).max()
    assert np.isfinite(expected).all()
    assert difference > 2e-3 * scale  # a constant would be easy to agree on
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=min(1e-4 * scale, 1e-3 * difference))


@pytest.mark.parametrize("keras_model", [quick(name, name not in LARGE) for name in CASES], indirect=True)
def test_the_network_computes_what_keras_does(keras_model, internet, tmp_path):
    """From Keras's file at its address in the catalog to the outputs."""
    name, model = keras_model
    case, spec = CASES[name], record(name)
    model.save(tmp_path / "model.h5")
    tensors = internet.load(spec, spec.sources[0], tmp_path / "model.h5")
    module = build(spec).eval()
    module.load_state_dict({name: torch.from_numpy(array) for name, array in tensors.items()})
    assert_equal_outputs(case, model, module, case.size)


@pytest.mark.parametrize("name", [quick(name, name == "mobilenetv2") for name in OTHER_SIZES])
def test_the_network_at_another_size_computes_what_keras_does(name, tmp_path):
    """Of other parities on the way through, which decide where the network pads."""
    case, size = CASES[name], OTHER_SIZES[name]
    model = random_model(case.keras, size)
    tensors = convert(name, saved(model, tmp_path / "model.h5"))
    module = build(record(name)).eval()
    module.load_state_dict({key: torch.from_numpy(array) for key, array in tensors.items()})
    assert_equal_outputs(case, model, module, size)


@pytest.mark.parametrize(
    "keras_model",
    [quick(name, name != "inceptionresnetv2") for name in ("inceptionv3", "inceptionresnetv2", "xception")],
    indirect=True,
)
def test_the_numbers_that_keras_gives_to_layers_do_not_matter(keras_model, tmp_path):
    name, model = keras_model
    tensors = saved(model, tmp_path / "model.h5")
    assert renumbered(tensors).keys() != tensors.keys()
    assert_equal_states(convert(name, tensors), convert(name, renumbered(tensors)))


@pytest.mark.parametrize(
    "keras_model",
    [quick(name, name != "nasnetmobile") for name in ("mobilenetv2", "xception", "nasnetmobile")],
    indirect=True,
)
def test_the_file_format_of_keras_3_gives_the_same(keras_model, tmp_path):
    """It sorts layers by their class, and numbers their variables."""
    name, model = keras_model
    assert_equal_states(
        *(convert(name, saved(model, tmp_path / file)) for file in ("model.h5", "model.weights.h5"))
    )


def test_the_first_full_connection_of_a_vgg_gets_channels_first():
    rng = np.random.default_rng(0)
    values, weights = rng.standard_normal((7, 7, 512)), rng.standard_normal((7 * 7 * 512, 3))
    kinds = {"full connection": [[weights, np.zeros(3)]]}
    keras_models._channels_first(kinds)
    ((ours, _),) = kinds["full connection"]
    np.testing.assert_allclose(values.transpose(2, 0, 1).ravel() @ ours, values.ravel() @ weights)


@pytest.fixture(scope="module")
def mobilenetv2(tmp_path_factory):
    return saved(random_model("MobileNetV2", 96), tmp_path_factory.mktemp("keras") / "model.h5")


@pytest.mark.parametrize("name", [name for name in CASES if name != "mobilenetv2"])
def test_weights_of_another_network_are_refused(name, mobilenetv2):
    with pytest.raises(ValueError, match="instead of"):
        convert(name, mobilenetv2)


def test_weights_that_lack_something_or_have_another_shape_are_refused(mobilenetv2):
    convert = keras_models.from_mobilenetv2
    for without in ("Conv1/kernel", "predictions/bias", "bn_Conv1/gamma"):
        rest = {name: array for name, array in mobilenetv2.items() if name != without}
        if without == "bn_Conv1/gamma":  # which some networks do without
            assert (convert(rest)["bn1.weight"] == 1).all()
        else:
            with pytest.raises(ValueError, match="instead of"):
                convert(rest)
    for name in ("Conv1/kernel", "predictions/kernel", "bn_Conv1/moving_mean"):
        with pytest.raises(ValueError, match="another shape"):
            convert(mobilenetv2 | {name: mobilenetv2[name][..., :-1]})
    with pytest.raises(ValueError, match="instead of"):
        convert({})
