"""Pretrained networks for images and audio, behind one set of verbs.

>>> import zoo
>>> zoo.load("squeezenet").classify("photo.jpg").labels     # doctest: +SKIP
>>> zoo.sound_events("street.wav").table()                  # doctest: +SKIP
>>> zoo.pitch("melody.wav").frequency                       # doctest: +SKIP

The public names stand in the stub beside this file and are imported on first use, so ``import zoo`` loads
neither torch nor NumPy.
"""

import lazy_loader

_attribute, __dir__, _names = lazy_loader.attach_stub(__name__, __file__)
__all__ = [*_names, "__version__"]  # pyright: ignore[reportUnsupportedDunderAll]  (the stub lists them)


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("zoo-pretrained")
    from zoo.core.extras import optional_libraries

    with optional_libraries():
        return _attribute(name)
