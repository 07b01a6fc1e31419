"""The examples of the documents type-check; calls have the type of their result; misspelt names are found."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    path for path in (ROOT / "README.md", *ROOT.glob("docs/*.md")) if "```python" in path.read_text()
]
MISSPELT = [
    "zoo.clasify('photo.jpg')",
    "net.clasify('photo.jpg')",
    "zoo.pitch('melody.wav', fmn=80)",
    "net.sound_events(['street.wav'], treshold=0.3)",
    "zoo.load('squeezenet', engin='torch')",
    "zoo.classify('photo.jpg').label",
    "zoo.classify(['photo.jpg']).labels",
    "zoo.classify(3.5)",
    "zoo.explain('photo.jpg', method='gradcan')",
    "net.stream(16000, treshold=0.3)",
]
TYPES = {
    "net.classify('photo.jpg')": "zoo.Classification",
    "net.classify(Path('photo.jpg'), top=3)": "zoo.Classification",
    "net.classify(Image.new('RGB', (9, 9)))": "zoo.Classification",
    "net.classify(torch.zeros(3, 9, 9))": "zoo.Classification",
    "net.classify(['photo.jpg'])": "list[zoo.Classification]",
    "net.classify(sorted(Path().glob('*.jpg')))": "list[zoo.Classification]",
    "net.classify(['photo.jpg'], on_error='skip')": "list[zoo.Classification | zoo.Problem]",
    "zoo.explain(['photo.jpg'], method='occlusion')": "list[zoo.Explanation]",
    "zoo.sound_events('street.wav', network=net, threshold=0.3)": "zoo.SoundEvents",
    "zoo.sound_events(['street.wav'], on_error='skip')": "list[zoo.SoundEvents | zoo.Problem]",
    "zoo.pitch(np.zeros(16000), sample_rate=16000)": "zoo.PitchTrack",
    "zoo.pitch([b''], fmin=80, device='cpu')": "list[zoo.PitchTrack]",
    "zoo.load('squeezenet', device=torch.device('cpu'))": "zoo.Network",
    "zoo.embed(['photo.jpg'], network=net)": "zoo.Embedding",
}
IMPORTS = """\
from pathlib import Path
from typing import assert_type
import numpy as np
import torch
from PIL import Image
import zoo
net = zoo.load("squeezenet")
microphone = np.zeros((2, 16000), np.float32)
"""


@pytest.fixture(scope="module")
def errors(tmp_path_factory):
    """Errors of one run of the checker: {name of the file: {number of the line: message}}."""
    folder = tmp_path_factory.mktemp("types")
    files = {
        "misspelt": "\n".join(MISSPELT),
        "results": "\n".join(f"assert_type({call}, {kind})" for call, kind in TYPES.items()),
        **{path.stem: examples(path) for path in DOCUMENTS},
    }
    for name, code in files.items():
        (folder / f"{name}.py").write_text(IMPORTS + code, encoding="utf-8")
    settings = {"typeCheckingMode": "standard", "extraPaths": [str(ROOT)], "useLibraryCodeForTypes": False}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "basedpyright", "--outputjson", "--pythonpath", sys.executable]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    report = json.loads(run.stdout)
    assert report["summary"]["filesAnalyzed"] == len(files)
    messages = {name: {} for name in files}
    for one in report["generalDiagnostics"]:
        line = one["range"]["start"]["line"] - IMPORTS.count("\n")
        messages[Path(one["file"]).stem].setdefault(line, one["message"])
    return messages


def examples(document: Path) -> str:
    return "".join(re.findall(r"```python\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_examples_type_check(errors, document):
    assert errors[document.stem] == {}


@pytest.mark.parametrize("line", range(len(MISSPELT)), ids=MISSPELT)
def test_misspelt_names_are_found(errors, line):
    assert line in errors["misspelt"]


@pytest.mark.parametrize("line", range(len(TYPES)), ids=[*TYPES])
def test_calls_have_the_type_of_their_result(errors, line):
    assert errors["results"].get(line) is None
