"""The classes of a network: index, identifier and readable label."""

import csv
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from zoo.core.errors import CatalogError, UnknownNameError


class Label(NamedTuple):
    """One class.

    Attributes
    ----------
    id : str
        wnid (ImageNet), mid (AudioSet) or path (Places365).
    label : str
        Short and readable.
    synonyms : str
        All its names, separated by ", "; empty where it has but one.
    group : str
        What kind of class it is, ``"indoor"`` or ``"outdoor"`` for scenes; empty where it is not stated.
    """

    id: str
    label: str
    synonyms: str = ""
    group: str = ""

    @property
    def name(self) -> str:
        """The full name."""
        return self.synonyms or self.label


@cache
def read(resource: str) -> tuple[Label, ...]:
    """Read labels in the order of the network's outputs.

    Parameters
    ----------
    resource : str
        Path within the package `zoo` of a CSV file with columns index, id, label and perhaps synonyms and
        group, such as ``vision/labels/imagenet.csv``.

    Raises
    ------
    CatalogError
        If the file does not have these columns in all rows.
    """
    try:
        text = files("zoo").joinpath(resource).read_text(encoding="utf-8")
        rows = list(csv.DictReader(text.splitlines(), strict=True))
        labels = [
            Label(row["id"], row["label"], row.get("synonyms", ""), row.get("group", "")) for row in rows
        ]
    except (UnicodeDecodeError, KeyError, csv.Error) as error:
        raise CatalogError(f"{resource} is not a CSV file of labels with columns id and label.") from error
    if any(None in label or None in row for label, row in zip(labels, rows, strict=True)):
        raise CatalogError(f"{resource} has rows that are shorter or longer than its header.")
    return tuple(labels)


def find(labels: tuple[Label, ...], name: str) -> int:
    """Index of the first class with that label, identifier or other name, in any case.

    Raises
    ------
    UnknownNameError
        If there is none; the message names the closest labels.
    """
    query = str(name).strip().casefold()
    for index, label in enumerate(labels):
        if query in (label.label.casefold(), label.id.casefold(), *label.synonyms.casefold().split(", ")):
            return index
    name = " ".join(str(name).split())[:100]
    spellings = {label.label.casefold(): label.label for label in labels}
    close = get_close_matches(query, spellings, n=3, cutoff=0.5)
    inside = [text for key, text in spellings.items() if query in key][:3]
    hint = " or ".join(f'"{spellings.get(key, key)}"' for key in dict.fromkeys([*close, *inside]))
    raise UnknownNameError(f'Unknown class "{name}"' + (f"; did you mean {hint}?" if hint else "."))
