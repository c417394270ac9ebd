"""Folder names in an output directory: safe on every file system, unique per class, and otherwise unchanged.

Names are percent-encoded where necessary: the last letter of a word from which Hugging Face `datasets` infers a split
(`blood test`: `blood tes%74`); characters that Linux, macOS or Windows forbid; a leading dot or double underscore
(readers skip such folders); a trailing dot or space and the device names of Windows (`con`, `aux.txt`); and `%` where
it would read as an encoding. Names that are too long are cut and end in a hash.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import TYPE_CHECKING

from vaeaug.dataset.index import SPLITS
from vaeaug.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NAME_BYTES = 255
"""The longest file or folder name of all common file systems, in bytes of UTF-8."""

CLASS_BYTES = 200
"""Bytes of the class's part in `synthetic-<class>-<index>.png`: with an index of any size the name still fits."""

_FORBIDDEN = frozenset('<>:"/\\|?*')
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(\..*)?", re.IGNORECASE | re.DOTALL)
_SPLIT_WORD = re.compile(
    r"(?<![^-._ 0-9])(?:train|training|validation|valid|dev|val|test|testing|eval|evaluation)(?![^-._ 0-9])"
)
"""The words of `datasets.data_files.SPLIT_KEYWORDS` between its separators."""

_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_CUT = "%7E"
"""Marks a cut name. `~` itself is never encoded, so no other name contains this."""


def folder_name(label: str) -> str:
    """Return the folder name of a class: a safe path component of at most 255 bytes, unique per label.

    Example:
        >>> folder_name("T-shirt"), folder_name("Trouser/pants"), folder_name("..")
        ('T-shirt', 'Trouser%2Fpants', '%2E%2E')
    """
    return _encoded(label, NAME_BYTES)


def synthetic_name(label: str, index: int, suffix: str = ".png") -> str:
    """Return the file name of a synthetic image: `synthetic-<class>-00000.png`, with more digits from 100,000 on."""
    return f"synthetic-{_encoded(label, CLASS_BYTES)}-{index:05d}{suffix}"


def synthetic_number(label: str, name: str) -> int | None:
    """Return the number in the name of a synthetic image of a class; None if it has no such name."""
    return int(name.rpartition("-")[2].partition(".")[0]) if is_synthetic_name(label, name) else None


def is_synthetic_name(label: str, name: str) -> bool:
    """Return whether a synthetic image of the class may have this name, letter case and Unicode form aside."""
    if not name[:10].casefold().startswith("synthetic-"):
        return False  # nearly every name; the rest costs more
    stem = f"synthetic-{_encoded(label, CLASS_BYTES)}-"
    return re.fullmatch(re.escape(collision_key(stem)) + r"[0-9]{5,}\.(png|jpg|webp)", collision_key(name)) is not None


def collision_key(name: str) -> str:
    """Return what two names share that some file system (macOS, Windows) takes for the same."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def make_class_folders(split: Path, labels: Iterable[str]) -> dict[str, Path]:
    """Make the class folders of a split and return label -> folder; an InputError if two would be the same."""
    folders = {label: split / folder_name(label) for label in labels}
    seen: dict[tuple[int, int], str] = {}
    for label, folder in sorted(folders.items()):
        folder.mkdir(parents=True, exist_ok=True)
        status = folder.stat()
        other = seen.setdefault((status.st_dev, status.st_ino), label)
        if other != label:
            raise InputError(
                f"the classes {other!r} and {label!r} have the same folder on this file system; rename one of them"
            )
    return folders


def make_missing_folders(out: Path, labels: Iterable[str]) -> None:
    """Make the missing class folders of each split, so that readers number the classes identically in all splits."""
    distinct = dict.fromkeys(labels)
    for split in SPLITS:
        if (out / split).is_dir():
            make_class_folders(out / split, distinct)


def cut_name(name: str, suffix: str, limit: int = NAME_BYTES) -> str:
    """Return `name + suffix`, with `name` cut and ended by a hash where both together are longer than `limit` bytes."""
    if len((name + suffix).encode()) <= limit:
        return name + suffix
    digest = hashlib.blake2b(name.encode(), digest_size=12).hexdigest()
    room = limit - len(_CUT) - len(digest) - len(suffix.encode())
    head = name.encode()[:room].decode(errors="ignore")  # a character cut in two is dropped
    return re.sub(r"%[0-9A-Fa-f]?$", "", head) + _CUT + digest + suffix


def _encoded(label: str, limit: int) -> str:
    if not label:
        return _CUT
    first, last = 0, len(label) - 1
    device = _DEVICE.fullmatch(label.rstrip(" ."))
    escapes = {match.start() for match in _ESCAPE.finditer(label)}
    out = []
    for index, character in enumerate(label):
        unsafe = (
            character in _FORBIDDEN
            or unicodedata.category(character) in ("Cc", "Cs")
            or (index == first and (character == "." or label.startswith("__") or device is not None))
            or (index == last and character in " .")
            or index in escapes
        )
        out.append(_percent(character) if unsafe else character)
    # Last, because the digits of an escape separate words too.
    text = _SPLIT_WORD.sub(lambda word: word[0][:-1] + _percent(word[0][-1]), "".join(out))
    return cut_name(text, "", limit)


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode(errors="surrogatepass"))
