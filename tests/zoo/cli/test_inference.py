"""Commands that put a network to work, and what they print and write."""

import csv
import io
import json
import re
import sys

import numpy as np
import pandas as pd
import pytest
import soundfile
from PIL import Image

import zoo

RATE = 16000


def test_classify(run):
    code, out, err = run("classify", zoo.sample("cat.png"), zoo.sample("coffee.png"), "--top", 3, "--json")
    results = json.loads(out)
    assert (code, err, len(results)) == (0, "", 2)
    assert set(results[0]) == {"input", "network", "predictions"}
    assert results[0]["predictions"][0]["label"] == "Egyptian cat"
    assert results[1]["predictions"][0]["id"] == "n07920052"
    scores = [row["score"] for row in results[0]["predictions"]]
    assert scores == sorted(scores, reverse=True)
    assert "Egyptian cat" in run("classify", zoo.sample("cat.png"))[1]


def test_a_folder_a_pattern_and_standard_input(run, files, tmp_path, monkeypatch):
    for name in ("b.png", "sub/a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (64, 64)).save(tmp_path / name)
    given = (tmp_path, f"{tmp_path}/*.png", "-", files / "half.jpg")
    photo = (files / "noise.jpg").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(photo)))
    code, out, err = run("classify", *given, "--json")
    inputs = [result["input"] for result in json.loads(out)]
    assert inputs == [str(tmp_path / name) for name in ("b.png", "sub/a.png", "b.png")] + ["-"]
    assert (code, err.count("\n")) == (2, 1)
    assert "half.jpg is a damaged" in err
    assert run("embed", tmp_path, "-n", "squeezenet", "--out", tmp_path / "all.csv")[0] == 0
    assert len(pd.read_csv(tmp_path / "all.csv")) == 2
    code, _, err = run("explain", f"{tmp_path}/*.png")
    assert (code, err) == (2, f"zoo: {tmp_path}/*.png stands for several pictures; explain takes one.\n")


def test_events(run):
    bell = zoo.sample("bicycle-bell.wav")
    code, out, _ = run("events", bell, "--include", "Bicycle bell", "--json")
    result = json.loads(out)
    assert code == 0
    assert set(result) == {"input", "network", "events", "clip"}
    assert set(result["events"][0]) == {"label", "index", "start", "end", "score"}
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
    assert [one["input"] for one in json.loads(out)] == [str(files / "tone.wav")] * 2
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
    assert (code, err) == (2, "zoo: --midi takes one recording, and there are 2.\n")


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


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--out", "heat.jpg"], "should end with .png"),
        (["--target", "unicorn"], "There is no class"),
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
