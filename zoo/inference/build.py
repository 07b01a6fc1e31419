"""Build what a record names: the untrained module, and the preprocessing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.core import components
from zoo.core.spec import Spec

if TYPE_CHECKING:
    from torch import nn

    from zoo.inference.preprocessing import Preprocessor


def build(spec: Spec) -> nn.Module:
    """Build the untrained module of a record, with the head that the record asks for."""
    module = components.find(components.BUILDERS, spec.builder)(**spec.arguments)
    if spec.new_head:
        from zoo.inference.heads import replace_head

        replace_head(module, spec.head_layer, spec.new_head, after=spec.head_activation)
    return module


def preprocessor(spec: Spec) -> Preprocessor:
    """Build the preprocessing of a record."""
    settings = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in spec.preprocess.items()
        if key != "type"
    }
    return components.find(components.PREPROCESSORS, spec.preprocess["type"])(**settings)
