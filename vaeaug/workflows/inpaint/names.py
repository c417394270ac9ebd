"""What completed images are called: as their sources, numbered if there are several completions."""

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
    """Return by file name what the names of the completions begin with: the file's name without its suffix.

    Where two files of a folder differ in their suffix only, and the completions would not, it is the whole name:
    `a.jpg` beside `a.png` becomes `a.jpg.png`.

    Args:
        file_names: of all images, those without holes too.
        samples: completions per image.
        formats: the suffixes of the completed files, by file name.
    """
    stems = Counter(_key(name) for name in file_names)
    bases = {}
    for name in file_names:
        path = PurePosixPath(name)
        kept = path.suffix.lower() in formats[name].suffixes
        alone = stems[_key(name)] == 1
        bases[name] = str(path.with_suffix("")) if alone or (kept and samples == 1) else name
    return bases


def completion_names(file_name: str, base: str, suffixes: tuple[str, ...], samples: int) -> tuple[str, ...]:
    """Return what the completions of an image are called, one per sample; a suffix that fits is kept."""
    own = PurePosixPath(file_name).suffix
    suffix = own if own.lower() in suffixes else suffixes[0]
    return tuple(f"{base}{f'-{sample}' if samples > 1 else ''}{suffix}" for sample in range(samples))


def uncertainty_names(base: str, pages: tuple[int, ...]) -> tuple[str, ...]:
    """Return what the uncertainty images of an image are called, one per page that has holes."""
    return tuple(f"{base}-uncertainty{f'-page-{page + 1}' if page else ''}.png" for page in pages)


def _key(name: str) -> str:
    return collision_key(str(PurePosixPath(name).with_suffix("")))
