"""`scores.parquet` and `scores.csv`: one row per image, most anomalous first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from vaeaug.anomaly.columns import LABEL_SURPRISE, LIKELIEST_CLASS, MEASURED, SCORE, SYNTHETIC
from vaeaug.anomaly.label_scores import LabelScores


@dataclass(frozen=True, slots=True)
class ImageScores:
    """Scores of images, in the order of the data.

    Attributes:
        file_names: relative to DATA.
        labels: as the data names them; empty for none.
        synthetic: whether each image was generated or inpainted by a model.
        measured_NP: one column for each of `MEASURED`; NaN for null.
        measured_as_N: the class of the model that each was measured as.
    """

    file_names: Sequence[str]
    splits: Sequence[str]
    labels: Sequence[str]
    synthetic: Sequence[bool]
    classes: Sequence[str]
    measured_NP: NDArray[np.float32]
    measured_as_N: NDArray[np.int64]
    label_scores: LabelScores

    def column(self, name: str) -> NDArray[np.float32]:
        """Return a numeric column by its name in the table."""
        if name == LABEL_SURPRISE.name:
            return self.label_scores.label_surprise_N
        column: NDArray[np.float32] = self.measured_NP[:, [column.name for column in MEASURED].index(name)]
        return column

    def likeliest(self, position: int) -> str:
        """Return the most likely class of an image, or an empty string if it cannot be determined."""
        label = int(self.label_scores.likeliest_N[position])
        return self.classes[label] if label >= 0 else ""

    def ranked(self, name: str) -> NDArray[np.int64]:
        """Return the positions of the images, highest score first; ties by file name, images without a score last."""
        return np.argsort(-self.column(name), kind="stable")


def score_table(images: ImageScores, by: str) -> pa.Table:
    """Return the table, with the meaning of each column as metadata; `by` names the column that is the score."""
    order = images.ranked(by)
    numbers = {SCORE.name: by, **{column.name: column.name for column in (*MEASURED, LABEL_SURPRISE)}}
    text = {"file_name": images.file_names, "split": images.splits, "label": images.labels}
    columns: dict[str, pa.Array] = {
        name: pa.array([values[position] or None for position in order], pa.string()) for name, values in text.items()
    }
    columns[SYNTHETIC.name] = pa.array([images.synthetic[position] for position in order], pa.bool_())
    for name, source in numbers.items():
        columns[name] = pa.array(images.column(source)[order], pa.float32(), from_pandas=True)  # NaN is null
    columns[LIKELIEST_CLASS.name] = pa.array([images.likeliest(position) or None for position in order], pa.string())
    meanings = {
        column.name: column.meaning for column in (SYNTHETIC, SCORE, *MEASURED, LABEL_SURPRISE, LIKELIEST_CLASS)
    }
    fields = [
        pa.field(name, column.type, metadata={"description": meanings[name]} if name in meanings else None)
        for name, column in columns.items()
    ]
    return pa.table(list(columns.values()), schema=pa.schema(fields))


def write_tables(directory: Path, table: pa.Table) -> None:
    """Write `scores.parquet` and `scores.csv`, in which nulls are empty."""
    pa.parquet.write_table(table, directory / "scores.parquet", compression="zstd")
    pa.csv.write_csv(table, directory / "scores.csv", pa.csv.WriteOptions(quoting_style="needed"))
