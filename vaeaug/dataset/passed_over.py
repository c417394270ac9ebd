"""Files of a dataset that are not used; they are always reported."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from vaeaug.dataset.formats import install_for
from vaeaug.errors import name_list

OTHER_FILES = "not an image"
STRAY = "outside class folders"
MASKS = "mask of another image"
UNLABELLED = "without a label"
UNLISTED = "not in the table"
FRAMES = "further pages or frames"

MAX_LISTED = 100
"""Names per entry that the record lists."""
_MAX_NAMED = 3
_DOCUMENT = re.compile(
    r"(read[-_ ]?me|licen[cs]es?|copying|copyright|notice|cite|citation|change[-_ ]?log|authors|credits|attribution"
    r"|acknowledge?ments?|terms|data[-_ ]?(sheet|card))(?![a-z])",
    re.IGNORECASE,
)
_DOCUMENT_SUFFIXES = frozenset((".md", ".markdown", ".rst", ".cff", ".bib"))
_TEXT_SUFFIXES = frozenset(("", ".txt", ".html", ".htm", ".pdf", ".rtf"))
_SUFFIXES = 8


@dataclass(frozen=True, slots=True)
class PassedOver:
    """Files of a dataset that are not used, for one reason; files that are not images are grouped by `suffix`."""

    reason: str
    files: tuple[str, ...]
    suffix: str = ""

    def record(self) -> dict[str, Any]:
        """Return the entry for `vaeaug.json`: reason, suffix, count, and the first names."""
        return {
            "reason": self.reason,
            "suffix": self.suffix,
            "count": len(self.files),
            "files": list(self.files[:MAX_LISTED]),
        }


def other_files(names: Iterable[str]) -> list[PassedOver]:
    """Group the names of files that are not images by suffix."""
    by_suffix: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        by_suffix[PurePosixPath(name).suffix.lower()].append(name)
    return [PassedOver(OTHER_FILES, tuple(sorted(found)), suffix) for suffix, found in sorted(by_suffix.items())]


def is_documentation(name: str) -> bool:
    """Return whether a file only describes a dataset: a README, a licence, a Markdown page, a citation.

    >>> is_documentation("docs/LICENSE-CC0.txt"), is_documentation("labels.txt")
    (True, False)
    """
    path = PurePosixPath(name)
    suffix = path.suffix.lower()
    text = suffix in _TEXT_SUFFIXES or suffix[1:].isdigit()  # LICENSE-2.0 ends with a version
    return suffix in _DOCUMENT_SUFFIXES or (text and _DOCUMENT.match(path.name) is not None)


def with_frames(passed_over: Sequence[PassedOver], several: Sequence[str]) -> list[PassedOver]:
    """Return all parts of a dataset that are not used: files, and the further pages and frames of `several` images."""
    return [*passed_over, *([PassedOver(FRAMES, tuple(several))] if several else [])]


def reading_warnings(notes: Sequence[str], passed_over: Sequence[PassedOver], unreadable: Sequence[str]) -> list[str]:
    """Return how a dataset was read (`DatasetIndex.notes`), what is not used and what cannot be read, line by line."""
    lines = list(notes)
    unused = summary(passed_over)
    if unused is not None:
        lines.append(unused)
    if unreadable:
        subject = "1 unreadable image was" if len(unreadable) == 1 else f"{len(unreadable):,} unreadable images were"
        lines.append(f"{subject} left out: {name_list(unreadable)}")
    return lines


def summary(passed_over: Sequence[PassedOver]) -> str | None:
    """Return one line on everything that is not used; None if everything is, or all but documentation.

    Example:
        `not used: 3 .txt, 2 .heic (to read them: pip install pillow-heif), 1 image outside class folders ('a.png')`
    """
    if all(entry.reason == OTHER_FILES and all(map(is_documentation, entry.files)) for entry in passed_over):
        return None
    images = [_image_part(entry) for entry in passed_over if entry.reason not in (OTHER_FILES, FRAMES) and entry.files]
    frames = [
        f"all but the first page or frame of {len(entry.files)} {'file' if len(entry.files) == 1 else 'files'} "
        f"({_examples(entry)})"
        for entry in passed_over
        if entry.reason == FRAMES
    ]
    others = sorted((entry for entry in passed_over if entry.reason == OTHER_FILES), key=_most_useful_first)
    suffixes = [_suffix_part(entry) for entry in others[:_SUFFIXES]]
    more = sum(len(entry.files) for entry in others[_SUFFIXES:])
    parts = [*suffixes, *([f"{more} other files"] if more else []), *images, *frames]
    return f"not used: {', '.join(parts)}" if parts else None


def _most_useful_first(entry: PassedOver) -> tuple[bool, int]:
    """Order by whether an installation would let the files be read, then by count."""
    return install_for(entry.suffix) is None, -len(entry.files)


def _suffix_part(entry: PassedOver) -> str:
    count = len(entry.files)
    if not entry.suffix:
        return f"{count} {'file' if count == 1 else 'files'} without a suffix"
    install = install_for(entry.suffix)
    remedy = "" if install is None else f" (to read {'it' if count == 1 else 'them'}: {install})"
    return f"{count} {entry.suffix}{remedy}"


def _image_part(entry: PassedOver) -> str:
    count = len(entry.files)
    noun, reason = ("image", entry.reason) if count == 1 else ("images", _PLURAL.get(entry.reason, entry.reason))
    return f"{count} {noun} {reason} ({_examples(entry)})"


def _examples(entry: PassedOver) -> str:
    return ", ".join(repr(name) for name in entry.files[:_MAX_NAMED]) + (
        ", ..." if len(entry.files) > _MAX_NAMED else ""
    )


_PLURAL = {MASKS: "that are masks of other images"}
