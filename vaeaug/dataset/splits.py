"""The names of splits.

A name is a split if one of its words is `train`, `val`, `test` or a synonym and all other words are fillers: `train`,
`Training`, `train_set`, `valid-images`, `val2017`, `hold-out`. Names such as `test tube` or `cars_train` count only
next to other folders of that pattern (`class_folders.py`).
"""

from __future__ import annotations

import re
from functools import lru_cache

from vaeaug.dataset.folder_words import FILLER_WORDS, IMAGE_WORDS, words

SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "validate": "val",
    "dev": "val",
    "devel": "val",
    "test": "test",
    "testing": "test",
    "eval": "test",
    "evaluation": "test",
    "holdout": "test",
}
_LONGEST_FIRST = sorted(SPLIT_WORDS, key=len, reverse=True)
_PARTS = re.compile("|".join(_LONGEST_FIRST), re.IGNORECASE)


@lru_cache(maxsize=4096)  # a table asks for each of its rows
def split_named(name: str) -> str | None:
    """Return `train`, `val` or `test` for the name of a split; None for any other name.

    >>> split_named("Validation"), split_named("train_set"), split_named("test tube"), split_named("cat")
    ('val', 'train', None, None)
    """
    found = words_of(name)
    named = {SPLIT_WORDS[word] for word in found if word in SPLIT_WORDS}
    rest = {word for word in found if word not in SPLIT_WORDS and not word.isdigit()}
    return named.pop() if len(named) == 1 and rest <= FILLER_WORDS | IMAGE_WORDS else None


def without_split(name: str) -> list[str]:
    """Return the words of a name that are not words for a split."""
    return [word for word in words_of(name) if word not in SPLIT_WORDS]


def split_and_rest(name: str) -> tuple[str, str] | None:
    """Return the split and the rest of a name that starts or ends with a word for a split, or None.

    >>> split_and_rest("train_cat"), split_and_rest("cat-test"), split_and_rest("trainA"), split_and_rest("strained")
    (('train', 'cat'), ('test', 'cat'), ('train', 'A'), None)
    """
    for match in _PARTS.finditer(name):
        word, before, after = match.group(), name[: match.start()], name[match.end() :]
        if not before and after and (not after[0].islower()):
            return SPLIT_WORDS[word.lower()], after.lstrip(" _-.")
        if not after and before and (not before[-1].isalpha() or word[0].isupper()):
            return SPLIT_WORDS[word.lower()], before.rstrip(" _-.")
    return None


def words_of(name: str) -> list[str]:
    """Return the words of a name in lower case; `trainset` is two and `hold-out` is one."""
    found: list[str] = []
    for word in words(name):
        if found and found[-1] + word == "holdout":
            found[-1:] = ["holdout"]
        else:
            found += _compound(word)
    return found


def _compound(word: str) -> list[str]:
    """Return the parts of `trainset`, `testimages` or `imgtrain`; any other word as it is."""
    for split in _LONGEST_FIRST:
        start, end = word.removeprefix(split), word.removesuffix(split)
        if start != word and start in FILLER_WORDS | IMAGE_WORDS:
            return [split, start]
        if end != word and end in FILLER_WORDS | IMAGE_WORDS:
            return [end, split]
    return [word]
