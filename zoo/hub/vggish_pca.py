"""The PCA parameters of VGGish, which AudioSet's embeddings went through."""

import tempfile
from pathlib import Path

import numpy as np

from zoo.audio.vggish import pca_parameters
from zoo.hub.sources import get

URL = "https://storage.googleapis.com/audioset/vggish_pca_params.npz"


def fetch() -> tuple[np.ndarray, np.ndarray]:
    """Download the vectors and means for `zoo.audio.vggish.postprocess`, or find them in the mirror folder.

    Returns
    -------
    vectors : ndarray, shape (128, 128)
    means : ndarray, shape (128, 1)

    Raises
    ------
    WeightsError
        If the download fails, or brings another file.
    """
    with tempfile.TemporaryDirectory() as folder:
        return pca_parameters(get(URL, Path(folder)))
