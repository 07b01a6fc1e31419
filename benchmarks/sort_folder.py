"""How well `zoo.Sorter` finds 70 photos of ants among 2,000: ``python benchmarks/sort_folder.py FOLDER``.

FOLDER has the folders ``ants-bees`` (the Hymenoptera photos of PyTorch's tutorial on transfer learning),
``photos``, and ``coco``, each with JPEGs. The batch has

- all 194 photos of ants, unchanged; for each seed 70 of them are drawn, and the manifest lacks the others;
- 1,930 other photos: the 204 of bees, 40 of ImageNet, and 20 of COCO, each once as it is; then, in turn, as
  crops at a random place whose sides are 0.55 to 0.9 of the photo's, half of them mirrored.

All are embedded with a bundled network by `zoo.batch`. A scripted user gives one photo of an ant, which
counts as the first answer, and answers questions by the name of the file, five at a time, until there are 60
answers. Recall counts the ants of the list among all 70, precision the ants among the files of the list. Both
are beside what the sorter expects, which has the answers only. The last lines count the seeds whose intervals
of 5 to 95 % hold recall and precision. ``--ants 20 --others 80 --answers 30`` draws small folders.
"""

import argparse
import random
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image, ImageOps

import zoo
from zoo.batches.file_features import file_features
from zoo.batches.folder import BatchFolder
from zoo.batches.manifest import Manifest

ANTS, OTHERS = 70, 1930
SIDES = 0.55, 0.9  # of a crop, as fractions of the photo's


def make_photos(media: Path, folder: Path) -> None:
    """Write the photos; names begin with ``ant-`` or ``other-``."""
    folder.mkdir()
    for i, path in enumerate(sorted(media.glob("ants-bees/*/ants/*.jpg"))):
        (folder / f"ant-{i:03}.jpg").write_bytes(path.read_bytes())
    patterns = ("ants-bees/*/bees/*.jpg", "photos/*.jpg", "coco/*.jpg")
    photos = [path for pattern in patterns for path in sorted(media.glob(pattern))]
    generator = random.Random(0)
    for i in range(OTHERS):
        turn, which = divmod(i, len(photos))
        with Image.open(photos[which]) as photo:
            image = photo.convert("RGB")
        if turn:
            image = cropped(image, generator)
        image.save(folder / f"other-{which:03}-{turn}.jpg", quality=90)


def cropped(image: Image.Image, generator: random.Random) -> Image.Image:
    side = generator.uniform(*SIDES)
    width, height = int(image.width * side), int(image.height * side)
    left, top = generator.randint(0, image.width - width), generator.randint(0, image.height - height)
    crop = image.crop((left, top, left + width, top + height))
    return ImageOps.mirror(crop) if generator.random() < 0.5 else crop


def is_ant(path: str) -> bool:
    return Path(path).name.startswith("ant-")


def with_some_files(
    batch: BatchFolder, generator: np.random.Generator, ants: int, others: int
) -> BatchFolder:
    """Leave the files that are not drawn out of the manifest, as if they were gone."""
    table = batch.manifest.table
    wanted = np.array([is_ant(path) for path in table["path"].to_pylist()])
    stays = np.ones(len(wanted), bool)
    stays[generator.permutation(np.flatnonzero(wanted))[ants:]] = False
    if others < OTHERS:
        stays[generator.permutation(np.flatnonzero(~wanted))[others:]] = False
    return BatchFolder(
        batch.path, batch.settings, Manifest(table.filter(pa.array(stays)), batch.manifest.next_number)
    )


def holds(interval: tuple[float, float], value: float) -> bool:
    return interval[0] - 1e-9 <= value <= interval[1] + 1e-9


def sort(
    batch: BatchFolder, network: str, seed: int, options: argparse.Namespace
) -> tuple[float, float, bool, bool]:
    """Answer as the scripted user, and print what came of it.

    Return recall and precision, and whether their intervals hold them.
    """
    generator = np.random.default_rng(seed)
    some = with_some_files(batch, generator, options.ants, options.others)
    begin = time.process_time()
    features = file_features(some, network, classes=not options.vectors_only)
    sorter = zoo.Sorter(some, network=network, seed=seed, features=features)
    numbers = dict(zip(features.numbers.tolist(), map(is_ant, features.paths), strict=True))
    sorter.answer(int(generator.choice([number for number, ant in numbers.items() if ant])), True)
    while left := options.answers - sum(sorter.counts):
        for question in sorter.next(min(left, 5)):
            sorter.answer(question, numbers[question.number])
    line = sorter.threshold(precision=options.precision)
    ants = [numbers[number] for number in sorter.table(line)["number"]]
    recall, precision, check = sum(ants) / options.ants, sum(ants) / len(ants), sorter.checked
    print(
        f"seed {seed}: {sorter.counts[0]} yes, {sorter.counts[1]} no; list of {len(ants)}: "
        f"recall {recall:.3f}, precision {precision:.3f}; expected: recall {line.recall:.2f} "
        f"({line.recall_interval[0]:.2f} to {line.recall_interval[1]:.2f}), precision {line.precision:.2f} "
        f"({line.precision_interval[0]:.2f} to {line.precision_interval[1]:.2f}), {line.total:.0f} in all; "
        f"check: {check.yes} of {check.files}, expected {check.expected:.1f}; "
        f"{time.process_time() - begin:.1f} s of processor time",
        flush=True,
    )
    return recall, precision, holds(line.recall_interval, recall), holds(line.precision_interval, precision)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("media", type=Path, help="folder with ants-bees, photos and coco")
    parser.add_argument("--network", default="efficientnet_lite0")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--ants", type=int, default=ANTS, help="photos of ants in a folder")
    parser.add_argument("--others", type=int, default=OTHERS, help="other photos in a folder")
    parser.add_argument("--answers", type=int, default=60)
    parser.add_argument("--precision", type=float, default=0.9, help="that is asked for")
    parser.add_argument("--vectors-only", action="store_true", help="without the network's class scores")
    parser.add_argument("--folder", type=Path, help="keep photos and batch here, and use them again")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        if not (folder / "photos").exists():
            folder.mkdir(parents=True, exist_ok=True)
            make_photos(options.media, folder / "photos")
        out = folder / f"vectors-{options.network}"
        zoo.batch(str(folder / "photos"), task="embed", network=options.network, out=out)
        batch = zoo.open_batch(out)
        network = batch.networks[0]
        print(f"{len(batch.vectors())} photos; {network}", flush=True)
        results = np.array([sort(batch, network, seed, options) for seed in range(options.seeds)])
    reached = int((results[:, :2] >= 0.9).all(axis=1).sum())
    print(f"mean recall {results[:, 0].mean():.3f}, precision {results[:, 1].mean():.3f}")
    print(f"at least 0.9 of both: {reached} of {len(results)} seeds")
    recalls, precisions = results[:, 2:].sum(axis=0).astype(int)
    print(f"intervals that hold the recall: {recalls}, the precision: {precisions}, of {len(results)}")


if __name__ == "__main__":
    main()
