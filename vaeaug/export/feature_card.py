"""The card (`README.md`) of a directory of features: what the columns are, how they were made, how to load them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vaeaug.disk import write_atomic
from vaeaug.export.card import HUB_SPLITS, plain, table
from vaeaug.export.loading import literal
from vaeaug.features.columns import Column


@dataclass(frozen=True, slots=True)
class FeatureCard:
    """The contents of the card of a feature export; `format` is `parquet`, `npz` or `npy-tree`."""

    name: str
    format: str
    images: Mapping[str, int]
    columns: Sequence[Column]
    settings: Mapping[str, object]
    warnings: Sequence[str]


def write_feature_card(path: Path, card: FeatureCard) -> None:
    """Write the card; the same data give the same bytes."""
    sections = (_header(card), _summary(card), _columns(card), _how(card), _loading(card))
    write_atomic(path, "\n".join(sections).encode(errors="backslashreplace"))


def _header(card: FeatureCard) -> str:
    """Return the YAML by which Hugging Face finds the splits."""
    head = f"---\npretty_name: {json.dumps(card.name)}\nlicense: other\ntags:\n- features\n- vaeaug\n"
    if card.format == "parquet":
        files = "".join(
            f"  - split: {HUB_SPLITS[split]}\n    path: features/{split}-*.parquet\n" for split in card.images
        )
        head += f"configs:\n- config_name: default\n  data_files:\n{files}"
    return head + "---\n"


def _summary(card: FeatureCard) -> str:
    counts = ", ".join(f"{count:,} {split}" for split, count in card.images.items())
    warnings = "".join(f"\n> - {plain(warning)}" for warning in card.warnings)
    return f"# {plain(card.name)}\n\nLatent features of images ({counts}), made by vaeaug.\n{warnings}\n"


def _columns(card: FeatureCard) -> str:
    rows = [["Column", "Values per image", "Type"], ["---", "---", "---"]]
    rows += [[f"`{column.name}`", " x ".join(map(str, column.shape)), column.dtype] for column in card.columns]
    width = "; `logvar` is the log-variance of its posterior" if any(c.name == "logvar" for c in card.columns) else ""
    return f"""## Columns

{table(rows)}
`mean` is the feature vector of an image{width}. `file_name`, `split` and `label` identify the image. `class` is the
class label that was given to the encoder. `synthetic` is true for images that a model generated or inpainted.
"""


def _how(card: FeatureCard) -> str:
    rows = [["Setting", "Value"], ["---", "---"], *([plain(k), plain(v)] for k, v in card.settings.items())]
    return f"## Settings\n\n{table(rows)}\n`vaeaug.json` contains the same in machine-readable form.\n"


_LOADING = {
    "parquet": """## Loading

```python
import pandas
rows = pandas.read_parquet("OUT/features")

import numpy
train = rows[rows["split"] == "train"]
x, y = numpy.stack(train["mean"]), train["label"]
```

Run this code in the directory that contains this one.
""",
    "npz": """## Loading

```python
import numpy
train = numpy.load("OUT/features/train.npz")
x, y = train["mean"], train["label"]
```

Run this code in the directory that contains this one. Images without a label have the label "".
""",
    "npy-tree": """## Loading

```python
import numpy, pandas
rows = pandas.read_csv("OUT/index.csv")
x = numpy.stack([numpy.load("OUT/features/mean/" + name + ".npy") for name in rows["file_name"]])
```

Run this code in the directory that contains this one. Each numeric column is a folder in `features`; a "/" in the name
of a column is a "-" in the name of its folder.
""",
}


def _loading(card: FeatureCard) -> str:
    return re.sub(r'"OUT(/[^"]*)"', lambda found: literal(card.name + found[1]), _LOADING[card.format])
