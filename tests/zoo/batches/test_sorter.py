"""Files of a batch are sorted by answers: which are found, what is expected, what is written."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import zoo
from tests.zoo.batches.vector_folder import make_folder
from zoo.batches import file_features as features_module
from zoo.batches.class_head import class_head
from zoo.batches.file_features import file_features
from zoo.inference.provenance import provenance

WANTED = 30  # files of the synthetic batch


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> zoo.BatchFolder:
    """A folder of 400 files, of which the first 30 are around a point of their own; the last failed."""
    random = np.random.default_rng(0)
    vectors = random.standard_normal((400, 24)) + 5
    vectors[:WANTED, :3] += 3.5
    folder = tmp_path_factory.mktemp("batch")
    return make_folder(folder / "out", vectors.astype(np.float32), failed=[399])


@pytest.fixture
def sorter(batch: zoo.BatchFolder) -> zoo.Sorter:
    """A sorter with 45 answers."""
    own = zoo.Sorter(batch, seed=1)
    own.example("file-3")
    answer_all(own, 45)
    return own


def answer_all(sorter: zoo.Sorter, total: int) -> None:
    while (left := total - len(sorter.answers)) > 0:
        for question in sorter.next(min(5, left)):
            sorter.answer(question, question.number < WANTED)


def test_most_files_are_found_and_the_estimate_is_near_the_truth(sorter):
    line = sorter.threshold(precision=0.9)
    listed = sorter.table(line)
    right = (listed["number"] < WANTED).sum()
    assert len(listed) == line.files
    assert right / WANTED >= 0.9
    assert right / len(listed) >= 0.85
    assert abs(line.expected - right) <= 4
    assert abs(line.total - WANTED) <= 8
    assert line.precision >= 0.9
    assert line.recall_interval[0] <= line.recall <= 1
    assert (listed["answer"] == "yes").sum() == line.answered == sorter.counts[0]
    stricter = sorter.threshold(precision=0.99)
    assert stricter.files <= line.files
    assert stricter.precision >= 0.99


def test_the_same_answers_lead_to_the_same_questions_and_survive_a_file(batch, sorter):
    again = zoo.Sorter.restore(batch, sorter.to_json())
    assert again.answers == sorter.answers
    assert again.checked == sorter.checked
    assert again.next(5) == sorter.next(5)
    assert again.threshold() == sorter.threshold()
    assert zoo.Sorter.restore(batch, json.loads(sorter.to_json())).to_dict() == sorter.to_dict()


def test_answers_to_files_that_are_gone_are_left_out(batch, sorter):
    state = sorter.to_dict()
    state["answers"].append({"number": 12345, "yes": True})
    assert zoo.Sorter.restore(batch, state).answers == sorter.answers


@pytest.mark.parametrize(
    "state",
    ["", "[]", '{"network": "net", "answers": [{"number": -1, "yes": true}]}', {"network": 3}, b"\xff"],
)
def test_a_state_that_is_none_is_refused(batch, state):
    with pytest.raises(zoo.InputError, match="answers cannot be read"):
        zoo.Sorter.restore(batch, state)


def test_undo_and_a_second_answer_leave_no_trace(batch):
    sorter = zoo.Sorter(batch)
    sorter.answer(3, True)
    scores = sorter.scores
    sorter.answer(200, True)
    sorter.answer(200, False)
    assert sorter.counts == (1, 1)
    assert not np.array_equal(sorter.scores, scores)
    assert sorter.undo() == 200
    np.testing.assert_array_equal(sorter.scores, scores)
    assert sorter.undo() == 3
    assert sorter.undo() is None


def test_questions_are_distinct_and_leave_out_what_is_answered_or_skipped(sorter):
    skip = [question.number for question in sorter.next(5)]
    answered = {answer.number for answer in sorter.answers}
    asked = [question.number for question in sorter.next(1000, skip=skip)]
    assert len(set(asked)) == len(asked) == len(sorter) - len(answered) - len(skip)
    assert not set(asked) & (answered | set(skip))
    assert 399 not in asked  # it failed


def test_checks_are_drawn_at_random_and_compared_with_what_was_expected(sorter):
    drawn = [answer for answer in sorter.answers if answer.reason == "check"]
    assert len(drawn) == sorter.checked.files > 0
    assert sorter.checked.yes == sum(answer.yes for answer in drawn)
    assert sorter.checked.expected == pytest.approx(sum(answer.expected for answer in drawn))


def test_a_vector_begins_as_a_file_does(batch):
    sorter = zoo.Sorter(batch)
    sorter.example(batch.vectors()[:WANTED].mean(axis=0))
    assert sorter.counts == (0, 0)
    first = [question.number for question in sorter.next(5)]
    assert sum(number < WANTED for number in first) >= 4


def test_bad_use_is_one_sentence(batch, monkeypatch):
    sorter = zoo.Sorter(batch)
    with pytest.raises(zoo.InputError, match=r"nothing to look for yet; give an example to begin with\.$"):
        sorter.next()
    with pytest.raises(zoo.InputError, match="not the number of a file"):
        sorter.answer(399, True)  # it failed
    with pytest.raises(zoo.InputError, match="neither True nor False"):
        sorter.answer(3, "yes")
    with pytest.raises(zoo.UnknownNameError, match="Unknown class 'ant'; the batch has no class scores"):
        zoo.Sorter(batch, label="ant")
    sorter.answer(3, True)
    with pytest.raises(zoo.InputError, match="1 answers of yes and 0 of no; an estimate needs 4 of each"):
        sorter.threshold()
    monkeypatch.setattr(features_module, "MAX_FILES", 100)
    with pytest.raises(zoo.InputError, match="has 400 files, and at most 100 can be sorted at once"):
        zoo.Sorter(batch)


def test_the_list_is_written_and_its_files_are_copied(tmp_path):
    random = np.random.default_rng(0)
    vectors = random.standard_normal((60, 8)).astype(np.float32)
    vectors[:20, 0] += 8
    paths = [tmp_path / f"{i % 2}" / f"{i // 2}.txt" for i in range(60)]
    for i, path in enumerate(paths):
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"content {i}")
    batch = make_folder(tmp_path / "out", vectors, paths=list(map(str, paths)))
    features = file_features(batch)
    hashes = tuple(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)
    object.__setattr__(features, "hashes", hashes)  # the folder of the test has others
    sorter = zoo.Sorter(batch, features=features)
    for number in (*range(6), *range(30, 36)):
        sorter.answer(number, number < 20)
    line = sorter.threshold()
    sorter.write(tmp_path / "list.csv", line)
    listed = pd.read_csv(tmp_path / "list.csv", keep_default_na=False)
    assert list(listed.columns) == ["path", "score", "answer"]
    assert listed["answer"].tolist()[:6] == ["yes"] * 6
    assert len(listed) == line.files
    paths[0].write_text("changed")
    paths[1].unlink()
    problems = sorter.copy(tmp_path / "copies", line)
    assert {Path(problem.input) for problem in problems} == {paths[0], paths[1]}
    copies = sorted(path.read_text() for path in (tmp_path / "copies").iterdir())
    numbers = set(sorter.table(line)["number"]) - {0, 1}
    assert copies == sorted(f"content {number}" for number in numbers)
    with pytest.raises(zoo.InputError, match=r"copies exists; choose a new folder\.$"):
        sorter.copy(tmp_path / "copies", line)
    with pytest.raises(zoo.InputError, match="cannot be written"):
        sorter.write(tmp_path / "absent" / "list.csv")


@pytest.fixture(scope="module")
def insects(net, media, tmp_path_factory: pytest.TempPathFactory) -> zoo.BatchFolder:
    """A folder of 40 photos of ants and 240 others, with the vectors of a real network."""
    ants = sorted((media / "ants-bees" / "val" / "ants").glob("*.jpg"))[:40]
    bees = sorted((media / "ants-bees").glob("*/bees/*.jpg"))[:180]
    others = [*sorted((media / "photos").glob("*.jpg")), *sorted((media / "coco").glob("*.jpg"))]
    paths = [*ants, *bees, *others]
    network = net("efficientnet_lite0")
    vectors = network.embed(paths).values
    record = provenance(network, "embed", layer=None, pool=None, overlap=None)
    folder = tmp_path_factory.mktemp("insects") / "out"
    return make_folder(folder, vectors, paths=list(map(str, paths)), record=record)


def test_ants_are_found_among_real_photos(insects):
    found, right, listed = 0, 0, 0
    features = file_features(insects)
    for seed in (0, 1):
        sorter = zoo.Sorter(insects, label="ant", seed=seed, features=features)
        assert sorter.label == "ant, emmet, pismire"
        while (left := 45 - len(sorter.answers)) > 0:
            for question in sorter.next(min(5, left)):
                sorter.answer(question, "/ants/" in question.path)
        paths = sorter.table(sorter.threshold(precision=0.9))["path"]
        found += paths.str.contains("/ants/").sum() / 40
        right, listed = right + paths.str.contains("/ants/").sum(), listed + len(paths)
    assert found / 2 >= 0.88
    assert right / listed >= 0.88


def test_class_scores_are_those_of_the_whole_network(insects, net):
    head = class_head(insects.path, insects.settings, insects.settings.networks[0])
    path = insects.manifest.table["path"][0].as_py()
    expected = net("efficientnet_lite0").classify(path, top=1000)
    own = head.scores(insects.vectors()[:1])[0]
    np.testing.assert_allclose(own, expected.all_scores, atol=1e-3)
    assert head.labels[expected.indices[0]].startswith(expected.labels[0])


def test_a_network_whose_vectors_are_not_before_its_last_layer_has_no_class_scores(net, tmp_path):
    network = net("squeezenet")
    record = provenance(network, "embed", layer=None, pool=None, overlap=None)
    vectors = np.random.default_rng(0).random((4, 512), np.float32)
    batch = make_folder(tmp_path / "out", vectors, record=record)
    assert class_head(batch.path, batch.settings, batch.settings.networks[0]) is None
    assert zoo.Sorter(batch).labels == ()
