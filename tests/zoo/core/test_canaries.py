"""Canary inputs are the same bits everywhere: their hashes are written down here."""

import numpy as np

from zoo.core import canaries


def test_pictures_are_those_of_version_1():
    pictures = canaries.pictures()
    assert [picture.shape for picture in pictures] == [(240, 320, 3), (320, 240, 3), (256, 256, 3)]
    assert canaries.VERSION == 1
    assert canaries.sha256(pictures) == "95c88b2dacc76a67fdb3bd47d77a8c487403db2e19a49798c423990e9a706948"


def test_the_sound_is_that_of_version_1():
    sound = canaries.sound()
    assert (sound.dtype, sound.shape) == (np.float32, (3 * 44100,))
    assert 0.5 < abs(sound).max() < 1
    assert canaries.sha256([sound]) == "06aa940de6f0d0ae9c363fb5cb60623a87317e2c72e4f7e5e89c356e12949feb"


def test_a_longer_sound_begins_with_the_shorter_one():
    np.testing.assert_array_equal(canaries.sound(5)[: 3 * 44100], canaries.sound(3))


def test_a_hash_does_not_depend_on_byte_order():
    numbers = np.arange(5, dtype="<f4")
    assert canaries.sha256([numbers]) == canaries.sha256([numbers.astype(">f4")])
