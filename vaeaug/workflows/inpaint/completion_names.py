"""The names of completed images: those of their sources, numbered if there are several completions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Protocol

from vaeaug.export.layout import collision_key


class _Suffixed(Protocol):
    @property
    def suffixes(self) -> tuple[str, ...]: ...


def base_names(file_names: Sequence[str], samples: int, formats: Mapping[str, _Suffixed]) -> dict[str, str]:
    """Return file name -> the beginning of the names of its completions: the file's name without its suffix.

    If two files would be written under one name, the one that would lose its own name keeps it whole: `a.jpg` beside
    `a.png` becomes `a.jpg.png`. `formats` has the suffixes of the completed files.
    """
    short = {name: str(PurePosixPath(name).with_suffix("")) for name in file_names}
    written = {
        name: {collision_key(each) for each in _output_names(name, short[name], formats[name].suffixes, samples)}
        for name in file_names
    }
    counts = Counter(key for keys in written.values() for key in keys)
    return {
        name: name
        if name not in _output_names(name, base, formats[name].suffixes, samples) and _collides(written[name], counts)
        else base
        for name, base in short.items()
    }


def completion_names(file_name: str, base: str, suffixes: tuple[str, ...], samples: int) -> tuple[str, ...]:
    """Return the names of the completions of an image, one per sample; a suitable suffix is kept."""
    original_suffix = PurePosixPath(file_name).suffix
    suffix = original_suffix if original_suffix.lower() in suffixes else suffixes[0]
    return tuple(f"{base}{f'-{sample}' if samples > 1 else ''}{suffix}" for sample in range(samples))


def uncertainty_names(base: str, pages: tuple[int, ...]) -> tuple[str, ...]:
    """Return the names of the uncertainty images of an image, one per page that has holes."""
    return tuple(f"{base}-uncertainty{f'-page-{page + 1}' if page else ''}.png" for page in pages)


def _output_names(file_name: str, base: str, suffixes: tuple[str, ...], samples: int) -> tuple[str, ...]:
    uncertainty = uncertainty_names(base, (0,)) if samples > 1 else ()
    return completion_names(file_name, base, suffixes, samples) + uncertainty


def _collides(keys: set[str], counts: Counter[str]) -> bool:
    return any(counts[key] > 1 for key in keys)
