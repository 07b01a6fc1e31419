"""Sort the files of a batch by answers of yes and no (`zoo.Sorter`)."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from zoo.batches.file_features import FileFeatures, file_features
from zoo.batches.folder import BatchFolder, open_batch
from zoo.batches.sort_answers import Answer, Check, Question, Reason, State, read_state
from zoo.batches.sort_estimate import Threshold, choose_line, sigmoid
from zoo.batches.sort_fit import MIN_ANSWERS, SortFit
from zoo.batches.sort_questions import choose
from zoo.batches.sorted_files import copy_files, sorted_table, write_table
from zoo.core.errors import InputError, UnknownNameError
from zoo.core.validation import count, number
from zoo.results.problem import Problem

if TYPE_CHECKING:
    import pandas as pd


class Sorter:
    """Find the files of a batch that show something, by answers of yes and no.

    A head is trained on the stored vectors after every answer. The same answers in the same order lead to the
    same questions.

    Parameters
    ----------
    folder : BatchFolder or path
        Of ``zoo batch --task embed``.
    network : str, optional
        May be left out where there is one.
    label : str, optional
        A class of the network, whose scores order the files before the first answer of yes.
    seed : int
    classes : bool
        Use the class scores of the network beside its vectors, where `labels` has some.
    features : FileFeatures, optional
        Those of the folder, if they are at hand; else they are computed.

    Raises
    ------
    InputError
        If the folder is no batch of vectors, or has more than 50,000 files.
    UnknownNameError
        If the batch does not have the network, or the network the class.

    Examples
    --------
    .. code-block:: python

        sorter = zoo.Sorter("vectors")
        sorter.example("photos/ant.jpg")
        for question in sorter.next(10):
            sorter.answer(question, input(question.path) == "y")
        threshold = sorter.threshold(precision=0.9)
        sorter.copy("ants", threshold)
    """

    def __init__(
        self,
        folder: BatchFolder | str | os.PathLike[str],
        *,
        network: str | None = None,
        label: str | None = None,
        seed: int = 0,
        classes: bool = True,
        features: FileFeatures | None = None,
    ):
        self._folder = folder if isinstance(folder, BatchFolder) else open_batch(folder)
        self.network = self._folder.network_settings(network).name
        self._files = features or file_features(self._folder, self.network, classes=classes)
        self._place = {int(own): place for place, own in enumerate(self._files.numbers)}
        self._examples: list[np.ndarray] = []
        self._answers: dict[int, Answer] = {}
        self._reasons: dict[int, tuple[Reason, float | None]] = {}
        self.seed = int(number("seed", seed, 0, 2**32 - 1))
        self.label = self._checked(label)
        self._fit = self._fitted()

    @classmethod
    def restore(
        cls,
        folder: BatchFolder | str | os.PathLike[str],
        state: str | bytes | Mapping[str, Any] | State,
        *,
        classes: bool = True,
        features: FileFeatures | None = None,
    ) -> Sorter:
        """Return a sorter with the answers of another one; those to files that are gone are left out.

        Parameters
        ----------
        folder, classes, features
            As of the class.
        state : str, bytes or mapping
            What `to_json` or `to_dict` gave. It may come from a stranger.

        Raises
        ------
        InputError
            If the state is not one of a sorter.
        """
        read = read_state(state)
        sorter = cls(
            folder, network=read.network, label=read.label, seed=read.seed, classes=classes, features=features
        )
        for answer in read.answers:
            if answer.number in sorter._place:
                sorter._answers.pop(answer.number, None)
                sorter._answers[answer.number] = answer
                sorter._reasons[answer.number] = answer.reason, answer.expected
        sorter._fit = sorter._fitted()
        return sorter

    def __len__(self) -> int:
        """Files that have a vector."""
        return len(self._files)

    def __repr__(self) -> str:
        yes, no = self.counts
        return f"<Sorter {self._folder.path}: {len(self)} files, {yes} yes, {no} no>"

    @property
    def features(self) -> FileFeatures:
        """The files, with their features."""
        return self._files

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the classes that it can begin with; none if the batch has no class scores."""
        return self._files.labels

    @property
    def answers(self) -> tuple[Answer, ...]:
        """All answers, in their order."""
        return tuple(self._answers.values())

    @property
    def counts(self) -> tuple[int, int]:
        """How often the answer was yes, and no."""
        yes = sum(answer.yes for answer in self._answers.values())
        return yes, len(self._answers) - yes

    @property
    def checked(self) -> Check:
        """What the files that were drawn at random tell of the estimates."""
        drawn = [one for one in self.answers if one.reason == "check" and one.expected is not None]
        return Check(len(drawn), sum(one.yes for one in drawn), sum(one.expected or 0 for one in drawn))

    def example(self, x: Any, *, device: str = "auto", trust: bool = False) -> None:
        """Give an example of what is wanted.

        Parameters
        ----------
        x : path, image, sound, or ndarray of shape (d,)
            A file of the batch, which is answered with yes; any other input, which is embedded with the
            network of the batch; or a vector. The last two are no part of the state.
        device, trust
            As of `zoo.load`, for inputs that are embedded.

        Raises
        ------
        InputError
            If it cannot be used, or the network does not make the vectors of the batch.
        """
        query = self._folder.query(x, self.network, device=device, trust=trust)
        if query.number is not None:
            self.answer(query.number, True)
        else:
            self._examples.append(self._files.of_vector(query.vector))
            self._fit = self._fitted()

    def begin(self, label: str | None, vectors: Sequence[np.ndarray] = ()) -> None:
        """Set the class and the vectors to begin with, in the place of those before; answers stay.

        Parameters
        ----------
        label : str or None
        vectors : sequence of ndarray, shape (d,)
            Examples of what is wanted, like those of the batch.

        Raises
        ------
        UnknownNameError
            If the network does not have the class.
        """
        self.label = self._checked(label)
        self._examples = [self._files.of_vector(vector) for vector in vectors]
        self._fit = self._fitted()

    @property
    def has_begun(self) -> bool:
        """Whether there is something to look for: an example, an answer of yes, or a class."""
        return bool(self.counts[0] or self._examples or self.label is not None)

    def question(self, file: int) -> Question:
        """Return the question about a file, by its number, to ask it again."""
        reason, _ = self._reasons.get(file, ("example", None))
        return Question(file, self._files.paths[self._place[file]], reason)

    def answer(self, file: Question | int, yes: bool) -> None:
        """Answer a file, whether it is wanted; a later answer replaces an earlier one.

        Parameters
        ----------
        file : Question or int
            From `next`, or the number of a file in the manifest.
        yes : bool

        Raises
        ------
        InputError
            If the batch has no vector of the file.
        """
        own = file.number if isinstance(file, Question) else file
        if not isinstance(own, (int, np.integer)) or isinstance(own, bool) or int(own) not in self._place:
            raise InputError(f"{own!r} is not the number of a file of {self._folder.path} that has a vector.")
        if not isinstance(yes, (bool, np.bool_)):
            raise InputError(f"The answer {yes!r} is neither True nor False.")
        own = int(own)
        self._answers.pop(own, None)
        reason, expected = self._reasons.get(own, ("example", None))
        self._answers[own] = Answer(own, bool(yes), reason, expected)
        self._fit = self._fitted()

    def undo(self) -> int | None:
        """Take back the last answer; return the number of its file, or None if there is no answer."""
        if not self._answers:
            return None
        own, _ = self._answers.popitem()
        self._fit = self._fitted()
        return own

    def next(self, total: int = 5, *, skip: Collection[int] = ()) -> list[Question]:
        """Choose the files to be asked next.

        First the most likely ones; once some are found, mostly those of which the head is unsure, and some at
        random, which check the estimates.

        Parameters
        ----------
        total : int
            How many; fewer if all others are answered.
        skip : collection of int
            Numbers of files that are not asked.

        Raises
        ------
        InputError
            If there is neither an example, nor an answer of yes, nor a class to begin with.
        """
        count("total", total)
        left = self._fit.left[~np.isin(self._files.numbers[self._fit.left], list(skip))]
        random = np.random.default_rng([self.seed, len(self._answers)])
        checks = self._fit.is_estimable
        chosen = choose(
            self._fit.logits, self._files.values, left, total, random, finds=self.counts[0], checks=checks
        )
        questions: list[Question] = []
        for place, why in chosen:
            expected = float(self._fit.probabilities[place]) if why == "check" else None
            questions.append(Question(int(self._files.numbers[place]), self._files.paths[place], why))
            self._reasons[questions[-1].number] = why, expected
        return questions

    @property
    def scores(self) -> np.ndarray:
        """Scores of all files, from 0 to 1, shape (files,), float64, by number.

        They order the files; `threshold` says what they are worth. Before there is an example or a yes, they
        are the scores of the class.
        """
        return sigmoid(self._fit.logits)

    def threshold(self, precision: float = 0.9) -> Threshold:
        """Draw the line that gives the longest list of a precision, and say what is expected of it.

        Parameters
        ----------
        precision : float
            Fraction of the list that is to be right.

        Raises
        ------
        InputError
            If there are fewer than four answers of yes, or of no.
        """
        number("precision", precision, 0, 1)
        if not self._fit.is_estimable:
            yes, no = self.counts
            raise InputError(
                f"There are {yes} answers of yes and {no} of no; an estimate needs {MIN_ANSWERS} of each."
            )
        left = self._fit.left
        logits, scores = self._fit.logits[left], self.scores[left]
        return choose_line(
            self._fit.held_out,
            self._fit.targets,
            logits,
            precision,
            lambda logit: float(scores[logits >= logit].min()),
        )

    def table(self, threshold: Threshold | None = None) -> pd.DataFrame:
        """Return the files with score and answer, sorted: those with yes, the others by score, those with no.

        Parameters
        ----------
        threshold : Threshold, optional
            Return only the files of its list.

        Returns
        -------
        DataFrame
            Columns ``number``, ``path``, ``score``, ``answer`` (``"yes"``, ``"no"`` or empty).
        """
        answers = {own: answer.yes for own, answer in self._answers.items()}
        return sorted_table(self._files, self.scores, answers, threshold)

    def write(self, path: str | os.PathLike[str], threshold: Threshold | None = None) -> None:
        """Write `table`, without the numbers, as CSV.

        Raises
        ------
        InputError
            If the file cannot be written.
        """
        write_table(self.table(threshold), Path(path))

    def copy(self, to: str | os.PathLike[str], threshold: Threshold) -> tuple[Problem, ...]:
        """Copy the files of a list into a new folder, as they are.

        Parameters
        ----------
        to : path
            Is made, and appears when all files are in it. Equal names get a number.
        threshold : Threshold

        Returns
        -------
        tuple of Problem
            Files that are gone, or have changed since they were embedded, and so are not copied.

        Raises
        ------
        InputError
            If the folder exists or cannot be written.
        """
        return copy_files(self._files, self.table(threshold), Path(to))

    def to_dict(self) -> dict[str, Any]:
        """Return the answers as plain data, for `restore`."""
        return msgspec.to_builtins(self._state())

    def to_json(self) -> str:
        """Return the answers as JSON, for `restore`."""
        return msgspec.json.encode(self._state()).decode()

    def _state(self) -> State:
        return State(self.network, list(self._answers.values()), self.label, self.seed)

    def _fitted(self) -> SortFit:
        """Return what follows from the present answers; nothing is computed yet."""
        places = np.array([self._place[own] for own in self._answers], int)
        targets = np.array([answer.yes for answer in self._answers.values()], bool)
        return SortFit(self._files, places, targets, self._examples, self.label, self.seed)

    def _checked(self, label: str | None) -> str | None:
        """Return the full name of a class; its first name is enough if no other class has that."""
        if label is None or label in self.labels:
            return label
        named = [name for name in self.labels if name.partition(",")[0] == label]
        if len(named) == 1:
            return named[0]
        known = f"{len(self.labels)} classes, see `labels`" if self.labels else "no class scores"
        raise UnknownNameError(f"Unknown class {str(label)[:60]!r}; the batch has {known}.")
