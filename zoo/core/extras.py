"""Libraries that only some installations have, and the command that installs a missing one.

`pyproject.toml` lists what comes with each extra; this table names the modules.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from zoo.core.errors import MissingLibraryError

# Modules, by the extra that installs them.
EXTRAS = {
    "app": ("cachetools", "starlette", "streamlit", "streamlit_webrtc", "urllib3"),
    "batch": ("pyarrow",),
    "cluster": ("distributed",),
    "s3": ("s3fs",),
    "search": ("usearch",),
    "train": ("jinja2", "lightning_fabric", "re2", "torchaudio", "umap"),
    "hub": ("librosa", "pytorchcv", "timm", "transformers"),
    "tensorflow": ("pkg_resources", "tensorflow", "tensorflow_hub", "tf2onnx"),
    "export": ("onnx", "onnxruntime"),
}
_EXTRA_OF = {module: extra for extra, modules in EXTRAS.items() for module in modules}


@contextmanager
def optional_libraries() -> Iterator[None]:
    """Import libraries that may be missing, and say how to install a missing one.

    Raises
    ------
    MissingLibraryError
        If a module of an extra is not installed. Other import errors pass through.

    Examples
    --------
    >>> with optional_libraries():
    ...     import librosa
    """
    try:
        yield
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library not in _EXTRA_OF:
            raise
        raise MissingLibraryError(f"{library} is not installed; run: {install_command(library)}.") from error


def install_command(library: str) -> str:
    """Return the command that installs a library, with the extra that brings it if there is one."""
    if library not in _EXTRA_OF:
        return f"pip install {library}"
    return f"pip install 'zoo-pretrained[{_EXTRA_OF[library]}]'"


def require(library: str) -> None:
    """See that a library is installed before work is given to another process that imports it.

    Raises
    ------
    MissingLibraryError
        If it is not.
    """
    with optional_libraries():
        if find_spec(library) is None:
            raise ModuleNotFoundError(name=library)
