"""A project: examples in classes, settings and attempts, in a folder that outlives the server."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer

import numpy as np
from filelock import FileLock

from zoo.app.services import project_record, uploads
from zoo.app.services.jobs import Job
from zoo.app.services.project_folder import (
    AFTER,
    ATTEMPTS,
    BEFORE,
    EXAMPLES,
    INPUTS,
    THUMBNAILS,
    beside,
    entries,
    forget_examples,
    forget_features,
    recover,
)
from zoo.app.services.project_record import Example, ProjectRecord
from zoo.app.services.reading import Reading, repeated
from zoo.core.errors import InputError, ZooError
from zoo.hub.weights import write
from zoo.results.problem import Problem
from zoo.training.data.dataset import Dataset
from zoo.vision.decoding import thumbnail

THUMBNAIL_SIDES = (96, 96)  # pixels, at most
ZIP = 0  # in the place of a class's number
CLOSED_SECONDS = 20.0  # until the job of a project that no page shows ends: a reload takes less
LOST_SECONDS = 300.0  # the same where the connection was lost, as when a phone sleeps


class Project:
    """Examples, settings and networks of one browser.

    Several sessions may have it open: tabs of one browser. Each change reads the record anew, under a lock,
    and writes it; so a second process of the app may change it too.

    Parameters
    ----------
    folder : Path
        Made with the first change.
    temporary : Path
        A folder for files that are on their way.
    require_space : callable
        Called with a number of bytes to come; raises an `InputError` if there is no space for them.

    Attributes
    ----------
    job, importing : Job or None
        The training, and the import of a network, that was begun last.
    trainings : dict of str to Job
        Trainings whose threads run, by the numbers of their attempts: `job`, and abandoned ones.
    generation : int
        Of what it holds: another one begins when that is deleted or replaced.
    readings : dict of int to Reading
        The last upload to each class, by its number; `ZIP` stands for that of a zip.
    """

    def __init__(self, folder: Path, temporary: Path, require_space: Callable[[Path, int], None]):
        self.folder, self.temporary = folder, temporary
        self.job: Job | None = None
        self.importing: Job | None = None
        self.trainings: dict[str, Job] = {}
        self.readings: dict[int, Reading] = {}
        self._waiting: list[int] = []  # sizes of uploads that are on the disk and not read yet
        self._require_space = require_space
        self.generation = 0
        self._lock = FileLock(beside(folder, ".lock"))
        self._sessions: set[str] = set()
        self._end: Timer | None = None
        self._leaving = threading.Lock()
        self._cached: tuple[tuple[int, int], ProjectRecord] | None = None

    @property
    def record(self) -> ProjectRecord:
        """What the project holds now; to change it, use `changing`."""
        try:
            status = (self.folder / project_record.RECORD).stat()
        except FileNotFoundError:
            return ProjectRecord()
        stamp = status.st_mtime_ns, status.st_ino
        if self._cached is None or self._cached[0] != stamp:
            self._cached = stamp, project_record.read(self.folder) or ProjectRecord()
        return self._cached[1]

    @property
    def busy(self) -> bool:
        """Whether a training waits or runs."""
        return self.job is not None and not self.job.finished

    @property
    def _unfinished(self) -> list[Job]:
        """The training and the import, if they wait or run."""
        return [job for job in (self.job, self.importing) if job is not None and not job.finished]

    @property
    def waiting_bytes(self) -> int:
        """Size of the uploads that are not read yet."""
        return sum(self._waiting)

    @contextmanager
    def changing(self, generation: int | None = None) -> Iterator[ProjectRecord]:
        """Give the record to change, and write it; files that it no longer lists are removed.

        Raises
        ------
        InputError
            If the project was deleted or replaced since this generation.
        """
        with self._lock:
            if generation not in (None, self.generation):
                raise InputError("The project was deleted or replaced meanwhile; add the files again.")
            self.folder.mkdir(mode=0o700, exist_ok=True)
            record = project_record.read(self.folder) or ProjectRecord()
            try:
                yield record
                if not record.examples:
                    record.modality = None
                project_record.save(self.folder, record)
            except BaseException:
                record = project_record.read(self.folder) or ProjectRecord()  # as it was
                raise
            finally:
                self._remove_unlisted_inputs(record)
                if not self.busy:  # which may still read them
                    self._remove_unlisted(record)

    def path_of(self, example: Example) -> Path:
        """Return the file of an example."""
        return self.folder / EXAMPLES / example.content / example.name

    def thumbnail_of(self, example: Example) -> bytes | None:
        """Return a small copy of a picture as a JPEG, made once; None where it cannot be made."""
        place = self.folder / THUMBNAILS / f"{example.content}.jpg"
        try:
            if not place.is_file():
                place.parent.mkdir(mode=0o700, exist_ok=True)
                copy = thumbnail(self.path_of(example), THUMBNAIL_SIDES)
                write(place, lambda path: copy.convert("RGB").save(path, "JPEG", quality=80))
            return place.read_bytes()
        except (ZooError, OSError):  # removed meanwhile, perhaps by another tab
            return None

    def dataset(self) -> Dataset:
        """Return the examples of the classes that have some.

        Raises
        ------
        InputError
            If a class with examples has no name, or the name of another one.
        """
        record = self.record
        classes = [one for one in record.classes if one.examples]
        labels = [one.label.strip() for one in classes]
        if not all(labels):
            raise InputError("A class has no name; give each one a name.")
        if again := next((label for label in labels if labels.count(label) > 1), None):
            raise InputError(f"There are two classes {again!r}; each needs a name of its own.")
        return Dataset(
            name=record.name,
            modality=record.modality or "image",
            inputs=[self.path_of(example) for one in classes for example in one.examples],
            targets=np.repeat(np.arange(len(classes)), [len(one.examples) for one in classes]),
            classes=tuple(labels),
            known=tuple(example.content for one in classes for example in one.examples),
        )

    def add_files(self, number: int, files: Sequence[tuple[str, bytes]]) -> None:
        """Begin to add uploads to a class; `readings` are how far that is."""
        generation = self.generation

        def read(paths: Sequence[Path], folder: Path, reading: Reading) -> None:
            modality = self.record.modality
            label = self.record.class_of(number).label
            data = uploads.from_files(
                paths, folder, label=label.strip() or "examples", modality=modality, progress=reading.count
            )
            reading.problems += self._add(data, generation, number)

        self._begin_reading(number, files, read)

    def add_zip(self, name: str, data: bytes, part: str | None = None) -> None:
        """Begin to add the class folders of a zip, each to the class of its name; see `add_files`."""
        generation = self.generation

        def read(paths: Sequence[Path], folder: Path, reading: Reading) -> None:
            examples = uploads.from_zip(paths[0], folder, part=part, progress=reading.count)
            reading.problems += self._add(examples, generation)

        self._begin_reading(ZIP, [(name, data)], read)

    def _begin_reading(
        self,
        number: int,
        files: Sequence[tuple[str, bytes]],
        read: Callable[[Sequence[Path], Path, Reading], None],
    ) -> None:
        folder = tempfile.TemporaryDirectory(dir=self.temporary, ignore_cleanup_errors=True)
        size, paths = sum(len(data) for _, data in files), list[Path]()

        def store() -> None:
            try:
                self._require_space(self.folder, self.waiting_bytes + size)
                paths.extend(uploads.store(files, Path(folder.name)))
            except BaseException:
                folder.cleanup()
                raise
            self._waiting.append(size)

        def work(reading: Reading) -> None:
            with folder:
                try:
                    read(paths, Path(folder.name), reading)
                finally:
                    self._waiting.remove(size)

        last = list(self.readings.values())[-1:]
        self.readings.pop(number, None)
        self.readings[number] = Reading(store, work, after=last[0] if last else None)

    def _add(self, data: Dataset, generation: int, number: int | None = None) -> list[Problem]:
        """Store examples in the class of this number, or else in those of their labels."""
        sizes = [Path(path).stat().st_size for path in data.inputs]
        problems = list(data.problems)
        with self.changing(generation) as record:
            if record.modality not in (None, data.modality):
                raise InputError(
                    f"{data.name} holds {data.modality} files, and the project {record.modality} files; "
                    "a project holds one kind."
                )
            stored = sum(self.path_of(example).stat().st_size for example in record.examples)
            uploads.require_limits(
                "With these, the project holds", len(record.examples) + len(data), stored + sum(sizes)
            )
            self._require_space(self.folder, sum(sizes))
            record.modality = "image" if data.modality == "image" else "audio"
            if number is not None:
                targets = [record.class_of(number)]
            else:
                record.classes = [one for one in record.classes if one.examples]
                targets = record.classes_called(data.classes)
            owners = {example.content: (example, one) for one in record.classes for example in one.examples}
            for path, target, content in zip(data.inputs, data.targets, data.hashes, strict=True):
                name, one = uploads.base_name(Path(path).name), targets[target]
                if content in owners:
                    problems.append(repeated(name, one, *owners[content]))
                    continue
                example = Example(content, name)
                self._store(Path(path), example)
                one.examples.append(example)
        return problems

    def _store(self, path: Path, example: Example) -> None:
        place = self.path_of(example)
        shutil.rmtree(place.parent, ignore_errors=True)  # of a process that was killed
        place.parent.mkdir(mode=0o700, parents=True)
        shutil.move(path, place)

    def remove_examples(self, contents: Collection[str]) -> None:
        """Remove examples from their classes."""
        with self.changing() as record:
            for one in record.classes:
                one.examples = [example for example in one.examples if example.content not in contents]

    def move_example(self, content: str, number: int) -> None:
        """Move an example to the class of this number."""
        with self.changing() as record:
            target = record.class_of(number)
            for one in record.classes:
                moved = [example for example in one.examples if example.content == content]
                if moved and one is not target:
                    one.examples = [example for example in one.examples if example.content != content]
                    target.examples += moved
                    break

    def remove_class(self, number: int) -> None:
        """Remove a class and its examples."""
        with self.changing() as record:
            record.classes.remove(record.class_of(number))
        self.readings.pop(number, None)  # whose number another class may get

    def _remove_unlisted(self, record: ProjectRecord) -> None:
        """Remove files that the record does not list and no training uses, and what was computed of them."""
        running = {number for number, job in list(self.trainings.items()) if not job.finished}
        contents = {example.content for example in record.examples}
        attempts = {attempt.number for attempt in record.attempts}
        for folder in entries(self.folder / ATTEMPTS):
            if folder.name not in attempts | running:
                shutil.rmtree(folder, ignore_errors=True)
        if running:  # which read examples
            return
        removed = [folder for folder in entries(self.folder / EXAMPLES) if folder.name not in contents]
        for folder in removed:
            shutil.rmtree(folder, ignore_errors=True)
            (self.folder / THUMBNAILS / f"{folder.name}.jpg").unlink(missing_ok=True)
        forget_features(folder.name for folder in removed)

    def _remove_unlisted_inputs(self, record: ProjectRecord) -> None:
        """Remove files of other pages that the record does not list."""
        listed = {(file.content, file.name) for files in record.inputs.values() for file in files}
        for folder in entries(self.folder / INPUTS):
            for path in entries(folder):
                if (folder.name, path.name) not in listed:
                    path.unlink(missing_ok=True)
            with suppress(OSError):  # it has others
                folder.rmdir()

    def remove_leftovers(self) -> None:
        """Remove what a training left that was stopped, or whose project was deleted meanwhile."""
        if not self.folder.exists():
            return
        with self._lock:
            if record := project_record.read(self.folder):
                self._remove_unlisted(record)
            else:
                shutil.rmtree(self.folder, ignore_errors=True)

    def require_space(self, size: int) -> None:
        """Raise an `InputError` if the project may not grow by so many bytes."""
        self._require_space(self.folder, size)

    @contextmanager
    def replacing(self) -> Iterator[Path]:
        """Give an empty folder to fill, and put it into the place of this project's, which goes.

        Where that fails, the project stays as it was; where the process ends meanwhile, see `recover`.
        """
        before, after = beside(self.folder, BEFORE), beside(self.folder, AFTER)
        with self._lock:
            recover(self.folder)
            after.mkdir(mode=0o700)
            try:
                yield after
                if self.busy:  # a training began meanwhile, in another tab
                    raise InputError("This project is training; stop that, or wait for the end.")
            except BaseException:
                shutil.rmtree(after, ignore_errors=True)
                raise
            self.generation += 1
            forget_examples(self.folder)
            if self.folder.exists():
                self.folder.rename(before)
            after.rename(self.folder)
            shutil.rmtree(before, ignore_errors=True)
        self.job = None
        self.readings.clear()

    def delete(self) -> None:
        """Remove everything, and end its jobs; sessions that have it open find it empty."""
        for job in self._unfinished:
            job.abandon()
        with self._lock:
            self.generation += 1
            forget_examples(self.folder)
            shutil.rmtree(self.folder, ignore_errors=True)
        self.job = None
        self.readings.clear()

    def join(self, session: str) -> None:
        """Note that a session has the project open."""
        with self._leaving:
            self._sessions.add(session)
            if self._end is not None:
                self._end.cancel()
                self._end = None
        with suppress(FileNotFoundError):  # of a project that is empty
            os.utime(self.folder)  # its last use, see `zoo.app.services.projects`

    def leave(self, session: str, *, lost: bool) -> None:
        """Note that a session has ended: its browser left the page, or its connection was lost.

        When it was the last one, its jobs end, after `CLOSED_SECONDS` or `LOST_SECONDS`.
        """
        with self._leaving:
            self._sessions.discard(session)
            if self._sessions or not self._unfinished:
                return
            self._end = Timer(LOST_SECONDS if lost else CLOSED_SECONDS, self._abandon)
            self._end.daemon = True
            self._end.start()

    def _abandon(self) -> None:
        with self._leaving:
            if not self._sessions:
                for job in self._unfinished:
                    job.abandon()
