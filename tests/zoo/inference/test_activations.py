"""What a layer makes of an input: the values of the module itself, the strongest first."""

import numpy as np
import pytest
import torch

import zoo
from zoo.core.errors import InputError, UnknownNameError
from zoo.inference import activations
from zoo.inference.activations import Activations, look

RATE = 16000


def tone(seconds: float, loud_from: float = 0.0) -> np.ndarray:
    time = np.arange(int(seconds * RATE)) / RATE
    return (0.5 * np.sin(2 * np.pi * 440 * time) * (time >= loud_from)).astype(np.float32)


def test_a_convolution_has_a_map_for_each_channel(net):
    network, cat = net("squeezenet"), zoo.sample("cat.png")
    result = look(network, cat, "features.3.squeeze")
    expected = network.activations(cat, layers=["features.3.squeeze"])["features.3.squeeze"][0].numpy()
    np.testing.assert_array_equal(result.values, expected)
    maps = result.maps(9)
    strength = np.abs(expected).mean(axis=(1, 2))
    assert [channel for channel, _ in maps] == np.argsort(-strength)[:9].tolist()
    assert all(
        picture.dtype == np.uint8 and min(picture.shape[:2]) >= activations.SIDE for _, picture in maps
    )
    brightest = maps[0][1].sum(axis=2)
    step = brightest.shape[0] // expected.shape[1]
    row, column = np.unravel_index(expected[maps[0][0]].argmax(), expected.shape[1:])
    assert brightest[row * step, column * step] == brightest.max()
    assert result.course is None
    assert not result.labels


def test_the_units_of_the_head_are_the_classes(net):
    result = look(net("efficientnet_lite0"), zoo.sample("cat.png"), "classifier")
    figure = result.bars(5)
    best = net("efficientnet_lite0").classify(zoo.sample("cat.png")).labels[0]
    assert figure.layout.yaxis.ticktext[0] == best
    assert list(figure.data[0].x) == sorted(result.values, reverse=True)[:5]
    assert result.maps() == []


def test_numbers_that_describe_the_values():
    values = np.array([[0.0, 0.0, 1.0], [3.0, 0.0, -4.0]], np.float32)
    result = Activations("net", "layer", "input", values)
    assert result.statistics() == {
        "mean": 0.0,
        "deviation": pytest.approx(np.std(values)),
        "smallest": -4.0,
        "largest": 3.0,
        "zeros": 0.5,
    }
    assert result.strongest(2).tolist() == [1, 0]
    assert sum(result.histogram(7).data[0].y) == values.size
    assert result.lines().data[0].z.tolist() == values.tolist()


def test_a_channel_of_one_value_is_dark_and_no_error():
    result = Activations("net", "layer", "input", np.full((2, 3, 3), 5.0, np.float32))
    assert {tuple(pixel) for _, picture in result.maps() for pixel in picture.reshape(-1, 3)} == {(68, 1, 84)}


def test_a_sound_is_seen_window_by_window_and_its_most_active_one_whole(net):
    samples = tone(4, loud_from=2)
    result = look(net("yamnet"), samples, "layer14", sample_rate=RATE)
    maps = net("yamnet").activations(samples, layers=["layer14"], sample_rate=RATE)["layer14"].numpy()
    np.testing.assert_allclose(result.course, maps.mean(axis=(2, 3)), atol=1e-6)
    assert result.window == np.abs(maps).mean(axis=(1, 2, 3)).argmax()
    np.testing.assert_array_equal(result.values, maps[result.window])
    assert result.times.shape == (len(maps), 2)
    early = look(net("yamnet"), samples, "layer14", sample_rate=RATE, at=0.5)
    assert early.window == 1
    assert np.shape(early.over_time(10).data[0].z) == (10, len(maps))


def test_the_classes_over_time_are_those_that_reach_the_most(net):
    bell = look(net("yamnet"), zoo.sample("bicycle-bell.wav"), "logits")
    figure = bell.over_time(5)
    best = np.sort(np.argsort(-bell.course.max(axis=0))[:5])
    assert list(figure.layout.yaxis.ticktext) == [bell.labels[i] for i in best]
    assert "Bicycle bell" in figure.layout.yaxis.ticktext


def test_maps_of_a_spectrogram_have_time_to_the_right_and_high_tones_on_top(net):
    result = look(net("yamnet"), tone(1), "layer1.1", sample_rate=RATE)
    assert result.values.shape[1:] == (48, 32)
    _, picture = result.maps(1)[0]
    assert picture.shape[0] / picture.shape[1] == 32 / 48
    values = np.zeros((1, 48, 32), np.float32)
    values[0, 47, 0] = 1  # the last time, the lowest frequency
    ((_, picture),) = Activations("net", "layer", "input", values, axes=("time", "frequency")).maps()
    assert picture[-1, -1].sum() == picture.sum(axis=2).max() > picture[0, 0].sum()
    turned = Activations("net", "layer", "input", values.transpose(0, 2, 1), axes=("frequency", "time"))
    np.testing.assert_array_equal(turned.maps()[0][1], picture)


def test_no_more_than_the_first_seconds_are_looked_at(net, monkeypatch):
    monkeypatch.setattr(activations, "MAX_SECONDS", 1.0)
    fractions = []
    result = look(net("crepe.tiny"), tone(30), "block3.conv", sample_rate=RATE, progress=fractions.append)
    assert result.times[-1, 0] < 1 < result.times[-1, 0] + 0.011
    assert result.values.shape == (16, 64)
    assert len(result.course) == len(result.times)
    assert max(fractions) == 1.0
    assert len(fractions) <= 2


def test_layers_that_are_not_there_or_say_nothing(net):
    with pytest.raises(UnknownNameError, match=r"features\.3"):
        look(net("squeezenet"), zoo.sample("cat.png"), "feature.3")
    with pytest.raises(InputError, match="not a picture"):
        look(net("squeezenet"), b"text", "features.3")


def test_a_layer_without_a_row_for_each_input_is_refused(net, monkeypatch):
    network = net("squeezenet")
    monkeypatch.setattr(network, "_forward", lambda data, layers: (None, {layers[0]: torch.zeros(7, 2)}))
    with pytest.raises(InputError, match="a row for each input"):
        look(network, zoo.sample("cat.png"), "features.3")
