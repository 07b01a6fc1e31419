"""The closed table of the code that a record may name.

A record says ``builder = "yamnet"``, never a module or a function, so a file from a stranger can only
choose from what stands here. Nothing is imported before it is used.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from zoo.core.extras import optional_libraries

Table = Mapping[str, str]  # name -> "module:attribute"

# Build an untrained `torch.nn.Module`, called with the record's arguments.
BUILDERS: Table = {
    "alexnet": "zoo.vision.alexnet:AlexNet",
    "basicpitch": "zoo.audio.basicpitch:BasicPitch",
    "crepe": "zoo.audio.crepe:CREPE",
    "darknet19": "zoo.vision.darknet:darknet19",
    "darknet53": "zoo.vision.darknet:darknet53",
    "googlenet": "zoo.vision.googlenet:GoogLeNet",
    "hf.classifier": "zoo.hub.huggingface:build",
    "hf.encoder": "zoo.hub.huggingface_audio:encoder",
    "imported": "zoo.inference.imported.graph:build",
    "keras.densenet201": "zoo.vision.keras_models:densenet201",
    "keras.efficientnetb0": "zoo.vision.keras_models:efficientnetb0",
    "keras.inceptionresnetv2": "zoo.vision.keras_models:inceptionresnetv2",
    "keras.inceptionv3": "zoo.vision.keras_models:inceptionv3",
    "keras.mobilenetv2": "zoo.vision.keras_models:mobilenetv2",
    "keras.nasnet": "zoo.vision.keras_models:nasnet",
    "keras.resnet": "zoo.vision.keras_models:resnet",
    "keras.xception": "zoo.vision.keras_models:xception",
    "openl3": "zoo.audio.openl3:OpenL3",
    "pytorchcv": "zoo.vision.pytorchcv_models:build",
    "silero": "zoo.audio.silero:SileroVAD",
    "small_cnn": "zoo.vision.small:SmallCNN",
    "squeezenet": "zoo.vision.squeezenet:SqueezeNet",
    "swiftf0": "zoo.audio.swiftf0:SwiftF0",
    "tfhub": "zoo.hub.tfhub:TensorFlowGraph",
    "timm": "timm:create_model",
    "torchvision.alexnet": "torchvision.models:alexnet",
    "torchvision.densenet201": "torchvision.models:densenet201",
    "torchvision.efficientnet_b0": "torchvision.models:efficientnet_b0",
    "torchvision.googlenet": "torchvision.models:googlenet",
    "torchvision.inception_v3": "torchvision.models:inception_v3",
    "torchvision.mobilenet_v2": "torchvision.models:mobilenet_v2",
    "torchvision.resnet101": "torchvision.models:resnet101",
    "torchvision.resnet18": "torchvision.models:resnet18",
    "torchvision.resnet50": "torchvision.models:resnet50",
    "torchvision.vgg16": "torchvision.models:vgg16",
    "torchvision.vgg19": "torchvision.models:vgg19",
    "vggish": "zoo.audio.vggish:VGGish",
    "yamnet": "zoo.audio.yamnet:YAMNet",
}

# Preprocessing: objects with ``describe()`` and ``batches(x, sample_rate=, size=)``.
PREPROCESSORS: Table = {
    "crepe_frames": "zoo.audio.frontends:NormalizedFrames",
    "decibel_spectrograms": "zoo.audio.spectrograms:DecibelSpectrograms",
    "hf.feature_extractor": "zoo.hub.huggingface_audio:preprocessor",
    "hf.image_processor": "zoo.hub.huggingface_image:Processor",
    "log_mel_patches": "zoo.audio.frontends:LogMelPatches",
    "overlapping_waveforms": "zoo.audio.waveforms:OverlappingWaveforms",
    "resize_crop": "zoo.vision.transforms:ImageTransform",
    "tfhub.windows": "zoo.hub.tfhub:Windows",
    "waveforms": "zoo.audio.waveforms:Waveforms",
}

# Rename the tensors of a foreign weight file to those of the builder.
CONVERTERS: Table = {
    "alexnet.caffe": "zoo.vision.alexnet:from_caffe",
    "basicpitch.onnx": "zoo.audio.basicpitch:from_onnx",
    "crepe.keras": "zoo.audio.crepe:from_keras",
    "darknet19": "zoo.vision.darknet:darknet19_from_file",
    "darknet53": "zoo.vision.darknet:darknet53_from_file",
    "efficientnet_lite.port": "zoo.vision.efficientnet_lite:from_port",
    "googlenet.caffe": "zoo.vision.googlenet:from_caffe",
    "hf": "zoo.hub.huggingface:from_transformers",
    "keras.densenet201": "zoo.vision.keras_models:from_densenet201",
    "keras.efficientnetb0": "zoo.vision.keras_models:from_efficientnetb0",
    "keras.inceptionresnetv2": "zoo.vision.keras_models:from_inceptionresnetv2",
    "keras.inceptionv3": "zoo.vision.keras_models:from_inceptionv3",
    "keras.mobilenetv2": "zoo.vision.keras_models:from_mobilenetv2",
    "keras.nasnetlarge": "zoo.vision.keras_models:from_nasnetlarge",
    "keras.nasnetmobile": "zoo.vision.keras_models:from_nasnetmobile",
    "keras.resnet101": "zoo.vision.keras_models:from_resnet101",
    "keras.resnet50": "zoo.vision.keras_models:from_resnet50",
    "keras.vgg16": "zoo.vision.keras_models:from_vgg16",
    "keras.vgg19": "zoo.vision.keras_models:from_vgg19",
    "keras.xception": "zoo.vision.keras_models:from_xception",
    "mobilenetv2.tflite": "zoo.vision.mobilenet:from_tflite",
    "openl3.keras": "zoo.audio.openl3:from_keras",
    "silero.onnx": "zoo.audio.silero:from_onnx",
    "squeezenet.ndf": "zoo.vision.squeezenet:from_ndf",
    "swiftf0.onnx": "zoo.audio.swiftf0:from_onnx",
    "timm": "zoo.hub.timm_hub:filtered",
    "torchvision.densenet": "zoo.vision.torchvision_models:densenet",
    "torchvision.without_auxiliary": "zoo.vision.torchvision_models:without_auxiliary",
    "vggish.tensorflow": "zoo.audio.vggish:from_tensorflow",
    "yamnet.tensorflow": "zoo.audio.yamnet:from_tensorflow",
}

# Other forms of a module that compute the same, see `zoo.inference.engines`.
FORMS: Table = {
    "crepe.fft": "zoo.audio.crepe_fft:CREPEFFT",
}

# Untrained networks by their sizes or their graph: functions of a mapping of arguments that give a record.
FAMILIES: Table = {"imported": "zoo.hub.imported:describe", "small_cnn": "zoo.vision.small:describe"}


def find(table: Table, name: str) -> Any:
    """Import what a name of one of the tables stands for.

    Raises
    ------
    KeyError
        If the table does not have the name; `zoo.core.spec.validate` refuses such records.
    """
    module, _, attribute = table[name].partition(":")
    with optional_libraries():
        return getattr(import_module(module), attribute)
