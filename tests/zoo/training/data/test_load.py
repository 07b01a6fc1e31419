"""Folders and manifests become examples; what cannot be used is reported, in one sentence each."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

import zoo
from tests.zoo.training.examples import picture, sound
from zoo.core.errors import InputError, UnknownNameError
from zoo.training.data.dataset import content_hash


def reasons(data):
    return [problem.reason for problem in data.problems]


def test_a_folder_of_class_folders(pets):
    data = zoo.dataset(pets)
    assert data.modality == "image"
    assert data.classes == ("cat", "dog")
    assert [data.inputs[i].parent.name for i in range(len(data))] == ["cat"] * 3 + ["dog"] * 4
    np.testing.assert_array_equal(data.targets, [0, 0, 0, 1, 1, 1, 1])
    assert data.problems == ()
    assert data.groups is None
    assert zoo.dataset(str(pets)).fingerprint == data.fingerprint


def test_sound_is_told_by_looking(tmp_path):
    for name in "ab":
        for i in range(2):
            sound(tmp_path / name / f"{i}.dat")  # the suffix says nothing
    assert zoo.dataset(tmp_path).modality == "audio"


def test_hashes_come_with_the_reading(pets, monkeypatch):
    data = zoo.dataset(pets)
    monkeypatch.setattr("zoo.training.data.dataset.content_hash", lambda x: pytest.fail("read again"))
    some = data.take([4, 0])
    assert some.hashes == (content_hash(data.inputs[4]), content_hash(data.inputs[0]))
    assert len(data.fingerprint) == 64


def test_nested_files_count_and_litter_does_not(pets):
    picture(pets / "cat" / "young" / "deep" / "x.png")
    for litter in (".DS_Store", "Thumbs.db", "desktop.ini", ".hidden.png"):
        (pets / "cat" / litter).write_bytes(b"litter")
    picture(pets / "cat" / ".cache" / "x.png")
    picture(pets / ".git" / "x.png")
    picture(pets / "__MACOSX" / "x.png")
    data = zoo.dataset(pets)
    assert data.counts().to_dict() == {"cat": 4, "dog": 4}
    assert data.problems == ()


@pytest.mark.parametrize(
    "name", ["a b", "日本語", "NaN", "null", "naïve, \"quoted\"; 'x'", "100%", "-1", "é"]
)
def test_labels_are_kept_as_they_are(pets, name):
    (pets / "cat").rename(pets / name)
    assert set(zoo.dataset(pets).classes) == {name, "dog"}


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text are Linux's")
def test_a_folder_whose_name_is_no_text_gives_a_label_that_can_be_written(pets):
    (pets / "cat").rename(os.fsdecode(os.fsencode(pets) + b"/\xff\xfe"))
    data = zoo.dataset(pets)
    assert len(data.fingerprint) == 64  # encodes the classes
    bad = os.fsdecode(os.fsencode(pets / "dog") + b"/\xff.png")
    shutil.copy(pets / "dog" / "0.png", bad)
    (problem,) = zoo.dataset(pets).problems
    assert "same content" in problem.reason.encode().decode() + problem.input.encode().decode()
    assert [label.encode().decode() for label in data.classes] == list(data.classes)


def test_links_to_files_and_class_folders_are_followed(pets, tmp_path):
    shutil.move(pets / "cat", tmp_path / "elsewhere")
    (pets / "cat").symlink_to(tmp_path / "elsewhere")
    (pets / "dog" / "loop").symlink_to(pets)
    picture(tmp_path / "one.png")
    (pets / "dog" / "linked.png").symlink_to(tmp_path / "one.png")
    assert zoo.dataset(pets).counts().to_dict() == {"cat": 3, "dog": 5}


def test_unreadable_files_are_problems(pets):
    whole = (pets / "dog" / "0.png").read_bytes()
    (pets / "dog" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (pets / "dog" / "empty.png").write_bytes(b"")
    (pets / "dog" / "notes.txt").write_text("good boy")
    (pets / "dog" / "dangling.png").symlink_to(pets / "nowhere")
    sound(pets / "dog" / "bark.wav")
    data = zoo.dataset(pets, modality="image")
    assert data.counts().to_dict() == {"cat": 3, "dog": 4}
    by_name = {os.path.basename(problem.input): problem.reason for problem in data.problems}
    assert set(by_name) == {"cut.png", "empty.png", "notes.txt", "dangling.png", "bark.wav"}
    assert "damaged" in by_name["cut.png"]
    assert "is empty" in by_name["empty.png"]
    assert "is not a picture" in by_name["notes.txt"]
    assert "is not a picture" in by_name["bark.wav"]
    assert all(reason.count(str(pets)) and reason.endswith(".") for reason in by_name.values())


def test_sound_of_no_samples_is_a_problem(tmp_path):
    import soundfile

    for name in "ab":
        sound(tmp_path / name / "0.wav")
    soundfile.write(tmp_path / "a" / "nothing.wav", np.zeros(0), 8000)
    data = zoo.dataset(tmp_path)
    assert len(data) == 2
    assert len(data.problems) == 1


def test_the_same_content_counts_once_within_a_class_and_never_in_two(pets):
    shutil.copy(pets / "cat" / "0.png", pets / "cat" / "again.png")  # 0.png comes first
    shutil.copy(pets / "cat" / "1.png", pets / "dog" / "cat.png")
    data = zoo.dataset(pets)
    assert [path.name for path in data.inputs] == ["0.png", "2.png", "0.png", "1.png", "2.png", "3.png"]
    by_name = {os.path.relpath(problem.input, pets): problem.reason for problem in data.problems}
    assert set(by_name) == {"cat/again.png", "cat/1.png", "dog/cat.png"}
    assert f"same content as {pets / 'cat' / '0.png'}." in by_name["cat/again.png"]
    assert f"{pets / 'dog' / 'cat.png'}, which is of the class 'dog'" in by_name["cat/1.png"]
    assert f"{pets / 'cat' / '1.png'}, which is of the class 'cat'" in by_name["dog/cat.png"]
    assert len(set(data.hashes)) == len(data)


def test_an_empty_class_is_reported_and_dropped(pets):
    (pets / "bird").mkdir()
    (pets / "fish").mkdir()
    (pets / "fish" / "x.png").write_bytes(b"no fish")
    data = zoo.dataset(pets)
    assert data.classes == ("cat", "dog")
    assert {"The class 'bird' has no example that can be used."} <= set(reasons(data))
    assert {"The class 'fish' has no example that can be used."} <= set(reasons(data))


def test_one_class_is_refused(pets):
    shutil.rmtree(pets / "dog")
    (pets / "dog").mkdir()
    with pytest.raises(InputError, match="one class only, 'cat'"):
        zoo.dataset(pets)


def test_three_examples_can_be_read_and_not_split(tmp_path):
    for path in ("a/0.png", "a/1.png", "b/0.png"):
        picture(tmp_path / path)
    data = zoo.dataset(tmp_path)
    assert len(data) == 3
    with pytest.raises(InputError, match="class 'b' has fewer than 2 examples"):
        data.split()


def test_no_examples_at_all(tmp_path, pets):
    with pytest.raises(InputError, match="has no class folders"):
        zoo.dataset(tmp_path / "pets" / "cat")
    for path in pets.rglob("*.png"):
        path.write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"neither pictures nor sound.*is not a picture"):
        zoo.dataset(pets)
    with pytest.raises(InputError, match=r"No example in .* can be used; of the first: .*is not a picture"):
        zoo.dataset(pets, modality="image")
    for path in pets.rglob("*.png"):
        path.unlink()
    with pytest.raises(InputError, match="has no examples"):
        zoo.dataset(pets)


def test_pictures_beside_sounds_need_a_word(pets):
    sound(pets / "cat" / "00.wav")
    with pytest.raises(InputError, match=r"pictures \(.*\.png\) and sound \(00\.wav\).*modality="):
        zoo.dataset(pets)
    assert len(zoo.dataset(pets, modality="image")) == 7


def test_splits_are_not_taken_for_classes(pets, tmp_path):
    shutil.copytree(pets, tmp_path / "all" / "train")
    shutil.copytree(pets, tmp_path / "all" / "val")
    with pytest.raises(InputError, match="holds the splits train, val"):
        zoo.dataset(tmp_path / "all")
    assert zoo.dataset(tmp_path / "all", split="val").fingerprint == zoo.dataset(pets).fingerprint
    with pytest.raises(InputError, match=r"no split 'test'; it has the folders train, val"):
        zoo.dataset(tmp_path / "all", split="test")


def test_a_lonely_folder_around_the_classes_is_looked_through(pets, tmp_path):
    (tmp_path / "outer").mkdir()
    pets.rename(tmp_path / "outer" / "pets")
    assert zoo.dataset(tmp_path / "outer").classes == ("cat", "dog")


def test_files_beside_the_class_folders_are_mentioned(pets):
    (pets / "README.txt").write_text("pets")
    (pets / "labels.csv").write_text("x")
    assert reasons(zoo.dataset(pets)) == ["README.txt and 1 more are outside the class folders."]


def test_classes_that_are_asked_for(pets):
    data = zoo.dataset(pets, classes=["dog", "wolf", "cat"])
    assert data.classes == ("dog", "wolf", "cat")
    assert data.counts().to_dict() == {"dog": 4, "wolf": 0, "cat": 3}
    assert reasons(data) == ["The class 'wolf' has no example that can be used."]
    one = zoo.dataset(pets, classes=["cat"])
    assert one.counts().to_dict() == {"cat": 3}
    assert reasons(one) == ["The class 'dog' is not among those asked for."]
    with pytest.raises(InputError, match=r"does not have the classes 'wolf'; it has 'cat', 'dog'"):
        zoo.dataset(pets, classes=["wolf"])
    for wrong in ("cat", [], ["cat", "cat"], [1]):
        with pytest.raises(InputError, match="classes="):
            zoo.dataset(pets, classes=wrong)


def test_names_of_files_may_tell_class_and_group(tmp_path):
    for digit in range(3):
        for who in ("theo", "lucas"):
            sound(tmp_path / f"{digit}_{who}_0.wav")
    (tmp_path / "README.md").write_text("digits")
    data = zoo.dataset(tmp_path, label=r"^(\d)_", group=r"^\d_([a-z]+)_")
    assert data.counts().to_dict() == {"0": 2, "1": 2, "2": 2}
    assert data.groups == ("lucas", "theo") * 3
    assert reasons(data) == [r"The name 'README.md' does not match label='^(\\d)_'."]
    with pytest.raises(InputError, match="does not match the name"):
        zoo.dataset(tmp_path, label=r"^(\d)_", group=r"_(theo)_")
    with pytest.raises(InputError, match="matches no name"):
        zoo.dataset(tmp_path, label=r"(zebra)")
    with pytest.raises(InputError, match="no parentheses"):
        zoo.dataset(tmp_path, label=r"^\d_")
    with pytest.raises(InputError, match="is not a regular expression"):
        zoo.dataset(tmp_path, label=r"^(\d_")


def test_progress_is_told(pets):
    steps = []
    zoo.dataset(pets, progress=lambda done, total: steps.append((done, total)))
    assert [step for step in steps if step[0]] == [(i, 7) for i in range(1, 8)]


def test_what_is_no_source(tmp_path):
    for source in (None, "", 3, b"x"):
        with pytest.raises(InputError, match="source="):
            zoo.dataset(source)
    with pytest.raises(InputError, match="is not a folder, manifest, zip, or data set"):
        zoo.dataset(tmp_path / "absent")
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(InputError, match="neither a folder"):
        zoo.dataset(tmp_path / "a.txt")
    with pytest.raises(UnknownNameError, match="sklearn:digits"):
        zoo.dataset("sklearn:iris")


def test_an_unknown_modality(pets):
    with pytest.raises(InputError, match=r"Unknown modality 'smell'; choose one of image, audio"):
        zoo.dataset(pets, modality="smell")


# Real files, and what importing costs


def test_ants_and_bees(media):
    train = zoo.dataset(media / "ants-bees", split="train")
    val = zoo.dataset(media / "ants-bees", split="val", classes=train.classes)
    assert train.modality == "image"
    assert train.counts().to_dict() == {"ants": 124, "bees": 121}
    assert val.counts().to_dict() == {"ants": 70, "bees": 83}
    assert train.problems == val.problems == ()
    assert not set(train.hashes) & set(val.hashes)


def test_spoken_digits(media):
    data = zoo.dataset(media / "digits", label=r"^(\d)_", group=r"^\d_([a-z]+)_")
    assert data.modality == "audio"
    assert data.counts().to_dict() == {str(digit): 120 for digit in range(10)}
    assert len(set(data.groups)) == 6
    train, test = data.split(0.2)
    assert not set(train.groups) & set(test.groups)
    assert len(test) == 200  # one of the six speakers is nearer to a fifth than two are


def test_importing_stays_light():
    heavy = "{'torch', 'pandas', 'sklearn', 'pyarrow'}"
    code = f"import sys, zoo.training.data.load; print({heavy} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
