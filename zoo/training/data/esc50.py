"""ESC-50: 2000 recordings of 5 s in 50 classes, in the five folds that its author made.

K. J. Piczak: ESC: Dataset for Environmental Sound Classification, ACM MM 2015, doi:10.1145/2733373.2806390.
Its recordings are under CC BY-NC 3.0.
"""

from __future__ import annotations

from pathlib import Path

from zoo.core.errors import InputError
from zoo.hub import weights
from zoo.hub.sources import get
from zoo.training.data.archives import fill_once, unpacked
from zoo.training.data.dataset import Dataset
from zoo.training.data.load import dataset

URL = "https://github.com/karolpiczak/ESC-50/archive/master.zip"


def esc50() -> Dataset:
    """List the recordings, with folds as groups; downloaded (600 MB) on first use, and cached.

    A copy of the archive that lies in the folder ``ZOO_MIRROR`` as ``master.zip`` is taken instead. No
    checksum is known: GitHub packs the archive when it is asked for it.

    Raises
    ------
    WeightsError
        If it cannot be downloaded or kept.
    InputError
        If it is not such an archive.
    """
    return dataset(fill_once(weights.cache_folder() / "datasets" / "esc50", _fill) / "manifest.csv")


def _fill(folder: Path) -> None:
    """Unpack the archive, and write a manifest from its table."""
    import pandas as pd

    files = unpacked(get(URL, folder.parent), folder)
    table = next(files.glob("*/meta/esc50.csv"), None)
    if table is None:
        raise InputError(f"{URL} gave a zip without a table meta/esc50.csv: that is not ESC-50.")
    audio = (table.parent.parent / "audio").relative_to(folder).as_posix()
    rows = pd.read_csv(table, dtype=str)
    manifest = pd.DataFrame(
        {"file": f"{audio}/" + rows["filename"], "label": rows["category"], "group": rows["fold"]}
    )
    manifest.to_csv(folder / "manifest.csv", index=False)
