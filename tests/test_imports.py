"""How modules import each other, and what a user's own files do to that."""

import subprocess
import sys
from pathlib import Path

import grimp
import networkx as nx

import zoo


def test_no_import_circle():
    """Lazy and type-only imports count."""
    graph = grimp.build_graph("zoo", cache_dir=None)
    imports = nx.DiGraph(
        (module, imported)
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
    )
    assert "zoo.audio.signal" in imports  # links are followed
    circles = [sorted(circle) for circle in nx.strongly_connected_components(imports) if len(circle) > 1]
    assert circles == []


def test_a_script_beside_files_of_the_same_name_works(tmp_path):
    for path in (tmp_path / "audio.py", tmp_path / "vision" / "__init__.py"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("raise SystemExit('the wrong module')")
    (tmp_path / "script.py").write_text(
        "import zoo; print(zoo.load('yamnet', weights=None).name, zoo.load('squeezenet', weights=None).name)"
    )
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["yamnet.audioset", "squeezenet.caffe"], done.stderr


def test_audio_and_vision_are_part_of_the_package():
    for name in ("audio", "vision"):
        assert (Path(zoo.__path__[0]) / name / "catalog.toml").is_file()
