"""One class under several spellings: Unicode forms, letter case, spaces at the ends."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from vaeaug.dataset.index import NO_LABEL, ImageFile
from vaeaug.errors import InputError, quoted


def unify_labels(files: Sequence[ImageFile], *, training: bool) -> tuple[list[ImageFile], list[str]]:
    """Return the images with one spelling per class, and notes on what was merged or kept apart.

    All labels become their composed Unicode form (NFC). Labels that differ only in letter case or in surrounding spaces
    are merged into the spelling of train, unless a split has both. One-letter names are kept apart.
    """
    notes = []
    composed = {file.label: unicodedata.normalize("NFC", file.label) for file in files}
    merged = _groups(composed, key=composed.__getitem__)
    if merged:
        notes.append(f"merged classes whose names differ only in their Unicode form: {quoted(merged)}")
    splits: defaultdict[str, set[str]] = defaultdict(set)
    for file in files:
        splits[composed[file.label]].add(file.split)
    spelling = dict(composed)
    for names in _groups(splits, key=_spelling).values():
        if all(len(name.strip()) == 1 for name in names):
            notes.append(f"classes that differ only in letter case are kept apart: {quoted(names)}")
            continue
        in_one_split = sum(len(splits[name]) for name in names) > len(set().union(*(splits[name] for name in names)))
        if in_one_split and training:
            raise InputError(
                f"classes differ only in letter case or spaces: {quoted(names)}; merge their folders (or use the "
                "same spelling in the table), or, if they are different classes, rename one of them"
            )
        if in_one_split:
            notes.append(f"classes that differ only in letter case or spaces are kept apart: {quoted(names)}")
            continue
        first = min(names, key=lambda name: ("train" not in splits[name], name))
        spelling |= {raw: first for raw, name in composed.items() if name in names}
        notes.append(f"merged classes that differ only in letter case or spaces: {quoted(names)} are {first!r}")
    return [
        file if spelling[file.label] == file.label else dataclasses.replace(file, label=spelling[file.label])
        for file in files
    ], notes


def _groups(labels: Iterable[str], key: Callable[[str], str]) -> dict[str, list[str]]:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for label in sorted(labels):
        if label != NO_LABEL:
            groups[key(label)].append(label)
    return {name: found for name, found in groups.items() if len(found) > 1}


def _spelling(label: str) -> str:
    return unicodedata.normalize("NFC", label.casefold()).strip()
