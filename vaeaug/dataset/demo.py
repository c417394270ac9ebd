"""The bundled sample dataset: 700 images of Fashion-MNIST (MIT licence, (c) 2017 Zalando SE)."""

from __future__ import annotations

import zipfile
from collections import Counter
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import IO

from vaeaug.errors import VaeaugError
from vaeaug.staging import staged


@dataclass(frozen=True, slots=True)
class DemoDataset:
    """The result of `write_demo`; `images` has the number of images per split."""

    directory: Path
    classes: tuple[str, ...]
    images: dict[str, int]


def write_demo(directory: Path) -> DemoDataset:
    """Write the sample dataset as PNG in `train/<class>/` and `test/<class>/`, with its licence; all or nothing."""
    with staged(Path(directory)) as content, (files("vaeaug") / "demo" / "fashion-mnist.zip").open("rb") as stream:
        names = _extract(stream, content)
    images = [PurePosixPath(name).parts for name in names if name.endswith(".png")]
    counts = Counter(parts[0] for parts in images)
    classes = tuple(sorted({parts[1] for parts in images}))
    return DemoDataset(directory, classes, dict(sorted(counts.items(), reverse=True)))


def _extract(stream: IO[bytes], folder: Path) -> list[str]:
    try:
        with zipfile.ZipFile(stream) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
            for name in names:
                path = PurePosixPath(name)
                if path.is_absolute() or ".." in path.parts or "\\" in name:
                    raise VaeaugError(f"the sample dataset contains an unsafe file name {name!r}; reinstall vaeaug")
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(archive.read(name))  # checks the CRC
    except zipfile.BadZipFile as error:
        raise VaeaugError(f"the sample dataset is damaged ({error}); reinstall vaeaug") from error
    return names
