"""Lists in, lists out: what fails in a list, and that nothing runs twice because of it."""

import numpy as np
import pytest

import zoo
from zoo.results import Problem

RATE = 16000
TONE = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32)
IMAGE = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)

VERBS = {
    "classify": ("squeezenet", IMAGE, {}),
    "explain": ("squeezenet", IMAGE, {}),
    "sound_events": ("yamnet", TONE, {"sample_rate": RATE}),
    "pitch": ("crepe.tiny", TONE, {"sample_rate": RATE}),
    "notes": ("basicpitch", TONE, {"sample_rate": RATE}),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_list_gives_a_list_and_a_failed_input_keeps_its_place(net, verb, tmp_path):
    name, good, options = VERBS[verb]
    run = getattr(net(name), verb)
    bad = tmp_path / "bad"
    bad.write_bytes(b"nothing that can be decoded")
    if verb in ("sound_events", "pitch", "notes"):
        bad = good[:0]
    with pytest.raises(zoo.InputError):
        run([good, bad], **options)
    with pytest.raises(zoo.InputError):
        run(bad, **options, on_error="skip")  # by itself
    first, problem, last = run([good, bad, good], **options, on_error="skip")
    assert isinstance(problem, Problem)
    assert problem.reason
    single = run(good, **options)
    assert type(first) is type(last) is type(single)
    assert first.to_dict()["network"] == single.to_dict()["network"]
    assert run([], **options) == []
    assert len(run([good], **options)) == 1


@pytest.mark.parametrize("verb", [*VERBS, "embed"])
def test_an_unknown_way_to_treat_errors_is_refused(net, verb):
    name, good, options = VERBS.get(verb, VERBS["classify"])
    with pytest.raises(zoo.InputError, match="raise, skip"):
        getattr(net(name), verb)([good], **options, on_error="ignore")


@pytest.mark.parametrize("verb", ["sound_events", "pitch", "notes"])
def test_a_wrong_option_is_no_problem_of_an_input(net, verb):
    name, good, options = VERBS[verb]
    with pytest.raises(zoo.InputError, match="threshold"):
        getattr(net(name), verb)([good], **options, threshold="0.5", on_error="skip")


def test_a_bad_image_does_not_make_the_others_run_again(net, tmp_path, monkeypatch):
    network = net("squeezenet")
    rows = []
    engine = network.engine
    monkeypatch.setattr(
        network, "_forward", lambda data, *layers: rows.append(len(data)) or engine(data, *layers)
    )
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    results = network.classify([IMAGE] * 9 + [bad] + [IMAGE] * 10, on_error="skip")
    assert [isinstance(result, Problem) for result in results] == [False] * 9 + [True] + [False] * 10
    assert sum(rows) == 19
    assert len(rows) == 2  # batches of 16


def test_vectors_of_what_failed_are_left_out_and_named(net, tmp_path):
    network = net("squeezenet")
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    embedding = network.embed([IMAGE, bad, IMAGE], on_error="skip")
    np.testing.assert_array_equal(embedding.values, network.embed([IMAGE, IMAGE]).values)
    assert [problem.input for problem in embedding.problems] == [str(bad)]


def test_a_recording_that_fails_halfway_leaves_nothing_behind(net):
    damaged = np.tile(TONE, 30)
    damaged[-10] = np.nan
    network = net("yamnet")
    options = {"sample_rate": RATE, "on_error": "skip"}
    first, problem = network.classify([TONE, damaged], **options)
    assert isinstance(problem, Problem)
    np.testing.assert_array_equal(first.all_scores, network.classify(TONE, sample_rate=RATE).all_scores)
    embedding = network.embed([TONE, damaged], **options)
    assert len(embedding) == len(network.embed(TONE, sample_rate=RATE))
    assert len(embedding.problems) == 1


def test_nothing_but_failures_is_an_empty_embedding(net):
    embedding = net("yamnet").embed([TONE[:0]], sample_rate=RATE, on_error="skip")
    assert len(embedding) == 0
    assert len(embedding.problems) == 1
    assert len(net("squeezenet").embed([])) == 0
