"""Commands that put a network to work, and what they print and write."""

import csv
import io
import json
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from PIL import Image
from safetensors.numpy import load_file, save_file

import zoo

RATE = 16000


def test_classify(run):
    code, out, err = run("classify", zoo.sample("cat.png"), zoo.sample("coffee.png"), "--top", 3, "--json")
    results = json.loads(out)
    assert (code, err, len(results)) == (0, "", 2)
    assert set(results[0]) == {"schema", "input", "network", "predictions"}
    assert results[0]["predictions"][0]["label"] == "Egyptian cat"
    assert results[1]["predictions"][0]["id"] == "n07920052"
    scores = [row["score"] for row in results[0]["predictions"]]
    assert scores == sorted(scores, reverse=True)
    assert "Egyptian cat" in run("classify", zoo.sample("cat.png"))[1]


def test_a_folder_a_pattern_and_standard_input(run, files, tmp_path, monkeypatch):
    for name in ("b.png", "sub/a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (64, 64)).save(tmp_path / name)
    arguments = (tmp_path, f"{tmp_path}/*.png", "-", files / "half.jpg")
    photo = (files / "noise.jpg").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(photo)))
    code, out, err = run("classify", *arguments, "--json")
    inputs = [result["input"] for result in json.loads(out)]
    assert inputs[:-1] == [str(tmp_path / name) for name in ("b.png", "sub/a.png", "b.png")] + ["-"]
    assert (code, err.count("\n")) == (2, 1)
    assert "half.jpg is a damaged" in err
    assert run("embed", tmp_path, "-n", "squeezenet", "--out", tmp_path / "all.csv")[0] == 0
    assert len(pd.read_csv(tmp_path / "all.csv")) == 2


def test_events(run):
    bell = zoo.sample("bicycle-bell.wav")
    code, out, _ = run("events", bell, "--include", "Bicycle bell", "--json")
    result = json.loads(out)
    assert code == 0
    assert set(result) == {"schema", "input", "network", "events", "clip"}
    assert set(result["events"][0]) == {"label", "index", "id", "start", "end", "score"}
    assert result["events"][0]["id"] == "/m/0gy1t2s"
    assert result["clip"][0]["label"] == "Bicycle bell"
    rows = list(csv.DictReader(io.StringIO(run("events", bell, "--exclude", "Bicycle bell", "--csv")[1])))
    assert rows
    assert "Bicycle bell" not in {row["label"] for row in rows}
    assert "whole clip: Bicycle bell" in run("events", bell)[1]
    lines = run("events", bell, "--specificity", "low", "--audacity")[1].splitlines()
    starts, ends, labels = zip(*(line.split("\t") for line in lines), strict=True)
    assert all(0 <= float(start) < float(end) <= 61 for start, end in zip(starts, ends, strict=True))
    assert "Sounds of things" in labels


def test_pitch(run, files):
    code, out, _ = run("pitch", files / "tone.wav", "--network", "crepe.tiny", "--csv")
    table = pd.read_csv(io.StringIO(out))
    assert code == 0
    assert list(table.columns) == ["time", "frequency", "confidence", "voiced"]
    assert table.frequency.median() == pytest.approx(440, abs=1.3)
    assert len(table) == 201
    assert "A4" in run("pitch", files / "tone.wav", "-n", "crepe.tiny")[1]
    assert json.loads(run("pitch", files / "tone.wav", "-n", "crepe.tiny", "--json")[1])["voiced"][50]


def test_many_recordings(run, files):
    good = (files / "tone.wav", files / "tone.wav")
    code, out, err = run("events", *good, files / "text.wav", "--json")
    assert code == 2
    assert "text.wav" in err
    assert ["events" in one for one in json.loads(out)] == [True, True, False]
    assert json.loads(out)[-1]["input"] == str(files / "text.wav")
    table = pd.read_csv(io.StringIO(run("events", *good, "--threshold", 0.01, "--csv")[1]))
    assert list(table.columns)[:2] == ["input", "start"]
    assert run("events", *good)[1].count("whole clip: ") == 2
    options = ("-n", "crepe.tiny")
    code, out, _ = run("pitch", *good, *options, "--json")
    assert (code, [one["input"] for one in json.loads(out)]) == (0, [str(files / "tone.wav")] * 2)
    assert [
        len(one["notes"]) for one in json.loads(run("pitch", *good, *options, "--notes", "--json")[1])
    ] == [1, 1]
    assert run("pitch", *good, *options)[1].count("A4") == 2
    code, _, err = run("pitch", *good, *options, "--midi", files / "x.mid")
    assert (code, err) == (2, f"zoo: {files / 'x.mid'} is one file, and there are 2 inputs; pass a folder.\n")


def test_many_recordings_write_into_a_folder(run, files, tmp_path):
    recordings = (files / "tone.wav", files / "text.wav", files / "tone.wav")
    code, _, err = run("pitch", *recordings, "-n", "crepe.tiny", "--midi", tmp_path / "notes")
    assert (code, err.count("\n")) == (2, 1)
    written = sorted((tmp_path / "notes").iterdir())
    assert [path.name for path in written] == ["tone (2).mid", "tone.mid"]
    assert all(path.read_bytes().startswith(b"MThd") for path in written)


def test_notes_of_many_voices(run, files, tmp_path):
    tone = files / "tone.wav"
    code, out, err = run("notes", tone, files / "text.wav", tone, "--midi", tmp_path / "notes", "--json")
    assert (code, err.count("\n")) == (2, 1)
    names = [[note["name"] for note in one.get("notes", [])] for one in json.loads(out)]
    assert names == [["A4"], [], ["A4"]]
    written = sorted((tmp_path / "notes").iterdir())
    assert [path.name for path in written] == ["tone (2).mid", "tone.mid"]
    assert all(path.read_bytes().startswith(b"MThd") for path in written)
    assert "A4" in run("notes", tone)[1]
    assert run("notes", tone, "--csv")[1].splitlines()[0].startswith("start,end,")
    code, _, err = run("notes", tone, "--network", "yamnet")
    assert (code, err.count("\n")) == (2, 1)


def test_pitch_in_a_range_and_smoothed(run, files):
    options = ("-n", "crepe.tiny", "--fmin", 300, "--fmax", 500, "--smooth", 5, "--smoother", "mean")
    code, out, _ = run("pitch", files / "tone.wav", *options, "--decoder", "argmax", "--csv")
    assert code == 0
    assert pd.read_csv(io.StringIO(out)).frequency.median() == pytest.approx(440, abs=6)


def test_notes_as_text_csv_json_midi_and_sound(run, tmp_path):
    melody = (zoo.sample("melody.wav"), "-n", "crepe.tiny", "--notes")
    midi, synth = tmp_path / "m.mid", tmp_path / "m.wav"
    code, out, _ = run("pitch", *melody, "--midi", midi, "--synth", synth)
    assert code == 0
    assert " ".join(line.split()[5] for line in out.splitlines()) == "C4 D4 E4 C4 C4 D4 E4 C4 E4 F4 G4"
    assert midi.read_bytes().startswith(b"MThd")
    assert soundfile.info(synth).duration == pytest.approx(6, abs=0.02)
    table = pd.read_csv(io.StringIO(run("pitch", *melody, "--csv")[1]))
    assert list(table.columns) == ["start", "end", "midi", "name", "cents"]
    assert json.loads(run("pitch", *melody, "--json")[1])[0]["name"] == "C4"


@pytest.mark.parametrize("suffix", ["npz", "parquet", "csv"])
def test_embed(run, files, tmp_path, suffix):
    out = tmp_path / f"vectors.{suffix}"
    code, printed, err = run("embed", files / "tone.wav", "--network", "yamnet", "--out", out)
    assert (code, printed) == (0, "")
    assert "4 vectors of 1024" in err
    if suffix == "npz":
        saved = np.load(out)
        assert saved["values"].shape == (4, 1024)
        assert saved["times"].shape == (4, 2)
        assert str(saved["network"]) == "yamnet.audioset"
    else:
        table = pd.read_parquet(out) if suffix == "parquet" else pd.read_csv(out)
        assert table.shape == (4, 1027)


@pytest.mark.parametrize(("name", "width"), [("noise.jpg", 1280), ("tone.wav", 1024)])
def test_embed_takes_a_network_that_fits(run, files, tmp_path, name, width):
    out = tmp_path / "v.npz"
    assert run("embed", files / name, "--out", out)[0] == 0
    assert np.load(out)["values"].shape[1] == width


def test_embed_pictures_from_a_named_layer(run, files, tmp_path):
    out = tmp_path / "v.npz"
    arguments = ("--network", "squeezenet", "--layer", "features.3", "--out", out)
    assert run("embed", files / "noise.jpg", *arguments)[0] == 0
    assert np.load(out)["values"].shape == (1, 128)


def test_explain(run, tmp_path):
    cat, out = zoo.sample("cat.png"), tmp_path / "heat.png"
    code, text, err = run("explain", cat, "--target", "tiger cat", "--out", out)
    assert (code, err) == (0, "")
    assert re.fullmatch(
        r"tiger cat \d+\.\d%, gradcam at features.12: most around \d+, \d+ of 451 × 300 pixels\n", text
    )
    with Image.open(out) as drawn, Image.open(cat) as picture:
        assert drawn.size == picture.size == (451, 300)
        assert drawn.tobytes() != picture.convert("RGB").tobytes()
    code, text, _ = run("explain", cat, "--json")
    record = json.loads(text)
    assert (code, record["label"], record["layer"]) == (0, "Egyptian cat", "features.12")
    assert np.shape(record["values"]) == (14, 14)


def test_explain_writes_one_file_an_image_into_a_folder(run, files, tmp_path):
    photos, folder = tmp_path / "photos", tmp_path / "maps"
    (photos / "sub").mkdir(parents=True)
    for name in ("cat.png", "sub/cat.jpg"):
        with Image.open(zoo.sample("cat.png")) as cat:
            cat.convert("RGB").save(photos / name)
    code, text, err = run("explain", photos, files / "half.jpg", "--out", folder)
    assert (code, err.count("\n")) == (2, 1)
    assert sorted(path.name for path in folder.iterdir()) == ["cat (2).png", "cat.png"]
    assert f"{photos / 'sub' / 'cat.jpg'}: {folder / 'cat (2).png'}" in text.splitlines()
    before = (folder / "cat.png").read_bytes()
    code, text, err = run("explain", photos, "--target", "tiger cat", "--out", folder)
    assert (code, text, (folder / "cat.png").read_bytes()) == (2, "", before)
    assert f"{folder / 'cat.png'} exists" in err


def test_explain_as_json_names_the_files(run, files, tmp_path):
    folder = tmp_path / "maps"
    output = run("explain", zoo.sample("cat.png"), files / "half.jpg", "--out", folder, "--json")[1]
    good, failed = json.loads(output)
    assert good["out"] == str(folder / "cat.png")
    assert good["label"] == "Egyptian cat"
    assert set(failed) == {"schema", "input", "network", "error"}


def test_explain_takes_one_file_for_one_image_only(run, tmp_path):
    cat = zoo.sample("cat.png")
    code, _, err = run("explain", cat, cat, "--out", tmp_path / "heat.png")
    assert (code, list(tmp_path.iterdir())) == (2, [])
    assert "pass a folder" in err


def test_classify_as_csv_names_inputs_and_holds_no_formulas(run, files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "=1+1.jpg").write_bytes((files / "noise.jpg").read_bytes())
    code, out, err = run("classify", "=1+1.jpg", zoo.sample("cat.png"), files / "half.jpg", "--csv")
    assert (code, err.count("\n")) == (2, 1)
    table = pd.read_csv(io.StringIO(out))
    assert list(table.columns) == ["input", "index", "id", "label", "score", "name"]
    assert table.input.tolist() == ["'=1+1.jpg"] * 5 + [str(zoo.sample("cat.png"))] * 5
    assert table.label[5] == "Egyptian cat"


def test_the_json_of_the_manual_has_the_keys_of_the_real_one(run, files):
    manual = (Path(__file__).parents[3] / "docs" / "command-line.md").read_text(encoding="utf-8")
    classes, sound = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", manual, re.DOTALL))
    cat, bell = zoo.sample("cat.png"), zoo.sample("bicycle-bell.wav")
    result = json.loads(run("classify", cat, files / "half.jpg", "--top", 1, "--json")[1])
    assert shape(result) == shape(classes)
    assert classes[0]["predictions"][0]["score"] == round(result[0]["predictions"][0]["score"], 3)
    options = ("--include", "Bicycle bell", "--top", 1, "--json")
    result = json.loads(run("events", bell, *options)[1])
    assert shape(result | {"events": result["events"][:1]}) == shape(sound)
    assert sound["events"][0]["end"] == result["events"][0]["end"]


def shape(value):
    """The keys and types of a JSON value."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    return [shape(one) for one in value] if isinstance(value, list) else type(value)


def test_options_of_the_network(run, files, tmp_path):
    """``--weights``, ``--device`` and ``--engine`` reach the network, of every verb."""
    tensors = load_file(zoo.fetch("squeezenet"))
    tensors["classifier.1.bias"][:] = np.arange(1000) == 7  # of the last layer; all else gives 0
    tensors["classifier.1.weight"][:] = 0
    save_file(tensors, tmp_path / "cock.safetensors")
    options = ("--weights", tmp_path / "cock.safetensors", "--device", "cpu", "--engine", "torch")
    for verb in ("classify", "explain"):
        result = json.loads(run(verb, files / "noise.jpg", *options, "--json")[1])
        best = result[0]["predictions"][0] if verb == "classify" else result
        assert (best["index"], best["score"]) == (7, pytest.approx(np.e / (np.e + 999)))
    yamnet, crepe = ("--weights", zoo.fetch("yamnet")), ("--weights", zoo.fetch("crepe.tiny"))
    assert run("events", files / "tone.wav", *yamnet, "--device", "cpu", "--engine", "torch")[0] == 0
    assert run("pitch", files / "tone.wav", "-n", "crepe.tiny", *crepe, "--engine", "torch")[0] == 0
    out = ("--out", tmp_path / "v.npz")
    assert run("embed", files / "tone.wav", *yamnet, *out, "--device", "cpu", "--engine", "torch")[0] == 0


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("verb", "name"),
    [
        (("classify",), "noise.jpg"),
        (("explain",), "noise.jpg"),
        (("events",), "tone.wav"),
        (("pitch", "-n", "crepe.tiny"), "tone.wav"),
    ],
    ids=str,
)
def test_many_files_show_their_progress_on_a_terminal(run, files, monkeypatch, verb, name):
    monkeypatch.setattr("zoo.cli.many._IMAGES", 1)
    monkeypatch.setattr("zoo.core.progress.DELAY", 0)
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    _, out, _ = run(verb[0], files / name, files / name, *verb[1:], "--json")
    assert "inputs: " in terminal.getvalue()
    assert len(json.loads(out)) == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--out", "heat.jpg"], "should end with .png, or be a folder"),
        (["--target", "unicorn"], "Unknown class"),
        (["--method", "magic"], "choose one of gradcam, occlusion"),
        (["--opacity", "7"], "between 0 and 1"),
        (["-n", "yamnet"], "takes no pictures"),
    ],
)
def test_explain_says_what_it_cannot_do(run, options, words):
    code, out, err = run("explain", zoo.sample("cat.png"), *options)
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1
