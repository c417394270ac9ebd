"""Image file directories (IFDs): the structure of TIFF files and of EXIF data.

Sources: TIFF 6.0, section 2; the BigTIFF design (AWare Systems); Exif 2.32, section 4.6.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_LETTERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_MAX_DIRECTORIES = 65_536

ORIENTATION = 274


class DamagedError(ValueError):
    """A directory is outside the data, or directories form a cycle."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One field of a directory.

    Attributes:
        raw: the entry itself, 12 bytes (20 in BigTIFF).
        offset: of its values in the data, in bytes.
    """

    raw: bytes
    kind: int
    count: int
    offset: int

    @property
    def length(self) -> int:
        """Of its values in bytes."""
        return self.count * _SIZES.get(self.kind, 1)


@dataclass(frozen=True, slots=True)
class Directory:
    """One directory; `link` and `next_link` are the positions of the offsets of this directory and the next one."""

    entries: dict[int, Entry]
    link: int
    next_link: int


class Structure:
    """The directories of TIFF or EXIF data, from the byte order mark on; raises DamagedError for other data."""

    def __init__(self, data: bytes | bytearray) -> None:
        self.data = data
        head = bytes(data[:4])
        if head[:2] not in (b"II", b"MM") or len(data) < 8:
            raise DamagedError("no byte order mark")
        self.order = "<" if head[:2] == b"II" else ">"
        version = struct.unpack(self.order + "H", head[2:4])[0]
        if version not in (42, 43):
            raise DamagedError(f"version {version}")
        self.big = version == 43
        self.first_link = 8 if self.big else 4

    def chain(self, link: int | None = None) -> list[Directory]:
        """Return a directory and those that follow it; `link` is the position of the first one's offset."""
        found: list[Directory] = []
        seen: set[int] = set()
        link_offset = self.first_link if link is None else link
        while offset := self._number(link_offset):
            if offset in seen or len(found) >= _MAX_DIRECTORIES:
                raise DamagedError("its directories form a cycle")
            seen.add(offset)
            found.append(self._directory(offset, link_offset))
            link_offset = found[-1].next_link
        return found

    def values(self, entry: Entry | None) -> tuple[int, ...]:
        """Return the integers of an entry, or none if it is missing; DamagedError if they are invalid."""
        if entry is None:
            return ()
        letter = _LETTERS.get(entry.kind)
        if letter is None or entry.offset + entry.length > len(self.data):
            raise DamagedError(f"a field of type {entry.kind} is outside the data")
        return struct.unpack_from(f"{self.order}{entry.count}{letter}", self.data, entry.offset)

    def content(self, entry: Entry) -> bytes:
        """Return the bytes of an entry's values."""
        return bytes(self.data[entry.offset : entry.offset + entry.length])

    def packed(self, letter: str, *numbers: int) -> bytes:
        """Return numbers in the byte order of the data; letters as of `struct`."""
        return struct.pack(f"{self.order}{len(numbers)}{letter}", *numbers)

    def offset(self, number: int) -> bytes:
        """Return an offset as the data stores it."""
        return self.packed("Q" if self.big else "I", number)

    def _number(self, position: int) -> int:
        number: int = self._unpack("Q" if self.big else "I", position)[0]
        return number

    def _directory(self, offset: int, link: int) -> Directory:
        count_letter, start, size, inline = ("Q", 8, 20, 8) if self.big else ("H", 2, 12, 4)
        count = self._unpack(count_letter, offset)[0]
        entries = {}
        end = offset + start + count * size
        if end > len(self.data):
            raise DamagedError("a directory is truncated")
        for entry_offset in range(offset + start, end, size):
            tag, kind = self._unpack("HH", entry_offset)
            amount = self._unpack("Q" if self.big else "I", entry_offset + 4)[0]
            values_offset = entry_offset + size - inline
            if amount * _SIZES.get(kind, 1) > inline:
                values_offset = self._number(values_offset)
            entries[tag] = Entry(bytes(self.data[entry_offset : entry_offset + size]), kind, amount, values_offset)
        return Directory(entries, link, end)

    def _unpack(self, letters: str, position: int) -> tuple[Any, ...]:
        try:
            return struct.unpack_from(self.order + letters, self.data, position)
        except (struct.error, OverflowError):
            raise DamagedError("a directory is outside the data") from None
