"""Tiny datasets for evaluations (the "synthetic" images are further real-looking ones), and quick settings of these."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tiny_data

QUICK: dict[str, Any] = {
    "steps": 4,
    "seeds": 2,
    "workers": 1,
    "flip": "no",
    "classical": "full",
    "arms": "real,synthetic",
}
"""Settings of an evaluation that takes a moment."""


def write_real(root: Path, *, train: int = 8, test: int = 5) -> Path:
    """Write two classes in split folders."""
    for split, first, count in (("train", 0, train), ("test", 100, test)):
        for label in ("ant", "bee"):
            write_images(root / split / label, label, first, count)
    return root


def write_images(folder: Path, label: str, first: int, count: int, **shape: int) -> Path:
    """Write images of a class, from a number on."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        tiny_data.image(label, number, **shape).save(folder / f"{number:03}.png")
    return folder


def write_synthetic(root: Path, counts: Mapping[str, int]) -> Path:
    """Write class folders of images that no other one is like."""
    for label, count in counts.items():
        write_images(root / label, label, 500, count)
    return root
