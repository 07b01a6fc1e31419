"""The intervals of a sorter's estimate hold the truth as often as they say, in small folders, too."""

import numpy as np

from zoo.batches.sort_estimate import Threshold, choose_line, sigmoid

FOLDERS = 40


def sorted_folder(seed: int, files: int, answered: int) -> tuple[Threshold, float, float]:
    """Answer the likeliest files of a folder, a fifth of which is right; threshold, precision, and recall."""
    random = np.random.default_rng(seed)
    right = np.arange(files) < files // 5
    scores = random.standard_normal(files) + 1.8 * right
    order = np.argsort(-scores)
    asked, left = order[:answered], order[answered:]
    line = choose_line(scores[asked], right[asked], scores[left], 0.9, lambda score: float(sigmoid(score)))
    above = line.files - line.answered
    listed = line.answered + right[left[:above]].sum()
    return line, float(listed / line.files), float(listed / right.sum())


def test_intervals_hold_the_truth_in_small_folders():
    recalls, precisions = 0, 0
    for seed in range(FOLDERS):
        line, precision, recall = sorted_folder(seed, files=80, answered=16)
        assert line.recall_interval[0] <= line.recall <= line.recall_interval[1]
        recalls += line.recall_interval[0] <= recall <= line.recall_interval[1]
        precisions += line.precision_interval[0] <= precision <= line.precision_interval[1]
    # The interval is to hold nine of ten; intervals of the expected numbers hold 34 and 9 of these 40.
    assert recalls >= 0.9 * FOLDERS
    assert precisions >= 0.9 * FOLDERS


def test_interval_reaches_what_one_unseen_file_would_change():
    line, _, _ = sorted_folder(0, files=80, answered=16)
    low, high = line.recall_interval
    assert high - low > 1 / line.total
