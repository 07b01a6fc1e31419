"""A network of another framework becomes a network of the zoo."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch

from zoo.core.errors import InputError, WeightsError
from zoo.core.extras import require
from zoo.core.labels import Label
from zoo.core.progress import Progress, reporter
from zoo.core.spec import Source, Spec, Task
from zoo.hub.imported import Imported, describe
from zoo.hub.imported_preprocessing import resolve
from zoo.hub.samples import sample
from zoo.inference.build import build, preprocessor
from zoo.inference.model import DeviceLike
from zoo.inference.network import Network
from zoo.results.import_report import ImportReport

LARGEST_DIFFERENCE = 1e-2  # of the scale: beyond it the network is another one
LARGEST_ROUNDING = 0.3  # where the original computes with whole numbers of 8 bits
STAGES = 3  # the file is read, converted, and compared with the original
_MODALITY_SAMPLES = {"image": "cat.png", "audio": "melody.wav"}


class ImportedNetwork(Network):
    """A network that was just imported.

    Attributes
    ----------
    report : ImportReport
        What became of the file; a pickled copy does not have it.
    """

    report: ImportReport


def import_network(
    path: str | os.PathLike[str],
    *,
    name: str,
    labels: str | os.PathLike[str] | Sequence[str] | None = None,
    preprocess: str | Mapping[str, Any] | None = None,
    activation: str | None = None,
    license: str = "not stated",
    out: str | os.PathLike[str] | None = None,
    device: DeviceLike = "auto",
    trust: bool = False,
    progress: Progress | None = None,
) -> ImportedNetwork:
    """Import a network of ONNX, PyTorch, Keras or TensorFlow, with one layer for each of its nodes.

    What the file does not say is guessed, and the report says so. An operator that has no layer here stays as
    it is and runs in ONNX Runtime. The result is compared with the original on random and on real input;
    noise takes the place of a photo that cannot be fetched.

    Parameters
    ----------
    path : path
        An ONNX file, whose tensors may be in other files of its folder, or what `torch.export.save` wrote
        (``.pt2``): nothing of these is unpickled or evaluated. A network of Keras (``.keras``, ``.h5``) with
        Keras's own layers, or a file of TensorFlow Lite (``.tflite``): a process of its own converts these,
        in a sandbox where the machine has one. With `trust`, TorchScript (``.pt``) or the folder of a
        SavedModel.
    name : str
        Of the network.
    labels : path, str or sequence of str, optional
        The classes in the order of the outputs: a file (CSV with the columns id and label, a JSON list, or
        one label a line), the name of a network with the same classes, or the labels.
    preprocess : str or mapping, optional
        The name of a network that is preprocessed alike, or a mapping: resize, crop, mean, std,
        interpolation, channels, scale, as of `zoo.vision.transforms.ImageTransform`.
    activation : {"softmax", "sigmoid"}, optional
        What turns the outputs into scores.
    license : str
        Of the weights.
    out : path, optional
        A folder to save the network in, which `zoo.load` takes without ONNX.
    device : str or torch.device
        As of `zoo.load`.
    trust : bool
        Whether you trust the author of TorchScript or of a SavedModel: it is a program. It runs in a sandbox,
        and only there; the network that it becomes is data.
    progress : callable, optional
        Called with the stages that are done, and with all three: the file is read, converted, compared.

    Returns
    -------
    ImportedNetwork
        A network like any other; its `report` says what became of the file.

    Raises
    ------
    InputError
        If the file is of another format, an option does not fit it, or its operators cannot be imported.
    WeightsError
        If the file is damaged, names files outside of its folder, or needs a library of its own.
    TrustError
        If it is a program, and you did not say that you trust its author.
    SandboxError
        If it is a program, and this machine has no sandbox.
    MissingLibraryError
        If onnx and onnxruntime are not installed; for files of Keras and TensorFlow, TensorFlow and tf2onnx.

    Examples
    --------
    >>> import zoo
    >>> net = zoo.import_network("bees.onnx", name="bees", preprocess="resnet18")     # doctest: +SKIP
    >>> net.report.differences                                                        # doctest: +SKIP
    {'random': 2.9e-07, 'real': 3.1e-07}
    """
    from zoo.exchange.foreign_format import require_importable

    path = Path(path)
    if not isinstance(name, str) or not name.strip() or any(mark in name for mark in "/\\:\0"):
        raise InputError(f"name={name!r} is not a name; use letters, digits, and hyphens.")
    require_importable(path, trust=trust)
    require("onnx")
    require("onnxruntime")
    with reporter(progress, f"Import of {path.name}") as advance:
        net = _import(path, name, labels, preprocess, activation, license, device, trust, advance)
    if out is not None:
        net.save(out)
    return net


def _import(
    path: Path,
    name: str,
    labels: Any,
    preprocess: Any,
    activation: str | None,
    license: str,
    device: DeviceLike,
    trust: bool,
    advance: Progress,
) -> ImportedNetwork:
    from zoo.exchange import import_settings as settings
    from zoo.exchange.conversion import convert, graph_of
    from zoo.exchange.foreign_format import opened
    from zoo.exchange.structure import structure_of

    asked = settings.asked_for(preprocess)
    file = opened(path, trust=trust, shape=_input_shape(asked.value) if asked else None)
    _require_one_input(file)
    advance(1, STAGES)
    prepared = asked or settings.preprocessing(file)
    modality, _ = resolve(prepared.value)
    shape = _input_shape(prepared.value)
    channels_last = _is_channels_last(file, shape)
    conversion = convert(file, (*shape[1:], shape[0]) if channels_last else shape)
    structure = structure_of(conversion)
    active = settings.activation(activation, structure.activation, file)
    classes, about = _classes(labels, file, structure)
    graph = graph_of(
        conversion,
        output=structure.output,
        shape=shape,
        channels_last=channels_last,
        features=structure.features,
        width=structure.width,
    )
    record = Imported(
        graph=graph,
        title=name,
        tasks=_tasks(modality, classes),
        parameters=_numbers(conversion),
        classes=structure.classes,
        preprocess=prepared.value,
        activation=active.value,
        head_layer=structure.head_layer,
        embedding_layer=structure.embedding_layer,
        head_activation=structure.head_activation,
        license=license or "not stated",
    )
    spec, module = _built(record, conversion.tensors, path, file.source)
    advance(2, STAGES)
    counted = sum(parameter.numel() for parameter in module.parameters())
    reported = _report(file, conversion, structure, module, spec, [prepared.origin, about, active.origin])
    advance(3, STAGES)
    validation = reported.sentences()[-1]
    record = msgspec.structs.replace(record, parameters=max(1, counted), validation=validation)
    final = describe(msgspec.to_builtins(record)).replace(name=name, sources=spec.sources)
    net = ImportedNetwork(final, module, classes, device=device)
    net.report = reported
    return net


def _tasks(modality: str, classes: tuple[Label, ...]) -> tuple[Task, ...]:
    if not classes:
        return ("embed",)
    return ("classify", "embed", "events") if modality == "audio" else ("classify", "embed")


def _numbers(conversion: Any) -> int:
    """Return how many numbers the tensors hold, before it is known which of them are parameters."""
    floats = [tensor.numel() for tensor in conversion.tensors.values() if tensor.is_floating_point()]
    return max(1, sum(count for count in floats if count > 1))


def _require_one_input(file: Any) -> None:
    if len(file.inputs()) != 1:
        names = ", ".join(field.name for field in file.inputs())
        raise InputError(
            f"{file.path.name} takes {len(file.inputs())} inputs ({names}); networks of one are imported."
        )


def _classes(labels: Any, file: Any, structure: Any) -> tuple[tuple[Label, ...], str]:
    """Return the classes of the outputs, and a sentence about where they were found."""
    from zoo.exchange import import_settings as settings

    if structure.is_classifier:
        return settings.labels(labels, file, structure.classes)
    if labels is not None:
        raise InputError(
            f"labels were passed, and the outputs of {file.path.name} are not those of a classifier."
        )
    return (), "The outputs are not classes."


def _built(record: Imported, tensors: dict[str, torch.Tensor], path: Path, source: str) -> tuple[Spec, Any]:
    spec = describe(msgspec.to_builtins(record)).replace(sources=(Source(f"file:{path.absolute()}", source),))
    module = build(spec)
    try:
        module.load_state_dict({name: tensor.clone() for name, tensor in tensors.items()})
    except RuntimeError as error:
        raise WeightsError(f"{path} is damaged: its tensors do not fit its nodes.") from error
    return spec, module.eval()


def _input_shape(table: dict[str, Any]) -> tuple[int, ...]:
    """Return the shape of a preprocessed input without the batch axis."""
    if "crop" in table:
        return (len(table.get("mean", (0, 0, 0))), table["crop"], table["crop"])
    from zoo.hub.registry import describe as describe_network

    return describe_network(table["network"]).input_shape


def _is_channels_last(file: Any, shape: tuple[int, ...]) -> bool:
    """Tell whether the graph takes images as (n, height, width, channels).

    Raises
    ------
    InputError
        If the input does not take what the preprocessing gives.
    """
    (field,) = file.inputs()
    sizes = [dim.dim_value for dim in field.type.tensor_type.shape.dim]

    def fits(candidate: tuple[int, ...]) -> bool:
        return len(sizes) == len(candidate) + 1 and all(
            not size or size == own for size, own in zip(sizes[1:], candidate, strict=True)
        )

    if fits(shape):
        return False
    if len(shape) == 3 and fits((*shape[1:], shape[0])):
        return True
    taken, given = (" × ".join(str(size or "?") for size in each) for each in (sizes[1:], shape))
    raise InputError(
        f"The input {field.name} takes {taken}, and the preprocessing gives {given}; pass another "
        "preprocess=."
    )


def _report(
    file: Any, conversion: Any, structure: Any, module: Any, spec: Spec, sentences: list[str]
) -> ImportReport:
    from zoo.exchange.original import TOLERANCE, difference, first_departure, outputs_of

    random = torch.from_numpy(np.random.default_rng(0).random((2, *spec.input_shape), np.float32))
    kind, real = _example(spec)
    inputs = {"random": _like(random, real), kind: real}
    differences, departure = {}, ""
    for kind, data in inputs.items():
        theirs = outputs_of(file, module.arranged(data), [structure.original_output])[
            structure.original_output
        ]
        with torch.no_grad():
            ours = _activated(module(data), structure.activation)
        differences[kind] = difference(ours.numpy(), theirs)
    if max(differences.values()) > TOLERANCE:
        departure = first_departure(file, conversion, module, real)
    is_rounded = file.foreign is not None and file.foreign.is_rounded
    if max(differences.values()) > (LARGEST_ROUNDING if is_rounded else LARGEST_DIFFERENCE):
        where = f"; the first layer that departs is {departure}" if departure else ""
        raise InputError(
            f"{file.path.name} cannot be imported: its outputs differ from {file.runtime}'s by "
            f"{max(differences.values()):.1e}{where}."
        )
    return ImportReport(
        network=spec.title,
        file=file.path.name,
        format=file.format,
        runtime=file.runtime,
        inputs=({"name": conversion.input, "shape": list(spec.input_shape)},),
        outputs=tuple({"name": key, "shape": list(shape)} for key, shape in conversion.outputs.items()),
        layers=tuple(_row(node, conversion, module) for node in conversion.nodes),
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        preprocessing=f"{sentences[0]} {preprocessor(spec).describe()}",
        labels=sentences[1],
        activation=sentences[2],
        differences=differences,
        departure=departure,
    )


def _example(spec: Spec) -> tuple[str, torch.Tensor]:
    """Return a preprocessed photo or melody, or a picture of noise where the photo cannot be fetched."""
    try:
        kind, source = "real", sample(_MODALITY_SAMPLES[spec.modality])
    except WeightsError:
        kind, source = "noise", np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    (batch,) = islice(preprocessor(spec).batches(source), 1)
    return kind, batch.data[:2]


def _like(random: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """Return random numbers on the scale of real input."""
    low, high = float(real.min()), float(real.max())
    return low + random * (high - low)


def _activated(outputs: torch.Tensor, activation: str) -> torch.Tensor:
    if activation == "softmax":
        return outputs.softmax(1)
    return outputs.sigmoid() if activation == "sigmoid" else outputs


def _row(node: Any, conversion: Any, module: Any) -> dict[str, Any]:
    operator, name, why = conversion.sources[node.name]
    layer = module.get_submodule(node.name)
    return {
        "layer": node.name,
        "kind": type(layer).__name__,
        "operator": operator,
        "node": name,
        "runs in": f"ONNX Runtime ({why})" if why else "PyTorch",
        "parameters": sum(parameter.numel() for parameter in layer.parameters()),
    }
