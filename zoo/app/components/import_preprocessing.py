"""How the inputs of an imported network are prepared, asked for in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

import zoo
from zoo.app.components import widgets
from zoo.app.state import literally, spec_of
from zoo.exchange.import_settings import DEFAULT_SIDE, IMAGENET

if TYPE_CHECKING:
    from zoo.exchange.inspection import Inspection

DESCRIBED, ALIKE = "Describe it", "As a network here"
COLORS = {"RGB": "Red, green, blue", "BGR": "Blue, green, red", "gray": "Gray"}
UNIT, SIGNED, NORMALIZED, BYTES, GUESSED = "unit", "signed", "imagenet", "bytes", "guessed"
SCALES = {
    UNIT: "0 to 1",
    SIGNED: "−1 to 1",
    NORMALIZED: "ImageNet's mean and deviation",
    BYTES: "0 to 255",
}
GRAY = {"mean": [0.449], "std": [0.226]}  # means of those of the three colors
MARGINS = {1.0: "All of the middle square", 224 / 256: "7/8 of the middle square, as is usual for ImageNet"}
MAX_SIDE = 4096
_SCALING = ("mean", "std", "scale")


def ask_preprocessing(inspection: Inspection, key: str) -> dict[str, Any] | None:
    """Ask how inputs are prepared, with the guess preselected; return what `zoo.import_network` takes.

    None is what the import guesses itself, whose reason is in its report.

    Parameters
    ----------
    inspection : Inspection
    key : str
        Of the widgets, different for each file.
    """
    guess = inspection.preprocess or {}
    st.markdown("##### Input")
    way = widgets.segmented_control(
        st,
        "How to prepare it",
        [DESCRIBED, ALIKE],
        DESCRIBED if "crop" in guess else ALIKE,
        key=f"{key}-way",
        recall=False,
    )
    st.caption(literally(inspection.preprocess_reason))
    if way == ALIKE:
        options = {name: spec_of(name).title for name in zoo.networks()}
        usual = guess.get("network") if guess.get("network") in options else None
        network = widgets.selectbox(
            st,
            "Network whose input is prepared alike",
            options,
            usual,
            key=f"{key}-alike",
            recall=False,
        )
        values: dict[str, Any] = {"network": network}
    else:
        values = _described(guess, key)
    return None if _normal(values) == _normal(guess) else values


def _normal(values: dict[str, Any]) -> dict[str, Any]:
    """Return a table of preprocessing with its defaults."""
    if "crop" not in values:
        return values
    channels = 1 if values.get("channels") == "gray" else 3
    usual = {"channels": "RGB", "scale": 1, "mean": [0.0] * channels, "std": [1.0] * channels}
    return usual | values


def _described(guess: dict[str, Any], key: str) -> dict[str, Any]:
    left, right = st.columns(2)
    side = widgets.number_input(
        left,
        "Side of the square image (pixels)",
        1,
        MAX_SIDE,
        int(guess.get("crop", DEFAULT_SIDE)),
        1,
        key=f"{key}-side",
    )
    part = widgets.selectbox(
        right,
        "Part of a picture",
        MARGINS,
        224 / 256 if guess.get("resize", 0) > guess.get("crop", 0) else 1.0,
        key=f"{key}-part",
        recall=False,
    )
    colors = widgets.selectbox(
        left,
        "Order of the colors",
        COLORS,
        guess.get("channels", "RGB"),
        key=f"{key}-colors",
        recall=False,
    )
    usual = scale_of(guess)
    scales = {GUESSED: "As the file suggests", **SCALES} if usual == GUESSED else SCALES
    scale = widgets.selectbox(right, "Pixel values", scales, usual, key=f"{key}-scale", recall=False)
    if scale == GUESSED and (colors == "gray") == (guess.get("channels") == "gray"):
        values = _normal(guess)
        return table(side, part, colors, UNIT) | {name: values[name] for name in _SCALING}
    return table(side, part, colors, scale)


def scale_of(guess: dict[str, Any]) -> str:
    """Return which of `SCALES` a table of preprocessing has, or that it has another one."""
    values = _normal(guess)
    for scale in SCALES:
        one = _normal(table(DEFAULT_SIDE, 1.0, values.get("channels", "RGB"), scale))
        if all(values.get(name, one[name]) == one[name] for name in _SCALING):
            return scale
    return GUESSED


def table(side: int, part: float, colors: str, scale: str) -> dict[str, Any]:
    """Return preprocessing as `zoo.import_network` takes it.

    Parameters
    ----------
    side : int
        Of the square that the network takes, in pixels.
    part : float
        Of the side of the middle square of a picture that the network gets.
    colors : str
        Key of `COLORS`.
    scale : str
        Key of `SCALES`; another one is 0 to 1.
    """
    channels = 1 if colors == "gray" else 3
    values: dict[str, Any] = {"mean": [0.0] * channels, "std": [1.0] * channels}
    if scale == SIGNED:
        values = {"mean": [0.5] * channels, "std": [0.5] * channels}
    elif scale == NORMALIZED:
        values = dict(GRAY if channels == 1 else IMAGENET)
        if colors == "BGR":
            values = {key: numbers[::-1] for key, numbers in values.items()}
    elif scale == BYTES:
        values["scale"] = 255
    resize = min(MAX_SIDE, round(side / part))
    return {"type": "resize_crop", "resize": resize, "crop": side, "channels": colors, **values}
