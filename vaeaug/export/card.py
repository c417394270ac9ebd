"""The dataset card (`README.md`): what is in the directory, how it was made, and how to load it."""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vaeaug.disk import write_atomic
from vaeaug.export.layout import folder_name
from vaeaug.export.loading import OutputInfo, loading_code
from vaeaug.export.synthesis_method import Generated, SynthesisMethod

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

_SIZES = (10**3, 10**4, 10**5, 10**6, 10**7, 10**8, 10**9, 10**10, 10**11, 10**12)
_SIZE_NAMES = ("1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T")

HUB_SPLITS = {"train": "train", "val": "validation", "test": "test"}
"""What Hugging Face calls the splits."""


@dataclass(frozen=True, slots=True)
class ClassCount:
    """The numbers of images of a class; `synthetic` includes `carried`, those of earlier runs."""

    label: str
    real: int
    synthetic: int
    val: int = 0
    test: int = 0
    carried: int = 0


def counts_entry(count: ClassCount) -> dict[str, Any]:
    """Return the counts of a class as JSON values; `carried` is there only if it is not 0."""
    values = dataclasses.asdict(count)
    return values if count.carried else {name: value for name, value in values.items() if name != "carried"}


@dataclass(frozen=True, slots=True)
class CardData:
    """The contents of the dataset card.

    Attributes:
        held_out: a sentence about held-out images, or empty.
        trained: whether the images are made with what a model has learned.
    """

    name: str
    counts: Sequence[ClassCount]
    settings: Mapping[str, object]
    warnings: Sequence[str] = field(default_factory=tuple)
    method: SynthesisMethod = field(default_factory=Generated)
    rewritten: int = 0
    suffixes: Collection[str] = (".png",)
    sources: bool = False
    held_out: str = ""
    trained: bool = True


def write_card(path: Path, data: CardData) -> None:
    """Write the card; the same data give the same bytes."""
    sections = (_header(data), _summary(data), _counts(data), _how(data), _loading(data))
    write_atomic(path, "\n".join(sections).encode(errors="backslashreplace"))


def plain(text: object) -> str:
    """Return text escaped for Markdown, also inside a table."""
    one_line = re.sub(r"\s+", " ", str(text))
    return re.sub(r"([\\`*|<>\[\]])", r"\\\1", one_line).replace("&", "&amp;")


def _header(data: CardData) -> str:
    """Return the YAML that Hugging Face reads: the splits by folder; a class called `test` is not mistaken for one."""
    splits = [split for split in HUB_SPLITS if _in_split(data.counts, split)]
    tags = "- variational-autoencoder\n" if data.trained else ""
    files = "".join(f"  - split: {HUB_SPLITS[split]}\n    path: {split}/**\n" for split in splits)
    return f"""---
pretty_name: {json.dumps(data.name)}
license: other
task_categories:
- image-classification
tags:
- synthetic
- data-augmentation
{tags}- vaeaug
size_categories:
- {_size(sum(_in_split(data.counts, split) for split in HUB_SPLITS))}
configs:
- config_name: default
  data_files:
{files}---
"""


def _summary(data: CardData) -> str:
    real, synthetic = (sum(getattr(count, kind) for count in data.counts) for kind in ("real", "synthetic"))
    warnings = "".join(f"\n> - {plain(warning)}" for warning in data.warnings)
    kinds = f"{real:,} real and {synthetic:,} synthetic" if real else f"{synthetic:,} synthetic"
    copies = " applies to their copies here. It also" if real else ""
    return f"""# {plain(data.name)}

{kinds} training images in {len(data.counts):,} \
{"class" if len(data.counts) == 1 else "classes"}, made by vaeaug.

{data.method.text}
> Use them for training only; never validate, test, or measure anything with them.
> They do not replace classical augmentation: train with both, and measure the gain with `vaeaug evaluate`.
> `manifest.csv` states for every file whether it is synthetic, and each synthetic file is marked as such
> (IPTC digital source type `{data.method.source_type.rpartition("/")[2]}`).{warnings}

The licence of the real images{copies} {data.method.licence}.
{_sources(data)}{_copies(data)}"""


def _sources(data: CardData) -> str:
    carried = sum(count.carried for count in data.counts)
    note = ""
    if carried:
        note = (
            f"\n{carried:,} of the synthetic images are from an earlier run of vaeaug; their rows in `manifest.csv`\n"
            "keep the sampler, index, seed and source of that run.\n"
        )
    if not data.sources:
        return note
    meaning = (
        "is the path, relative to this directory, of the real image that a synthetic image was made from"
        if any(count.real for count in data.counts)
        else "is the name, in the original data, of the real image that a synthetic image was made from (not included)"
    )
    return (
        f"\nIn `manifest.csv`, the column `source` {meaning}.\nThe column `original` is the name of that image in the "
        f"data that it first came from. A synthetic image must stay in the split of its source.\n{note}"
    )


def _copies(data: CardData) -> str:
    if not data.rewritten:
        return ""
    number = "One copy of a real image was" if data.rewritten == 1 else f"{data.rewritten:,} copies of real images were"
    return (
        f"\n{number} rewritten so that every reader decodes real and synthetic images alike. The column\n"
        "`normalized` of `manifest.csv` gives the reason. Rewritten copies have one page, and no EXIF or colour\n"
        "profile.\n"
    )


def _counts(data: CardData) -> str:
    held_out = [split for split in ("val", "test") if _in_split(data.counts, split)]
    head = ["Class", "Real", "Synthetic", *held_out]
    rows = [
        [plain(count.label), *(f"{getattr(count, kind):,}" for kind in ("real", "synthetic", *held_out))]
        for count in data.counts
    ]
    listed = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    splits = " and ".join(f"`{split}`" for split in held_out)
    from_data = f"The images in {splits} come from the original data; no model was trained on them."
    passed = f"\n{data.held_out or from_data}\n"
    return "## Images\n\n" + table(listed) + (passed if held_out else "")


def _how(data: CardData) -> str:
    rows = [["Setting", "Value"], ["---", "---"], *([plain(k), plain(v)] for k, v in data.settings.items())]
    curves = " and training curves" if data.trained else ""
    return f"""## Settings

{table(rows)}
`vaeaug.json` contains the same in machine-readable form. `report.html` shows images{curves}.
"""


def _loading(data: CardData) -> str:
    renamed = [count.label for count in data.counts if folder_name(count.label) != count.label]
    note = (
        "\nSome class names cannot be folder names, so their folders are percent-encoded. The `label` column of\n"
        "`manifest.csv` contains the original names.\n"
        if renamed
        else ""
    )
    code = loading_code(
        OutputInfo(
            name=data.name,
            splits=tuple(split for split in HUB_SPLITS if _in_split(data.counts, split)),
            suffixes=data.suffixes,
            real=any(count.real for count in data.counts),
            gaps=any(
                not _count_in_split(count, split)
                for count in data.counts
                for split in HUB_SPLITS
                if _in_split(data.counts, split)
            ),
        )
    )
    validation = next((split for split in ("val", "test") if _in_split(data.counts, split)), None)
    advice = (
        "To validate, hold out real images before training: `vaeaug augment --holdout 0.2`."
        if validation is None
        else f"Validate on real images only: `{validation}` contains only real images."
    )
    return f"""## Loading
{note}
Run this code in the directory that contains this one.

{code}
{advice}
"""


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of cells as a Markdown table; the second row is its rule."""
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _in_split(counts: Sequence[ClassCount], split: str) -> int:
    return sum(_count_in_split(count, split) for count in counts)


def _count_in_split(count: ClassCount, split: str) -> int:
    return count.real + count.synthetic if split == "train" else int(getattr(count, split))


def _size(total: int) -> str:
    if total < _SIZES[0]:
        return "n<1K"
    for lower, upper, limit in zip(_SIZE_NAMES, _SIZE_NAMES[1:], _SIZES[1:], strict=False):
        if total < limit:
            return f"{lower}<n<{upper}"
    return "n>1T"
