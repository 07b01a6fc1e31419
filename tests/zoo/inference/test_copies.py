"""Networks that are pickled, copied, or sent to another process."""

import copy
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
import torch

IMAGE = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)


COPIES = [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))]


@pytest.mark.parametrize("again", COPIES)
@pytest.mark.parametrize("used", [True, False])
def test_a_network_that_was_changed_is_copied_as_it_is(net, again, used):
    """The graph in the cache is of the weights that were loaded."""
    network = copy.deepcopy(net("squeezenet"))
    if used:
        network.classify(IMAGE)
    with torch.no_grad():
        for parameter in network.module.classifier.parameters():
            parameter.zero_()
    expected = np.full(1000, 1e-3)
    for one in (network, again(network)):
        np.testing.assert_allclose(one.classify(IMAGE).all_scores, expected, atol=1e-4)


@pytest.mark.parametrize("again", COPIES)
def test_a_copy_gives_the_same_scores_and_shares_no_weights(net, again):
    network = net("squeezenet")
    other = again(network)
    expected = network.classify(IMAGE).all_scores
    np.testing.assert_array_equal(other.classify(IMAGE).all_scores, expected)
    with torch.no_grad():
        for parameter in other.module.parameters():
            parameter.zero_()
    np.testing.assert_array_equal(network.classify(IMAGE).all_scores, expected)


def test_what_was_changed_is_copied_too(net):
    network = net("yamnet").body()
    network = network.with_preprocessor(network.preprocessor.with_hop(0.96))
    other = copy.deepcopy(network)
    assert other.preprocessor == network.preprocessor
    assert other.labels == ()


def test_a_shallow_copy_shares_the_module(net):
    network = net("squeezenet")
    assert copy.copy(network).module is network.module


def test_a_network_works_in_a_spawned_process(net):
    network = net("squeezenet")
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        result = pool.submit(network.classify, IMAGE).result()
    np.testing.assert_allclose(result.all_scores, network.classify(IMAGE).all_scores, atol=1e-6)


FORKED = """
import copy
import multiprocessing
import numpy as np
import torch
import zoo

image, audio = np.full((64, 64, 3), 9, np.uint8), np.zeros(16000, np.float32)
net = zoo.load("squeezenet", device="cpu")
data = torch.zeros(1, *net.spec.input_shape)
USES = {
    "classify": lambda: zoo.classify(image),
    "embed": lambda: zoo.embed(image, network="squeezenet"),
    "explain": lambda: zoo.explain(image),
    "activations": lambda: zoo.load("squeezenet").activations(image, layers=["features.3"]),
    "events": lambda: zoo.sound_events(audio, sample_rate=16000),
    "pitch": lambda: zoo.pitch(audio, sample_rate=16000, network="crepe.tiny"),
    "load": lambda: zoo.load("squeezenet"),
    "scores": lambda: net.scores(data),
    "summary": lambda: net.summary(),
    "body": lambda: net.body(),
    "head": lambda: net.replace_head(2),
    "copy": lambda: copy.deepcopy(net),
    "module": lambda: net.module(data),
}

def child(use):
    try:
        USES[use]()
    except zoo.EngineError as error:
        return f"{use}: {error}"

for use in USES.values():
    use()
with multiprocessing.get_context("fork").Pool(1) as pool:
    for use in USES:
        print(pool.apply(child, [use]), flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_a_pool_forked_after_use_says_how_to_start_it():
    """It would wait for threads of the parent forever."""
    command = [sys.executable, "-c", FORKED]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        out, _ = parent.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        os.killpg(parent.pid, signal.SIGKILL)  # the pool too
        raise
    assert out.count("was forked after a network was loaded") == 13, out
    assert out.count("get_context('spawn')") == 13


BEFORE = """
import multiprocessing
import numpy as np
import zoo

image = np.full((64, 64, 3), 9, np.uint8)
with multiprocessing.get_context("fork").Pool(1) as pool:
    (found,) = pool.map(zoo.classify, [image])
print(found.labels == zoo.classify(image).labels)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_a_pool_forked_before_use_works():
    process = subprocess.run([sys.executable, "-c", BEFORE], capture_output=True, text=True, timeout=120)
    assert process.stdout == "True\n", process.stderr
