"""Code that loads an output with common training libraries; it runs without changes.

Libraries that would skip images of the output, number classes differently per split, or fail, are left out. The
suffixes that each reader lists are those of torchvision 0.29, datasets 5.2, Keras 3.15, timm 1.0, Ultralytics 8.4 and
fastai 2.8.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

_COMMON = frozenset((".png", ".jpg", ".jpeg"))
_TORCHVISION = _COMMON | {".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"}
_KERAS = _COMMON | {".bmp", ".gif"}
_FASTAI = _COMMON | {".bmp", ".gif", ".tif", ".tiff"}


@dataclass(frozen=True, slots=True)
class OutputInfo:
    """Properties that decide how an output can be loaded; `gaps`: whether a split lacks images of a class."""

    name: str
    splits: tuple[str, ...]
    suffixes: Collection[str]
    real: bool
    gaps: bool

    @property
    def held_out(self) -> str | None:
        """The split to validate on, if there is one."""
        return next((split for split in ("val", "test") if split in self.splits), None)

    def path(self, *parts: str) -> str:
        """Return a path below the directory as a Python literal."""
        return literal("/".join((self.name, *parts)))

    def readable_by(self, suffixes: Collection[str]) -> bool:
        """Return whether a reader of these suffixes finds every image."""
        return set(self.suffixes) <= set(suffixes)


def literal(text: str) -> str:
    """Return text as a Python literal in double quotes."""
    return json.dumps(text, ensure_ascii=False)


def loading_code(output: OutputInfo) -> str:
    """Return a Markdown block of Python code for each library that reads all of an output."""
    parts = [part for make in _PARTS if (part := make(output))]
    return "```python\n" + "\n".join(parts) + "```\n"


def _torchvision(output: OutputInfo) -> str:
    if not output.readable_by(_TORCHVISION):
        return ""
    empty = ", allow_empty=True" if output.gaps else ""
    lines = [f"{split} = ImageFolder({output.path(split)}{empty})\n" for split in output.splits]
    return "# torchvision\nfrom torchvision.datasets import ImageFolder\n" + "".join(lines)


def _hugging_face(output: OutputInfo) -> str:
    if re.search(r"[*?\[\]{}]", output.name):  # it takes the name for a pattern
        return ""
    # By the directory's name alone `datasets` would give back what it read from another directory of that name.
    return f"""# Hugging Face datasets
from datasets import load_dataset
data = load_dataset("imagefolder", data_dir={output.path()})
"""


def _keras(output: OutputInfo) -> str:
    if not output.readable_by(_KERAS):
        return ""
    lines = [
        f'{split} = keras.utils.image_dataset_from_directory({output.path(split)}, format="grain")\n'
        for split in output.splits
    ]
    return '# Keras 3 and grain (with TensorFlow: format="tf")\nimport keras\n' + "".join(lines)


def _timm(output: OutputInfo) -> str:
    if output.gaps or not output.readable_by(_COMMON):  # it passes over empty folders and numbers the others
        return ""
    lines = [f'{split} = create_dataset("folder", {output.path(split)})\n' for split in output.splits]
    return "# timm\nfrom timm.data import create_dataset\n" + "".join(lines)


def _fastai(output: OutputInfo) -> str:
    if output.held_out is None or output.gaps or not output.readable_by(_FASTAI):
        return ""
    return f"""# fastai
from fastai.vision.all import ImageDataLoaders, Resize
loaders = ImageDataLoaders.from_folder(
    {output.path()}, train="train", valid="{output.held_out}", item_tfms=Resize(64)
)
"""


def _ultralytics(output: OutputInfo) -> str:
    if output.held_out is None or not output.readable_by(_TORCHVISION):
        return ""
    return f"""# Ultralytics ("yolo11n-cls.pt" starts from pretrained weights)
from ultralytics import YOLO
YOLO("yolo11n-cls.yaml").train(data={output.path()}, epochs=100, imgsz=64)
"""


def _real_only(output: OutputInfo) -> str:
    if not output.real:
        return ""
    return f"""# Only the real training images
import pandas
rows = pandas.read_csv({output.path("manifest.csv")}, dtype=str, keep_default_na=False)
real = rows[(rows["split"] == "train") & (rows["synthetic"] == "false")]
"""


_PARTS: tuple[Callable[[OutputInfo], str], ...] = (
    _torchvision,
    _hugging_face,
    _keras,
    _timm,
    _fastai,
    _ultralytics,
    _real_only,
)
