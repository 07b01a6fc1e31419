"""The closed table of the code that a record may name.

A record says ``builder = "yamnet"``, never a module or a function, so a file that somebody sends can only
choose from what stands here. Nothing is imported before it is used.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

Table = Mapping[str, str]  # name -> "module:attribute"

# Build an untrained `torch.nn.Module`, called with the record's arguments.
BUILDERS: Table = {
    "alexnet": "vision.alexnet:AlexNet",
    "crepe": "audio.crepe:CREPE",
    "darknet19": "vision.darknet:darknet19",
    "darknet53": "vision.darknet:darknet53",
    "googlenet": "vision.googlenet:GoogLeNet",
    "hf.classifier": "zoo.hugging_face:build",
    "hf.encoder": "audio.hugging_face:encoder",
    "keras.densenet201": "vision.keras_models:densenet201",
    "keras.efficientnetb0": "vision.keras_models:efficientnetb0",
    "keras.inceptionresnetv2": "vision.keras_models:inceptionresnetv2",
    "keras.inceptionv3": "vision.keras_models:inceptionv3",
    "keras.mobilenetv2": "vision.keras_models:mobilenetv2",
    "keras.nasnet": "vision.keras_models:nasnet",
    "keras.resnet": "vision.keras_models:resnet",
    "keras.xception": "vision.keras_models:xception",
    "openl3": "audio.openl3:OpenL3",
    "pytorchcv": "vision.pytorchcv_models:build",
    "small_cnn": "vision.small:SmallCNN",
    "tfhub": "audio.tensorflow_hub:TensorFlowGraph",
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
    "torchvision.squeezenet1_1": "torchvision.models:squeezenet1_1",
    "torchvision.vgg16": "torchvision.models:vgg16",
    "torchvision.vgg19": "torchvision.models:vgg19",
    "vggish": "audio.vggish:VGGish",
    "yamnet": "audio.yamnet:YAMNet",
}

# Preprocessing: objects with ``describe()`` and ``batches(x, rate=, size=)``.
PREPROCESSORS: Table = {
    "crepe_frames": "audio.frontends:NormalisedFrames",
    "decibel_spectrograms": "audio.spectrograms:DecibelSpectrograms",
    "hf.feature_extractor": "audio.hugging_face:preset",
    "hf.image_processor": "vision.hugging_face:Processor",
    "log_mel_patches": "audio.frontends:LogMelPatches",
    "resize_crop": "vision.presets:Preset",
    "tfhub.windows": "audio.tensorflow_hub:Windows",
}

# Rename the tensors of a foreign weight file to those of the builder.
CONVERTERS: Table = {
    "alexnet.caffe": "vision.alexnet:from_caffe",
    "crepe.keras": "audio.crepe:from_keras",
    "darknet19": "vision.darknet:darknet19_from_file",
    "darknet53": "vision.darknet:darknet53_from_file",
    "efficientnet_lite.port": "vision.efficientnet_lite:from_port",
    "googlenet.caffe": "vision.googlenet:from_caffe",
    "hf": "zoo.hugging_face:from_transformers",
    "keras.densenet201": "vision.keras_models:from_densenet201",
    "keras.efficientnetb0": "vision.keras_models:from_efficientnetb0",
    "keras.inceptionresnetv2": "vision.keras_models:from_inceptionresnetv2",
    "keras.inceptionv3": "vision.keras_models:from_inceptionv3",
    "keras.mobilenetv2": "vision.keras_models:from_mobilenetv2",
    "keras.nasnetlarge": "vision.keras_models:from_nasnetlarge",
    "keras.nasnetmobile": "vision.keras_models:from_nasnetmobile",
    "keras.resnet101": "vision.keras_models:from_resnet101",
    "keras.resnet50": "vision.keras_models:from_resnet50",
    "keras.vgg16": "vision.keras_models:from_vgg16",
    "keras.vgg19": "vision.keras_models:from_vgg19",
    "keras.xception": "vision.keras_models:from_xception",
    "openl3.keras": "audio.openl3:from_keras",
    "squeezenet.ndf": "vision.squeezenet:from_ndf",
    "timm": "vision.timm_models:filtered",
    "torchvision.densenet": "vision.torchvision_models:densenet",
    "torchvision.without_auxiliary": "vision.torchvision_models:without_auxiliary",
    "vggish.tensorflow": "audio.vggish:from_tensorflow",
    "yamnet.tensorflow": "audio.yamnet:from_tensorflow",
}

# Other forms of a module that compute the same, see `zoo.engines`.
FORMS: Table = {
    "crepe.fft": "audio.spectral:Spectral",
}

# Untrained networks by their sizes: functions of a mapping of arguments that give a record.
FAMILIES: Table = {"small_cnn": "vision.small:describe"}


def find(table: Table, name: str) -> Any:
    """Import what a name of one of the tables stands for.

    Raises
    ------
    KeyError
        If the table does not have the name; `zoo.spec.validate` refuses such records.
    """
    module, _, attribute = table[name].partition(":")
    return getattr(import_module(module), attribute)
