"""A TIFF file that is changed: bytes are overwritten or appended, and nothing else moves."""

from __future__ import annotations

from vaeaug.inpainting.files.directory import Directory, Structure

BYTE, SHORT, LONG, LONG8 = 1, 3, 4, 16


class TiffOutput:
    """The bytes of a TIFF file with changed pages; pages are changed in the order of the source's directories."""

    def __init__(self, structure: Structure) -> None:
        self._structure = structure
        self._data = bytearray(structure.data)
        self._source_length = len(self._data)
        self._moved: dict[int, int] = {}  # where links to following directories were -> where they are now

    def __len__(self) -> int:
        """Return the length in bytes."""
        return len(self._data)

    def content(self) -> bytes:
        """Return the file."""
        return bytes(self._data)

    def erase(self, start: int, length: int) -> None:
        """Overwrite bytes of the source with zeros, as far as it has them."""
        end = min(start + length, self._source_length)
        self._data[start:end] = bytes(max(end - start, 0))

    def replace(self, start: int, content: bytes) -> None:
        """Overwrite bytes of the source."""
        self._data[start : start + len(content)] = content

    def append(self, content: bytes) -> int:
        """Append bytes at an even offset, as the format wants it, and return that offset."""
        self._data += bytes(len(self._data) % 2)
        offset = len(self._data)
        self._data += content
        return offset

    def numbers(self, tag: int, numbers: list[int]) -> bytes:
        """Return a field of whole numbers; its values are appended if they do not fit in it."""
        max_value = max(numbers)
        kind, letter = (LONG8, "Q") if max_value >= 2**32 else (SHORT, "H") if max_value < 2**16 else (LONG, "I")
        return self.field(tag, kind, self._structure.packed(letter, *numbers), len(numbers))

    def field(self, tag: int, kind: int, content: bytes, count: int) -> bytes:
        """Return a field with some values."""
        structure = self._structure
        inline = len(structure.offset(0))
        value = content.ljust(inline, b"\0") if len(content) <= inline else structure.offset(self.append(content))
        return structure.packed("H", tag, kind) + structure.offset(count) + value

    def append_directory(self, old: Directory, fields: dict[int, bytes]) -> None:
        """Append a directory, and let what pointed to the old one point to it."""
        structure = self._structure
        following = bytes(self._data[old.next_link : old.next_link + len(structure.offset(0))])
        count = structure.packed("Q" if structure.big else "H", len(fields))
        entries = count + b"".join(raw for _, raw in sorted(fields.items()))
        offset = self.append(entries + following)
        self._moved[old.next_link] = offset + len(entries)
        self.replace(self._moved.get(old.link, old.link), structure.offset(offset))
