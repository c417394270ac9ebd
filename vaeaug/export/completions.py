"""The files at the root of a directory of completed images: the manifest, the card, an archive."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from vaeaug.disk import atomic, write_atomic
from vaeaug.export.card import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_HUB_SPLITS = {"train": "train", "val": "validation", "test": "test"}
_EPOCH = (1980, 1, 1, 0, 0, 0)  # a zip's earliest date: nothing written has times in it


@dataclass(frozen=True, slots=True)
class CompletedRow:
    """One image of the output; the fields are the columns of `manifest.csv`.

    Attributes:
        label: the class it was completed as; for an unchanged image, its folder's class.
        label_given: the origin of the label: `folder`, `--label`, or empty if it was inferred.
        synthetic: `partly` for a completion, `false` for an unchanged image; an image that was synthetic stays so.
        original: name of the image (or of the real image that a synthetic one shows) in its first dataset.
        mask: the origin of the holes: a mask's name, `alpha`, or a colour.
        missing: fraction of missing pixels, over the pages with holes.
        pages: pages with holes, from 1, if the file has several; otherwise empty.
        sample: number of the completion, from 0; empty for an unchanged image.
        evidence: log p(visible pixels | label) in nats, if the class was inferred, up to a constant shared by all
            classes.
        margin: the difference to the evidence of the second best class.
        spread: mean standard deviation of several completions in the holes; values in [0, 1].
    """

    file_name: str
    split: str
    label: str
    label_given: str
    synthetic: str
    source: str
    original: str
    mask: str = ""
    missing: str = "0"
    pages: str = ""
    sample: str = ""
    seed: str = ""
    evidence: str = ""
    margin: str = ""
    spread: str = ""


@dataclass(frozen=True, slots=True)
class CompletionsCard:
    """What the card of completed images says."""

    name: str
    rows: Sequence[CompletedRow]
    has_class_folders: bool
    settings: Mapping[str, object]
    warnings: Sequence[str] = ()


def write_completions_card(path: Path, data: CompletionsCard) -> None:
    """Write the card; the same data give the same bytes."""
    completed = [row for row in data.rows if row.sample]
    images = len({row.source for row in completed})
    passed = len(data.rows) - len(completed)
    several = len(completed) > images
    settings = "".join(f"| {plain(name)} | {plain(value)} |\n" for name, value in data.settings.items())
    warnings = "".join(f"\n> - {plain(warning)}" for warning in data.warnings)
    where = "`uncertainty.zip`, outside the class folders," if data.has_class_folders else "`uncertainty/`"
    text = f"""{_header(data)}
# {plain(data.name)}

{images:,} {"image" if images == 1 else "images"} with holes, completed by vaeaug\
{f", {len(completed) // max(images, 1)} completions per image" if several else ""}\
{f"; {passed:,} images without holes copied byte for byte" if passed else ""}.

> **The content of the holes is made up.** A trained model filled the holes with content that is likely given
> the visible pixels. Visible pixels are bit-identical to the source files. `manifest.csv` states for every file where
> it comes from and how much of it was missing, and each completed file is marked (IPTC digital source type
> `compositeWithTrainedAlgorithmicMedia`). A completed file keeps the metadata, pages and frames of its source. Do not
> measure anything inside the holes.{warnings}
"""
    if several:
        text += f"""
## Uncertainty

{where} contains one 8-bit gray image per source: the standard deviation of each pixel over the completions. Pixel
values are scaled to [0, 1], so the largest possible standard deviation is 0.5, which is stored as 255; 0 means that all
completions agree. For colour images it is the root of the mean variance of the channels.
"""
    text += f"""
## Settings

| Setting | Value |
| --- | --- |
{settings}
`vaeaug.json` contains the same in machine-readable form. `report.html` shows the first images.
"""
    write_atomic(path, text.encode(errors="backslashreplace"))


def write_archive(path: Path, folder: Path) -> None:
    """Write all PNG files below a folder to a zip, stored as they are; the same files give the same bytes."""
    with atomic(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(folder.rglob("*.png")):
            entry = zipfile.ZipInfo(file.relative_to(folder).as_posix(), _EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, file.read_bytes())


def _header(data: CompletionsCard) -> str:
    files = ""
    for split in dict.fromkeys(row.split for row in data.rows):
        names = [PurePosixPath(row.file_name) for row in data.rows if row.split == split]
        if len({path.parts[0] for path in names}) == 1 and len(names[0].parts) > 1:
            patterns = [f"{names[0].parts[0]}/**"]
        else:  # class folders, or images, at the root
            patterns = [f"{path.parts[0]}/**" if len(path.parts) > 1 else f"*{path.suffix}" for path in names]
        listed = ", ".join(json.dumps(pattern, ensure_ascii=False) for pattern in dict.fromkeys(patterns))
        files += f"  - split: {_HUB_SPLITS[split]}\n    path: [{listed}]\n"
    return f"""---
pretty_name: {json.dumps(data.name)}
license: other
tags:
- synthetic
- inpainting
- variational-autoencoder
- vaeaug
configs:
- config_name: default
  data_files:
{files}---
"""
