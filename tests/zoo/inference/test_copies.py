"""Networks that are pickled, copied, or sent to another process."""

import copy
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
import torch

IMAGE = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
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
        found = pool.submit(network.classify, IMAGE).result()
    np.testing.assert_allclose(found.all_scores, network.classify(IMAGE).all_scores, atol=1e-6)
