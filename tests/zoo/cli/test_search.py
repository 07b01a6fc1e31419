"""The command search."""

import json

from tests.zoo.batches.vector_folder import clustered, make_folder


def test_search_prints_the_nearest_files(run, tmp_path):
    folder = tmp_path / "out"
    matches = make_folder(folder, clustered(300)).search("file-7", top=3)
    code, out, err = run("search", folder, "file-7", "--top", 3)
    assert (code, err) == (0, "")
    first = f"{matches.similarities[0]:6.3f}  {matches.paths[0]}"
    assert (out.splitlines()[0], len(out.splitlines())) == (first, 3)
    code, out, _ = run("search", folder, "file-7", "--top", 3, "--exact", "--json")
    result = json.loads(out)
    assert (result["input"], result["network"]) == ("file-7", "net")
    assert [match["path"] for match in result["matches"]] == list(matches.paths)
    assert set(result["matches"][0]) == {"number", "path", "similarity", "sha256"}


def test_windows_have_their_times_and_bad_input_is_one_line(run, tmp_path):
    folder = tmp_path / "out"
    make_folder(folder, clustered(40), windows=4)
    _, out, _ = run("search", folder, "file-2", "--top", 1)
    assert out.rstrip().endswith(".00 s")
    for arguments, match in (
        ((tmp_path, "file-2"), f"zoo: {tmp_path} is not a folder of `zoo batch`: it has no run.json"),
        ((folder, "file-2", "--network", "two"), "zoo: Unknown network 'two'; choose one of net."),
    ):
        code, out, err = run("search", *arguments)
        assert (code, out) == (2, "")
        assert err.startswith(match)
