"""Scoring arrays of images, for `Model.score`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaeaug.anomaly.columns import LIKELIEST_CLASS, SCORE_COLUMNS
from vaeaug.anomaly.label_scores import EVIDENCE, choose_label_method, score_labels
from vaeaug.anomaly.score_images import UNKNOWN, score_images
from vaeaug.anomaly.table import ImageScores
from vaeaug.errors import InputError
from vaeaug.models.store import StoredModel
from vaeaug.workflows.device import one_thread
from vaeaug.workflows.score.score_settings import ScoreSettings
from vaeaug.workflows.settings import build


@one_thread()
def score_arrays(
    stored: StoredModel, images: NDArray[np.uint8], labels: Sequence[str | None] | None, **settings: Any
) -> dict[str, NDArray[Any]]:
    """Score N images of the model's size; see `Model.score`.

    Raises:
        InputError: if shapes or types do not fit, if there is no such class, or if an option is out of range.
    """
    chosen: ScoreSettings = build(ScoreSettings, settings, "Model.score")
    stored.require_consent()
    record = stored.record
    if images.dtype != np.uint8 or images.shape[1:] != (record.height, record.width, record.channels):
        expected = f"uint8 of shape (N, {record.height}, {record.width}, {record.channels})"
        raise InputError(f"images must be {expected}, not {images.dtype} {images.shape}")
    names = [None] * len(images) if labels is None else list(labels)
    if len(names) != len(images):
        raise InputError(f"there are {len(images)} images and {len(names)} labels; give one label or None per image")
    labels_N = np.array([UNKNOWN if name is None else record.label(name) for name in names], dtype=np.int64)
    method = choose_label_method(chosen.judge, stored, labels_N)
    scores = score_images(stored, images, labels_N, seed=chosen.seed, draws=chosen.draws, evidence=method == EVIDENCE)
    image_scores = ImageScores(
        file_names=[""] * len(images),
        splits=[""] * len(images),
        labels=[name or "" for name in names],
        synthetic=[False] * len(images),
        classes=stored.classes,
        measured_NP=scores.measured_NP,
        measured_as_N=scores.measured_as_N,
        label_scores=score_labels(lambda: [scores], labels_N, stored, method),
    )
    return {
        **{name: image_scores.column(name) for name in SCORE_COLUMNS},
        LIKELIEST_CLASS.name: np.array(
            [image_scores.likeliest(position) for position in range(len(images))], dtype=np.str_
        ),
        "error": scores.error_NHW,
    }
