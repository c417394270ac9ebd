"""The card (`README.md`) of a directory of scores: what each column means, and how it was made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vaeaug.disk import write_atomic
from vaeaug.export.card import plain
from vaeaug.export.loading import literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class ScoreCard:
    """The contents of the card of a table of scores; `columns` is name -> meaning, in order."""

    name: str
    images: int
    columns: Mapping[str, str]
    maps: bool
    settings: Mapping[str, object]
    warnings: Sequence[str] = ()


_MAPS = """
`maps/<file_name>.png` shows where an image differs from its reconstruction, at the size of the image file. The
gray level is the absolute error, averaged over channels, on the scale of the image's pixels (0 to 255).
"""


def write_score_card(path: Path, card: ScoreCard) -> None:
    """Write the card; the same values give the same bytes."""
    columns = "".join(f"| `{name}` | {plain(meaning)} |\n" for name, meaning in card.columns.items())
    settings = "".join(f"| {plain(name)} | {plain(value)} |\n" for name, value in card.settings.items())
    warnings = "".join(f"> - {plain(warning)}\n" for warning in card.warnings)
    text = f"""# {plain(card.name)}

Anomaly scores of {card.images:,} images under a trained model, made by vaeaug. `scores.parquet` and `scores.csv`
contain one row per image, the most anomalous first. `gallery.html` shows the first ones.

{warnings}
A score ranks images; it is not a probability. To set a threshold, score images that are known to be normal, and use a
high percentile of their scores. Scores of different models or different losses cannot be compared.

## Columns

| Column | Meaning |
| --- | --- |
| `file_name` | the image, relative to the data |
| `split` | its split in the data |
| `label` | its class in the data; null if it has none |
{columns}{_MAPS if card.maps else ""}
## Settings

| Setting | Value |
| --- | --- |
{settings}
`vaeaug.json` contains the same in machine-readable form.

## Loading

```python
import pandas

scores = pandas.read_parquet({literal(card.name + "/scores.parquet")})
most_anomalous = scores.head(20)
wrong_labels = scores[scores["label_surprise"] > 0].sort_values("label_surprise", ascending=False)
```

Run this code in the directory that contains this one.
"""
    write_atomic(path, text.encode(errors="backslashreplace"))
