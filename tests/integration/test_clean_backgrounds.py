"""Whole runs on silhouettes: what `augment` makes of them by default is as clean as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_data
from PIL import Image

import vaeaug


def write_silhouettes(root: Path, size: int = 24) -> Path:
    """Write two classes of white shapes on black: disks, and squares."""
    rng = np.random.default_rng(0)
    y_HW, x_HW = np.mgrid[:size, :size]
    for label in ("disk", "square"):
        (root / label).mkdir(parents=True)
        for number in range(12):
            row, column, radius = size / 2 + rng.uniform(-2, 2), size / 2 + rng.uniform(-2, 2), rng.uniform(4, 7)
            distance_HW = np.stack([np.abs(y_HW - row), np.abs(x_HW - column)])
            distance_HW = np.hypot(*distance_HW) if label == "disk" else distance_HW.max(axis=0)
            pixels_HW = np.round(255 * np.clip(radius - distance_HW + 0.5, 0, 1)).astype(np.uint8)
            Image.fromarray(pixels_HW).save(root / label / f"{number:02}.png")
    return root


def pixels(folder: Path, pattern: str) -> np.ndarray:
    return np.stack([np.asarray(Image.open(path).convert("L")) for path in sorted(folder.glob(pattern))])


@pytest.mark.parametrize("options", [{}, {"strength": 2.0}, {"strength": 2.0, "clean": False}])
def test_backgrounds_stay_black_and_silhouettes_two_levelled(tmp_path: Path, options: dict[str, Any]) -> None:
    data = write_silhouettes(tmp_path / "data")
    settings = {**tiny_data.UNFILTERED, "per_class": 30, "sampler": "residual", "sampler_options": options}
    out = vaeaug.augment(data, tmp_path / "out", **settings).out
    gray, background = [], []
    for label in ("disk", "square"):
        real_NHW = pixels(data / label, "*.png")
        made_NHW = pixels(out / "train" / label, "synthetic-*")
        assert len(made_NHW) == 30
        background.append(made_NHW[:, (real_NHW == 0).all(axis=0)].max())
        gray += [np.mean((part > 40) & (part < 215)) for part in (real_NHW, made_NHW)]
    if options.get("clean", True):
        assert background == [0, 0]
        assert gray[1] <= gray[0] + 0.02
        assert gray[3] <= gray[2] + 0.02
    else:  # the very thing that is prevented
        assert max(background) > 0
        assert gray[1] > gray[0] + 0.02
