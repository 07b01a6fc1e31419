"""Embeddings laid out, compared and grouped: against plain arithmetic, and where there is next to nothing."""

import io
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from msgspec.structs import replace as replace_fields

from tests.zoo.results.provenances import PROVENANCE
from zoo.core.errors import InputError
from zoo.results import Embedding
from zoo.results.projection import UNCACHED, load_umap

RNG = np.random.default_rng(0)


def embedding(values, times=None, inputs=None) -> Embedding:
    values = np.asarray(values, np.float32)
    return Embedding("net", "layer", values, times, inputs or tuple(f"{i}.png" for i in range(len(values))))


def scattered(n: int, d: int = 20) -> Embedding:
    return embedding(np.random.default_rng(n).normal(size=(n, d)) * np.linspace(3, 1, d))


WINDOWS = embedding(
    [[1, 0], [0, 1], [0, 3], [4, 0]],
    np.array([[0, 1], [1, 2], [0, 1], [1, 2.0]]),
    ("a.wav", "a.wav", "b.wav", "b.wav"),
)


@pytest.mark.parametrize(("n", "d"), [(2, 5), (3, 5), (5, 2), (5, 40), (40, 10), (120, 600), (300, 60)])
def test_pca_is_that_of_the_singular_values(n, d):
    vectors = scattered(n, d)
    projection = vectors.project("pca")
    centerd = vectors.values.astype(float) - vectors.values.astype(float).mean(axis=0)
    left, singular, _ = np.linalg.svd(centerd, full_matrices=False)
    expected = (left * singular)[:, :2]
    for axis in range(2):
        np.testing.assert_allclose(np.abs(projection.points[:, axis]), np.abs(expected[:, axis]), atol=1e-5)
    np.testing.assert_allclose(
        projection.explained_variance_ratio, (singular**2 / (singular**2).sum())[:2], atol=1e-6
    )


@pytest.mark.parametrize("method", ["pca", "umap"])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6])
def test_few_vectors_have_a_map(method, n):
    projection = scattered(n).project(method)
    assert projection.points.shape == (n, 2)
    assert np.isfinite(projection.points).all()
    assert projection.method == ("umap" if method == "umap" and n >= 4 else "pca")
    assert len({tuple(point) for point in projection.points}) == n
    assert len(projection.plot(chosen=0, near=range(1, n)).data) == 3


@pytest.mark.parametrize("method", ["pca", "umap"])
@pytest.mark.parametrize(
    "values",
    [
        np.ones((5, 8)),
        np.zeros((6, 8)),
        [[1, 2, 3]] * 10 + [[4, 5, 6]],
        np.repeat(np.eye(5), 3, axis=0),
        np.outer(range(1, 9), [1, 2, 3]),  # all in one direction
        np.arange(6.0)[:, None],  # one number each
        np.vstack([np.zeros((70, 80)), np.ones((1, 80))]),
    ],
    ids=["ones", "zeros", "two", "repeated", "parallel", "scalars", "lonely"],
)
def test_vectors_that_repeat_lie_in_one_place(method, values):
    vectors = embedding(values)
    projection = vectors.project(method)
    assert np.isfinite(projection.points).all()
    for i in range(len(vectors)):
        same = (vectors.values == vectors.values[i]).all(axis=1)
        np.testing.assert_allclose(
            projection.points[same], projection.points[[i]].repeat(same.sum(), axis=0), atol=1e-9
        )
    if projection.explained_variance_ratio:
        assert 0 <= sum(projection.explained_variance_ratio) <= 1 + 1e-9


def test_umap_keeps_apart_what_is_apart_and_is_the_same_each_time():
    centers = np.repeat(np.eye(3, 30) * 10, 12, axis=0)
    vectors = embedding(centers + RNG.normal(size=centers.shape))
    points = vectors.project("umap").points
    np.testing.assert_array_equal(points, vectors.project("umap").points)
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    assert (distances.argmin(axis=1) // 12 == np.arange(36) // 12).all()


def test_umap_comes_without_tensorflow_and_a_later_import_has_it_all():
    code = (
        "import sys, numpy as np; from zoo.results import Embedding; "
        "from zoo.results.projection import load_umap; load_umap(); "
        "assert 'tensorflow' not in sys.modules; assert 'umap.parametric_umap' not in sys.modules; "
        "sys.modules['umap.parametric_umap'] = sister = type(sys)('sister'); "
        "sister.ParametricUMAP = sister.load_ParametricUMAP = object; "
        "import umap; assert umap.ParametricUMAP is object; assert umap.UMAP is load_umap()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


def test_what_is_compiled_for_umap_is_kept_on_disk():
    load_umap()
    caches = {name: getattr(sys.modules[module], name)._cache for module, name in UNCACHED}
    assert {name: type(cache).__name__ for name, cache in caches.items()} == dict.fromkeys(
        caches, "FunctionCache"
    )


def test_what_cannot_be_laid_out_is_refused():
    with pytest.raises(InputError, match="choose one of pca, umap"):
        scattered(5).project("t-sne")
    with pytest.raises(InputError, match="at least one vector"):
        embedding(np.zeros((0, 3))).project()
    with pytest.raises(InputError, match="not a finite number"):
        embedding([[1, np.nan], [1, 2]]).project()


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_neighbors_are_those_of_brute_force(metric):
    vectors = scattered(50)
    x = vectors.values.astype(float)
    if metric == "cosine":
        unit = x / np.linalg.norm(x, axis=1, keepdims=True)
        distances = 1 - unit @ unit.T
    else:
        distances = np.linalg.norm(x[:, None] - x[None], axis=-1)
    for query in range(len(vectors)):
        neighbors = vectors.neighbors(query, 7, metric=metric)
        expected = [row for row in np.argsort(distances[query]) if row != query][:7]
        assert neighbors.indices.tolist() == expected
        np.testing.assert_allclose(neighbors.distances, distances[query][expected], atol=1e-9)
        assert neighbors.labels == tuple(vectors.inputs[i] for i in expected)


def test_neighbors_of_few_and_of_twins():
    assert len(scattered(1).neighbors(0)) == 0
    assert scattered(2).neighbors(0, 5).indices.tolist() == [1]
    twins = embedding([[1, 2], [1, 2], [2, -1]]).neighbors(0, 2)
    assert twins.indices.tolist() == [1, 2]
    np.testing.assert_allclose(twins.similarities, [1, 0], atol=1e-9)
    assert WINDOWS.neighbors(0, 3).indices.tolist() == [3, 1, 2]
    assert WINDOWS.neighbors(0, 3, same_input=False).indices.tolist() == [3, 2]
    new = WINDOWS.neighbors(np.array([0, 1]), 2)
    assert sorted(new.indices.tolist()) == [1, 2]
    assert list(new.table().columns) == ["index", "input", "distance"]


@pytest.mark.parametrize(
    ("query", "options", "sentence"),
    [
        (4, {}, "Row 4 does not exist: there are 4"),
        (-1, {}, "Row -1 does not exist"),
        (0, {"k": 0}, "k=0 is not a whole number"),
        (0, {"metric": "manhattan"}, "choose one of cosine, euclidean"),
        (np.ones(3), {}, "has the shape"),
    ],
)
def test_neighbors_that_make_no_sense_are_refused(query, options, sentence):
    with pytest.raises(InputError, match=sentence):
        WINDOWS.neighbors(query, **options)
    with pytest.raises(InputError, match="no similarities"):
        _ = WINDOWS.neighbors(0, metric="euclidean").similarities


def test_similarity_is_the_cosine_and_brings_like_to_like():
    vectors = embedding([[1, 0.1], [0, 1], [1, 0], [0.1, 1], [0, 0]])
    similarity = vectors.similarity()
    x = vectors.values[:4].astype(float)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    np.testing.assert_allclose(similarity.values[:4, :4], unit @ unit.T, atol=1e-9)
    assert (similarity.values[4] == 0).all()
    order = similarity.order().tolist()
    assert sorted(order) == [0, 1, 2, 3, 4]
    assert abs(order.index(0) - order.index(2)) == abs(order.index(1) - order.index(3)) == 1
    ordered = similarity.ordered()
    assert ordered.labels == tuple(vectors.inputs[i] for i in order)
    np.testing.assert_array_equal(ordered.table().loc["0.png", "3.png"], similarity.values[0, 3])
    groups = ["b", "b", "a", "a", "b"]
    assert [groups[row] for row in similarity.order(groups)] == ["a", "a", "b", "b", "b"]
    assert list(similarity.ordered(groups).plot(sorted(groups)).layout.xaxis.ticktext) == ["a", "b"]


@pytest.mark.parametrize("n", [0, 1, 2, 3, 400])
def test_similarity_of_any_number(n):
    similarity = scattered(n).similarity().ordered()
    assert similarity.values.shape == (n, n)
    assert len(similarity.plot().data) == 1


def test_clusters_are_numbered_by_size():
    values = np.vstack([RNG.normal(center, 0.05, (count, 2)) for center, count in (((0, 1), 3), ((1, 0), 9))])
    assert embedding(values).clusters(2).tolist() == [1] * 3 + [0] * 9
    assert embedding(np.ones((4, 2))).clusters(3).tolist() == [0] * 4
    assert embedding(np.zeros((0, 2))).clusters(3).tolist() == []


def test_the_mean_of_each_input():
    means = WINDOWS.by_input()
    assert means.inputs == ("a.wav", "b.wav")
    np.testing.assert_array_equal(means.values, [[0.5, 0.5], [2, 1.5]])
    np.testing.assert_array_equal(means.times, [[0, 2], [0, 2]])
    pictures = scattered(3)
    np.testing.assert_array_equal(pictures.by_input().values, pictures.values)
    assert pictures.by_input().times is None
    assert WINDOWS.labels()[1] == "a.wav, 1.00 to 2.00 s"
    assert means.labels() == means.inputs


def test_parts_join_and_come_apart():
    joined = Embedding.joined([WINDOWS[:1], WINDOWS[1:]])
    np.testing.assert_array_equal(joined.values, WINDOWS.values)
    np.testing.assert_array_equal(joined.times, WINDOWS.times)
    assert joined.inputs == WINDOWS.inputs
    assert WINDOWS[np.array(WINDOWS.inputs) == "b.wav"].values.tolist() == [[0, 3], [4, 0]]
    with pytest.raises(InputError, match="have 2 and 20 numbers"):
        Embedding.joined([WINDOWS, scattered(2)])
    with pytest.raises(InputError, match="at least one embedding"):
        Embedding.joined([])


def test_vectors_of_different_provenance_are_not_joined():
    windows = replace(WINDOWS, provenance=PROVENANCE)
    later = replace(windows, network="/moved/net", provenance=replace_fields(PROVENANCE, date="2030-01-01"))
    assert Embedding.joined([windows, later]).provenance == PROVENANCE
    other = replace(windows, provenance=replace_fields(PROVENANCE, weights="c" * 64))
    with pytest.raises(InputError, match=r"^Vectors of net cannot be compared: the weights differ"):
        Embedding.joined([windows, windows, other])
    with pytest.raises(InputError, match="only one of them says what made it"):
        Embedding.joined([windows, WINDOWS])
    with pytest.raises(InputError, match="the layers layer and other"):
        Embedding.joined([WINDOWS, replace(WINDOWS, layer="other")])
    with pytest.raises(InputError, match="only one of them has times"):
        Embedding.joined([WINDOWS, replace(WINDOWS, times=None)])
    with pytest.raises(InputError, match="mean is False and True"):
        Embedding.joined([windows, windows.by_input()])


def test_files_hold_what_the_embedding_holds():
    saved = np.load(io.BytesIO(WINDOWS.to_npz()))
    np.testing.assert_array_equal(saved["values"], WINDOWS.values)
    np.testing.assert_array_equal(saved["times"], WINDOWS.times)
    assert saved["inputs"].tolist() == list(WINDOWS.inputs)
    assert (str(saved["network"]), str(saved["layer"])) == ("net", "layer")
    pd.testing.assert_frame_equal(
        pd.read_parquet(io.BytesIO(WINDOWS.to_parquet())), WINDOWS.table(), check_dtype=False
    )
    assert "times" not in np.load(io.BytesIO(scattered(2).to_npz()))


def test_a_map_shows_groups_shades_and_what_is_chosen():
    projection = scattered(6).project()
    figure = projection.plot(["a", "b", "a", "<b>", "b", "a"], chosen=2, near=[0, 5])
    lines, ring, *groups = figure.data
    assert [trace.name for trace in groups] == ["&lt;b&gt;", "a", "b"]
    assert sorted(int(i) for trace in groups for i in np.ravel(trace.customdata)) == list(range(6))
    np.testing.assert_array_equal([ring.x[0], ring.y[0]], projection.points[2])
    np.testing.assert_array_equal(lines.x[[0, 1, 3, 4]], projection.points[[2, 0, 2, 5], 0])
    (shaded,) = projection.plot(shades=np.arange(6), shade="time (s)").data
    assert shaded.marker.color.tolist() == list(range(6))
    assert f"{projection.explained_variance_ratio[0]:.0%} of the variance" in figure.layout.xaxis.title.text
    assert projection.table()["x"].tolist() == projection.points[:, 0].tolist()
    assert projection.to_dict()["points"][3]["input"] == "3.png"


def test_the_picture_of_vectors_shows_those_dimensions_that_vary():
    vectors = embedding([[0, 5, 1], [0, -5, 2]])
    assert vectors.plot().data[0].z.shape == (3, 2)
    np.testing.assert_array_equal(vectors.plot(max_dimensions=2).data[0].z, [[5, -5], [1, 2]])
