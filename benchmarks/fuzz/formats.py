"""The formats that are fuzzed: seeds, mutators and readers."""

from functools import partial
from pathlib import Path
from random import Random

from benchmarks.fuzz import (
    containers,
    examples,
    media,
    packages,
    programs,
    records,
    tables,
    tensorflow_files,
    weights,
)
from benchmarks.fuzz.cases import Files, Format
from benchmarks.fuzz.mutations import mutate_bytes


def read_picture(path: Path) -> None:
    from zoo.vision.decoding import decode

    decode(path)


def read_sound(path: Path) -> None:
    from zoo.audio.signal import mono, open_sound

    for _ in mono(open_sound(path), 16000):
        pass


def read_weights(path: Path, kind: str) -> None:
    """Read, and touch every value, as a converter or a store does."""
    from zoo import formats

    for array in formats.read(path, kind).values():
        array.astype("float32").sum()


def read_variables(path: Path) -> None:
    """Read as `zoo.formats.reader_process` does, whose process would import TensorFlow for each case."""
    from zoo.core.errors import WeightsError
    from zoo.formats import variables

    try:
        variables.read(str(path))
    except Exception as error:
        raise WeightsError(str(error)) from error


def import_graph(path: Path) -> None:
    """Import as `zoo.import_network` does, with the comparison with the original."""
    from zoo.exchange.importing import import_network

    import_network(path, name="net", preprocess={"resize": 8, "crop": 8}, device="cpu")


def read_mean(path: Path) -> None:
    from zoo.formats.caffe import read_mean as read

    read(path)


def mutate_only(files: Files, random: Random, mutate: object) -> Files:
    """Mutate the content of a case's only file."""
    return {name: mutate(content, random) for name, content in files.items()}


def _text(content: bytes, random: Random) -> bytes:
    return mutate_bytes(content, content, random)[0]


def _picture(name: str, mutate: object = None) -> Format:
    structured = mutate and partial(mutate_only, mutate=mutate)
    return Format(name, partial(media.pictures, name.upper()), read_picture, "image", structured)


def _sound(name: str, seeds: object, mutate: object = None) -> Format:
    structured = mutate and partial(mutate_only, mutate=mutate)
    return Format(name, seeds, read_sound, "audio", structured)


def _weights(
    name: str, kind: str, seeds: object, structured: object = None, entry: str = weights.FILE
) -> Format:
    return Format(name, seeds, partial(read_weights, kind=kind), entry, structured)


def _only(mutate: object) -> object:
    return partial(mutate_only, mutate=mutate)


def _imported(name: str, kind: str, *seeds: str) -> Format:
    """Return a format of TensorFlow's that is imported as a network."""
    structured = _only(tensorflow_files.mutate_keras) if kind == "keras" else None
    read = partial(tensorflow_files.read, kind=kind)
    return Format(
        name, partial(tensorflow_files.seeds, *seeds), read, f"net{Path(seeds[0]).suffix}", structured
    )


FORMATS = {
    format.name: format
    for format in (
        _picture("jpeg", containers.jpeg),
        _picture("png", containers.png),
        _picture("webp", containers.riff),
        _picture("bmp"),
        _picture("tiff", containers.tiff),
        _picture("gif"),
        _sound("wav", media.wav, containers.riff),
        _sound("flac", partial(media.sounds, "FLAC", "PCM_16", "PCM_24"), containers.flac),
        _sound("aiff", partial(media.sounds, "AIFF", "PCM_16", "FLOAT"), containers.aiff),
        _sound("ogg", partial(media.sounds, "OGG", "VORBIS"), containers.ogg),
        _sound("opus", partial(media.sounds, "OGG", "OPUS"), containers.ogg),
        _sound("mp3", partial(media.encoded, "mp3", "mp3")),
        _sound("m4a", partial(media.encoded, "ipod", "aac"), containers.boxes),
        _sound("aac", partial(media.encoded, "adts", "aac")),
        _sound("webm", partial(media.encoded, "webm", "libopus", 48000)),
        _weights("safetensors", "safetensors", weights.safetensors, _only(packages.safetensors)),
        _weights("pth", "torch", partial(weights.torch_files, False), weights.mutate_archive_of_torch),
        _weights("pth-legacy", "torch", partial(weights.torch_files, True), weights.mutate_pickle),
        _weights("pkl", "pickle", weights.pickles, weights.mutate_pickle),
        _weights("h5", "keras", weights.keras, weights.mutate_keras),
        _weights("caffemodel", "caffe", weights.caffe, _only(packages.protobuf)),
        _weights("onnx", "onnx", weights.onnx, _only(packages.protobuf)),
        _weights("tflite", "tflite", weights.tflite),
        Format("binaryproto", weights.mean, read_mean, weights.FILE, _only(packages.protobuf)),
        _weights("darknet", "darknet", weights.darknet),
        Format("onnx-graph", weights.onnx_graphs, import_graph, weights.FILE, _only(packages.protobuf)),
        Format("pt2", programs.exported, import_graph, "net.pt2", _only(programs.mutate_graph)),
        *(
            _imported(name, kind, *seeds)
            for name, kind, seeds in (
                ("keras-network", "keras", ("small.keras",)),
                ("h5-network", "hdf5", ("small.h5",)),
                ("tflite-network", "tflite", ("small.tflite", "quantized.tflite")),
            )
        ),
        Format("checkpoint", weights.checkpoint, read_variables, weights.FILE),
        Format("savedmodel", weights.saved_model, read_variables, "variables/variables"),
        Format("folder", examples.folder, examples.read_examples, "", examples.mutate_folder, whole=False),
        Format("zip", examples.archive, examples.read_examples, "examples.zip", examples.mutate_zip),
        Format("wheel", examples.wheel, examples.read_package, "package.whl", examples.mutate_wheel),
        Format("sdist", examples.sdist, examples.read_package, "package.tar.gz", examples.mutate_sdist),
        Format("gzip", examples.packed, examples.read_packed, "weights.bin.gz", examples.mutate_packed),
        Format("csv", tables.manifest, examples.read_examples, "table.csv", tables.mutate_manifest),
        Format(
            "parquet",
            tables.parquet_manifest,
            examples.read_examples,
            "table.parquet",
            tables.mutate_parquet_manifest,
        ),
        Format("hf-dataset", tables.hub, tables.read_hub, "", tables.mutate_hub),
        Format("network", records.saved, records.read_saved, "", records.mutate_saved),
        Format("catalog", records.catalog, records.read_catalog, "catalog.toml", records.mutate_catalog),
        Format("hf", records.hugging_face, records.read_hugging_face, "", records.mutate_hugging_face),
        Format("labels", records.labels, records.read_labels, "classes/labels.csv", records.mutate_labels),
    )
}
