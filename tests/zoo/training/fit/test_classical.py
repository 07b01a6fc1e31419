"""Classic classifiers as heads: the layer gives what scikit-learn's own estimator gives."""

import numpy as np
import pytest
import torch
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression

import zoo
from zoo.core.errors import InputError
from zoo.training.fit import classical

WIDTH = 512  # of both networks' features


@pytest.fixture(scope="module", params=["squeezenet", "resnet18"])  # a convolution and a dense layer as head
def untrained(request):
    return zoo.load(request.param, weights=None, device="cpu", engine="torch")


def blobs(classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    values, targets = make_blobs(90, WIDTH, centers=classes, cluster_std=14.0, random_state=seed)
    return values.astype(np.float32) + 3, targets


def logits(net, values):
    head = net.module.get_submodule(net.spec.head_layer)
    x = torch.from_numpy(values)
    with torch.no_grad():
        return head(x[:, :, None, None] if net.spec.arch == "squeezenet" else x).flatten(1).numpy()


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("kind", classical.CLASSIFIERS)
def test_the_head_decides_as_the_estimator_does(untrained, kind, classes):
    values, targets = blobs(classes)
    train, held = slice(0, 60), slice(60, None)
    names = tuple("abc"[:classes])
    net, record = classical.fit(
        untrained, names, values[train], targets[train], np.arange(60), classifier=kind, seed=0
    )
    assert (record["classifier"], record["folds"]) == (kind, 5)
    folds = classical._folds(names, targets[train], np.arange(60), 0)
    estimator = classical._search(classical.CLASSIFIERS[kind], values[train], targets[train], folds)
    ours = logits(net, values[held])
    assert ours.shape == (30, classes)
    agree = (ours.argmax(axis=1) == estimator.predict(values[held])).mean()
    # Equal votes of neighbors are decided by another rule; so are machines of which none says yes.
    assert agree >= (1.0 if kind in ("logistic", "linear-svm") else 0.9)
    if kind == "logistic":
        theirs = estimator.predict_log_proba(values[held])
        warm = torch.log_softmax(torch.from_numpy(ours * record["temperature"]), dim=1).numpy()
        np.testing.assert_allclose(warm, theirs, atol=2e-3)
    if kind.endswith("svm") and classes == 3:
        theirs = estimator.decision_function(values[held])
        np.testing.assert_allclose(ours * record["temperature"], theirs, atol=2e-3)


def test_auto_takes_the_best_in_cross_validation(untrained):
    values, targets = blobs(3)
    _, record = classical.fit(untrained, ("a", "b", "c"), values, targets, np.arange(90))
    assert set(record["accuracy in folds"]) == set(classical.CLASSIFIERS)
    assert record["accuracy in folds"][record["classifier"]] == max(record["accuracy in folds"].values())


def test_support_vector_machines_are_left_out_of_many_rows(untrained, monkeypatch):
    monkeypatch.setattr(classical, "MAX_SVM_ROWS", 80)
    values, targets = blobs(2)
    _, record = classical.fit(untrained, ("a", "b"), values, targets, np.arange(90))
    assert set(record["accuracy in folds"]) == {"logistic", "knn"}
    with pytest.raises(InputError, match=r"at most 80 .* these are 90; choose auto, logistic or knn\."):
        classical.fit(untrained, ("a", "b"), values, targets, np.arange(90), classifier="rbf-svm")


@pytest.mark.parametrize("kind", classical.SVMS)
def test_a_support_vector_machine_that_does_not_converge_ends(untrained, kind, monkeypatch):
    monkeypatch.setattr(classical, "MAX_SVM_STEPS", 5)
    values, targets = blobs(2)
    noise = np.random.default_rng(0).permutation(targets)
    steps, fit = [], classical.SVC.fit

    def fit_and_count(machine, *arguments):
        fit(machine, *arguments)
        steps.append(int(machine.n_iter_.max()))
        return machine

    monkeypatch.setattr(classical.SVC, "fit", fit_and_count)
    _, record = classical.fit(untrained, ("a", "b"), values, noise, np.arange(90), classifier=kind)
    assert record["classifier"] == kind
    assert max(steps) == 5


def test_folds_tear_no_group_apart():
    targets = np.repeat([0, 1], 30)
    groups = np.repeat(np.arange(12), 5)
    for train, held in classical._folds(("a", "b"), targets, groups, 0):
        assert not set(groups[train]) & set(groups[held])
        assert set(targets[held]) == {0, 1}


def test_what_cannot_be_validated_is_said_with_the_class(untrained):
    values, targets = blobs(2)
    with pytest.raises(InputError, match="class b has too few"):
        classical.fit(untrained, ("a", "b"), values, targets, np.where(targets == 1, -1, np.arange(90)))
    with pytest.raises(InputError, match="logistic"):
        classical.fit(untrained, ("a", "b"), values, targets, np.arange(90), classifier="forest")


@pytest.mark.parametrize("kind", classical.CLASSIFIERS)
def test_a_unit_that_was_silent_does_not_decide_alone(untrained, kind):
    values, targets = blobs(2)
    values[:, 0] = 0
    values[7, 0] = 1e-4
    net, _ = classical.fit(
        untrained, ("a", "b"), values[:60], targets[:60], np.arange(60), classifier=kind, seed=0
    )
    loud = values[60:].copy()
    loud[:, 0] = 10
    quiet, loud_logits = logits(net, values[60:]), logits(net, loud)
    assert (loud_logits.argmax(axis=1) == quiet.argmax(axis=1)).mean() > 0.9


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("rows", [20, WIDTH + 20], ids=["wide", "long"])
@pytest.mark.parametrize("penalty", [0.001, 1.0])
def test_regression_in_the_space_of_the_rows_finds_the_solution_of_scikit_learn(classes, rows, penalty):
    values, targets = make_blobs(rows, WIDTH, centers=classes, cluster_std=14.0, random_state=0)
    values[1] = values[0]  # the rows span a smaller space
    settings = {"C": penalty, "tol": 1e-8, "max_iter": 10_000}
    expected = LogisticRegression(**settings).fit(values, targets)
    model = classical.RowSpaceRegression(**settings).fit(values, targets)
    np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-5)
    decisions = model.decision_function(values), expected.decision_function(values)
    np.testing.assert_allclose(*decisions, rtol=1e-3, atol=1e-3)


def test_equal_rows_have_a_regression():
    model = classical.RowSpaceRegression().fit(np.ones((4, 9)), np.array([0, 1, 0, 1]))
    np.testing.assert_allclose(model.predict_proba(np.ones((1, 9))), 0.5)
