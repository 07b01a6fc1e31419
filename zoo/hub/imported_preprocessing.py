"""The preprocessing that an imported network's record may name: a crop, or that of a catalog's network.

A record may come from a stranger, so both forms are closed: no path, no size that would not fit into memory.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from zoo.core.errors import InputError
from zoo.hub import registry

Side = Annotated[int, Meta(ge=1, le=4096)]
Number = Annotated[float, Meta(ge=-1e6, le=1e6)]
Numbers = Annotated[tuple[Number, ...], Meta(min_length=1, max_length=3)]


class ResizeCrop(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The fields of `zoo.vision.transforms.ImageTransform`, as data of a stranger."""

    type: Literal["resize_crop"] = "resize_crop"
    resize: Side
    crop: Side
    mean: Numbers = (0.0, 0.0, 0.0)
    std: Annotated[tuple[Annotated[float, Meta(gt=0, le=1e6)], ...], Meta(min_length=1, max_length=3)] = (
        1.0,
        1.0,
        1.0,
    )
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    channels: Literal["RGB", "BGR", "gray"] = "RGB"
    scale: Literal[1, 255] = 1

    def __post_init__(self) -> None:
        channels = 1 if self.channels == "gray" else 3
        if len(self.mean) != channels or len(self.std) != channels:
            raise ValueError(f"mean and std need {channels} numbers for the channels {self.channels}")


def resolve(table: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the modality and the preprocessing that a table stands for.

    Parameters
    ----------
    table : dict
        ``{"network": name}`` for that of a network of the catalogs, or the fields of `ResizeCrop`.

    Raises
    ------
    InputError
        If it is neither.
    UnknownNameError
        If the catalogs do not have the network.
    """
    if set(table) == {"network"}:
        name = table["network"]
        if not isinstance(name, str) or ":" in name or registry.is_path(name):
            raise InputError(
                f"preprocess={name!r} is not the name of a network of the catalogs; `zoo list` has them."
            )
        spec = registry.describe(name)
        return spec.modality, dict(spec.preprocess)
    try:
        fields = msgspec.to_builtins(msgspec.convert(table, ResizeCrop))
    except msgspec.ValidationError as error:
        raise InputError(
            f"The preprocessing is invalid: {error}; pass the name of a network that is preprocessed "
            "alike, or a mapping with resize, crop, mean, std, interpolation, channels, and scale."
        ) from error
    return "image", fields | {"mean": list(fields["mean"]), "std": list(fields["std"])}
