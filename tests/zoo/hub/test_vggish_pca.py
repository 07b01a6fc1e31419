import numpy as np
import pytest

from zoo.core.errors import WeightsError
from zoo.hub import vggish_pca


def test_the_parameters_come_from_their_address(internet, tmp_path):
    path = tmp_path / "pca.npz"
    np.savez(path, pca_eigen_vectors=np.eye(128), pca_means=np.ones((128, 1)))
    internet.files[f"/{vggish_pca.URL}"] = path
    vectors, means = vggish_pca.fetch()
    assert (vectors.shape, means.shape) == ((128, 128), (128, 1))
    for content in (b"", b"PK\x03\x04 no zip", b"x" * 100):
        path.write_bytes(content)
        with pytest.raises(WeightsError, match="PCA"):
            vggish_pca.fetch()
