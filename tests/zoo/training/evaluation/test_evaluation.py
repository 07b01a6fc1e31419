"""An evaluation against small cases that were worked out by hand, and against definitions."""

import json
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from zoo.core.errors import InputError
from zoo.training.evaluation.evaluation import Evaluation
from zoo.training.evaluation.metrics import accuracy, bootstrap, predict

# Class d has no example; x4 is the one mistake that is sure of itself.
RESULT = Evaluation(
    network="n",
    dataset="s",
    classes=("a", "b", "c", "d"),
    inputs=("x0", "x1", "x2", "x3", "x4", "x5"),
    targets=np.array([0, 0, 0, 1, 1, 2]),
    scores=np.array(
        [
            [0.7, 0.1, 0.1, 0.1],  # a: a
            [0.5, 0.3, 0.1, 0.1],  # a: a
            [0.3, 0.4, 0.2, 0.1],  # a: b
            [0.1, 0.6, 0.2, 0.1],  # b: b
            [0.0, 0.05, 0.05, 0.9],  # b: d
            [0.2, 0.1, 0.6, 0.1],  # c: c
        ],
        np.float32,
    ),
    problems=(("bad.png", "bad.png is not a picture."),),
)


def test_headline_figures_by_hand():
    assert RESULT.accuracy == pytest.approx(4 / 6)
    assert RESULT.balanced_accuracy == pytest.approx((2 / 3 + 1 / 2 + 1) / 3), "d has no examples"
    assert RESULT.f1 == pytest.approx((0.8 + 0.5 + 1) / 3)
    assert RESULT.top(1) == RESULT.accuracy
    assert RESULT.top(2) == pytest.approx(1), "x2 and x4 have their class at second place"
    assert RESULT.top(9) == 1


def test_averages_over_classes_are_those_of_scikit_learn():
    from sklearn.metrics import balanced_accuracy_score, f1_score, top_k_accuracy_score

    random = np.random.default_rng(0)
    scores = random.dirichlet(np.ones(6), 300)
    result = replace(RESULT, targets=random.integers(0, 6, 300), scores=scores, classes=tuple("abcdef"))
    best = scores.argmax(axis=1)
    assert result.balanced_accuracy == pytest.approx(balanced_accuracy_score(result.targets, best))
    assert result.f1 == pytest.approx(f1_score(result.targets, best, average="macro"))
    assert result.top(3) == pytest.approx(top_k_accuracy_score(result.targets, scores, k=3))


def test_of_equal_scores_the_first_class_is_the_best_for_every_measure():
    flat = replace(RESULT, scores=np.full((6, 4), 0.25, np.float32))
    assert flat.predictions.ranks.tolist() == [1, 1, 1, 2, 2, 3]
    assert flat.top(1) == flat.accuracy == 0.5


def test_per_class_by_hand():
    table = RESULT.per_class().set_index("class")
    np.testing.assert_allclose(table["precision"], [1, 1 / 2, 1, 0])
    np.testing.assert_allclose(table["recall"], [2 / 3, 1 / 2, 1, np.nan])
    np.testing.assert_allclose(table["f1"], [0.8, 0.5, 1, 0])
    assert table["support"].tolist() == [3, 2, 1, 0]


def test_confusion_has_true_classes_as_rows():
    table = RESULT.confusion()
    assert table.loc["b", "d"] == 1
    assert table.loc["a", "b"] == 1
    assert table.to_numpy().tolist() == [[2, 1, 0, 0], [0, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0]]


def test_the_calibration_error_by_hand_and_by_its_definition():
    # Bins of a half: (0, 0.5] holds 0.5 (right) and 0.4 (wrong), (0.5, 1] holds 0.7, 0.6, 0.6 (right), 0.9.
    low, high = abs(0.5 - 0.45), abs(0.75 - 0.7)
    assert RESULT.ece(bins=2) == pytest.approx((2 * low + 4 * high) / 6)
    table = RESULT.reliability(bins=2)
    assert table["examples"].tolist() == [2, 4]
    np.testing.assert_allclose(table[["confidence", "accuracy"]], [[0.45, 0.5], [0.7, 0.75]], rtol=1e-6)

    random = np.random.default_rng(1)
    scores = random.dirichlet(np.ones(5) / 2, 500).astype(np.float32)
    many = replace(RESULT, targets=random.integers(0, 5, 500), scores=scores, classes=tuple("abcde"))
    confidence, right = scores.max(axis=1), scores.argmax(axis=1) == many.targets
    error = 0.0
    for m in range(15):
        inside = (confidence > m / 15) & (confidence <= (m + 1) / 15)
        if inside.any():
            error += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert many.ece() == pytest.approx(error, abs=1e-6)
    assert np.isnan(many.reliability()["accuracy"][0]), "nobody is less than a fifteenth sure among five"


def test_the_interval_is_the_percentiles_of_resamples():
    right = np.array([1, 1, 0, 1, 0, 1], float)  # the same draws, measured without the rest of the code
    random = np.random.default_rng(3)
    means = [right[random.integers(6, size=6)].mean() for _ in range(400)]
    expected = np.quantile(means, [0.25, 0.75])
    assert expected[0] < np.median(means) < expected[1]
    assert RESULT.interval("accuracy", confidence_level=0.5, resamples=400, seed=3) == pytest.approx(
        tuple(expected)
    )


def test_the_interval_of_accuracy_agrees_with_the_normal_approximation():
    targets = np.zeros(1000, int)
    scores = np.tile(np.array([[0.8, 0.2]], np.float32), (1000, 1))
    scores[:200] = scores[:200, ::-1]
    result = Evaluation("n", "s", ("a", "b"), ("x",) * 1000, targets, scores)
    low, high = result.interval("accuracy")
    width = 1.96 * np.sqrt(0.8 * 0.2 / 1000)
    assert (low, high) == pytest.approx((0.8 - width, 0.8 + width), abs=0.005)  # 1000 draws of 1000


def test_groups_that_are_all_right_or_all_wrong_widen_the_interval():
    right = np.repeat([True, False], 50)
    scores = np.where(right[:, None], [[0.9, 0.1]], [[0.1, 0.9]]).astype(np.float32)
    alone = Evaluation("n", "s", ("a", "b"), ("x",) * 100, np.zeros(100, int), scores)
    grouped = replace(alone, groups=tuple(str(i // 10) for i in range(100)))
    narrow, wide = np.diff(alone.interval("accuracy")), np.diff(grouped.interval("accuracy"))
    assert wide > 2 * narrow  # ten units in place of a hundred: the square root of ten
    whole = replace(alone, groups=("one",) * 100)
    assert whole.interval("accuracy") == (0.5, 0.5), "a group is drawn whole"


def test_groups_of_different_sizes_are_drawn_whole():
    counts = set()

    def note(drawn):
        counts.add(tuple(np.bincount(drawn.targets, minlength=3)))
        return accuracy(drawn)

    predictions = predict(np.array([0, 1, 1, 2, 2, 2]), np.eye(3, dtype=np.float32)[[0, 1, 1, 2, 2, 2]])
    bootstrap(
        predictions, note, groups=("p", "q", "q", "r", "r", "r"), confidence_level=0.9, resamples=200, seed=0
    )
    assert counts == {(i, 2 * j, 3 * (3 - i - j)) for i in range(4) for j in range(4 - i)}


@pytest.mark.parametrize("measure", ["balanced_accuracy", "f1", "ece", "top2"])
def test_every_measure_has_an_interval_around_it(measure):
    low, high = RESULT.interval(measure, resamples=100)
    value = RESULT.top(2) if measure == "top2" else getattr(RESULT, measure)
    assert low <= (value() if callable(value) else value) <= high or measure == "ece", "which is biased"
    assert 0 <= low <= high <= 1


def test_areas_by_hand():
    # Class a: positives 0.7, 0.5, 0.3; negatives 0.1, 0.0, 0.2: all apart.
    # Class b: positives 0.6, 0.05; negatives 0.1, 0.3, 0.4, 0.1: 4 of 8 pairs in order.
    roc = RESULT.roc().table().set_index("class")["area"]
    assert roc.to_dict() == pytest.approx({"a": 1.0, "b": 0.5, "c": 1.0})
    precision = RESULT.precision_recall()
    areas = precision.table().set_index("class")["area"]
    assert areas.to_dict() == pytest.approx({"a": 1.0, "b": 0.5 * 1 + 0.5 * 2 / 6, "c": 1.0})
    assert RESULT.roc().macro.area == pytest.approx(2.5 / 3)
    assert precision.macro.area == pytest.approx((2 + 0.5 + 1 / 6) / 3)
    assert precision.macro.y[0] == 1
    assert precision.macro.y[-1] == pytest.approx((1 + 2 / 6 + 1) / 3)
    assert np.mean(precision.macro.y) == pytest.approx(precision.macro.area, abs=0.01), "a grid of 201 points"


def test_mistakes_come_with_the_surest_first():
    worst = RESULT.mistakes()
    assert worst["input"].tolist() == ["x4", "x2"]
    assert worst.index.tolist() == [4, 2]
    assert worst.iloc[0][["true", "predicted", "rank"]].tolist() == ["b", "d", 2]
    assert worst["score"].tolist() == pytest.approx([0.9, 0.4])
    assert worst["true_score"].tolist() == pytest.approx([0.05, 0.3])
    assert len(RESULT.mistakes(max_rows=1)) == 1


def test_table_json_and_frozen():
    assert RESULT.table()["predicted"].tolist() == ["a", "a", "b", "b", "d", "c"]
    assert replace(RESULT, groups=tuple("ppqqrr")).table()["group"][5] == "r"
    record = json.loads(json.dumps(RESULT.to_dict(), allow_nan=False))
    assert record["per_class"][3] == {"class": "d", "precision": 0, "recall": None, "f1": 0, "support": 0}
    assert record["accuracy"] == pytest.approx(4 / 6)
    assert record["problems"] == [{"input": "bad.png", "reason": "bad.png is not a picture."}]
    assert record["reliability"][0]["accuracy"] is None
    assert "d" not in record["roc"]["areas"]
    with pytest.raises(FrozenInstanceError):
        RESULT.network = "other"


def test_one_class_alone_has_no_curves_and_breaks_nothing():
    rows = RESULT.targets == 0
    alone = replace(
        RESULT, targets=RESULT.targets[rows], scores=RESULT.scores[rows], inputs=RESULT.inputs[:3]
    )
    assert alone.roc().curves == ()
    record = json.loads(json.dumps(alone.to_dict(), allow_nan=False))
    assert record["roc"] == {"macro_area": None, "areas": {}}
    for plot in (alone.plot, alone.plot_reliability, alone.plot_roc, alone.plot_precision_recall):
        assert json.loads(plot().to_json())


def test_the_figures():
    figure = RESULT.plot()
    matrix = figure.data[0]
    assert matrix.z.tolist() == [[2 / 3, 1 / 3, 0, 0], [0, 0.5, 0, 0.5], [0, 0, 1, 0]], "no example, no row"
    assert list(figure.layout.xaxis.ticktext) == ["a", "b", "c", "d"]
    assert list(figure.layout.yaxis.ticktext) == ["a", "b", "c"]
    assert matrix.hovertext[1][3] == "b<br>taken for d: 1 of 2"
    few = RESULT.plot(max_classes=2)
    assert list(few.layout.xaxis.ticktext) == ["a", "b", "other classes"], "the most confused ones"
    assert few.data[0].z.tolist() == [[2 / 3, 1 / 3, 0], [0, 0.5, 0.5]]
    assert [line.name for line in RESULT.plot_roc().data] == [
        "b 0.500",
        "a 1.000",
        "c 1.000",
        "mean of the classes 0.833",
        "chance",
    ]
    assert RESULT.plot_reliability(bins=2).data[0].y.tolist() == pytest.approx([0.5, 0.75])


def test_labels_are_no_markup_in_figures():
    label = '<a href="https://example.org">x</a>'
    result = replace(RESULT, classes=(label, "b", "c", "d"))
    for figure in (result.plot(), result.plot_roc(), result.plot_precision_recall()):
        assert "<a href" not in str(figure.to_dict())
        assert "&lt;a href" in str(figure.to_dict())


def test_only_classes_that_were_met_are_listed():
    wide = replace(
        RESULT,
        classes=tuple(f"class {i}" for i in range(1000)),
        scores=np.pad(RESULT.scores, ((0, 0), (0, 996))),
    )
    record = wide.to_dict()
    assert len(record["per_class"]) == len(record["confusion"]["counts"]) == 4
    assert record["top5"] == 1
    assert len(wide.confusion()) == 1000


def test_what_cannot_be_measured_is_said():
    with pytest.raises(InputError, match="accuracy"):
        RESULT.interval("beauty")
    for options in ({"confidence_level": 2}, {"resamples": 0}):
        with pytest.raises(InputError):
            RESULT.interval("accuracy", **options)
    for ask in (lambda: RESULT.top(0), lambda: RESULT.ece(bins=0)):
        with pytest.raises(InputError):
            ask()
    empty = replace(RESULT, inputs=(), targets=RESULT.targets[:0], scores=RESULT.scores[:0])
    with pytest.raises(InputError, match="at least one example"):
        print(empty.accuracy)
