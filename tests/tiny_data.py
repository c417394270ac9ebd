"""Tiny datasets on disk, models trained on them in a second, and what is compared before and after."""

from __future__ import annotations

import csv
import functools
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vaeaug
from vaeaug import plugins
from vaeaug.cli import main

QUICK: dict[str, Any] = {
    "steps": 12,
    "batch_size": 8,
    "workers": 1,
    "variant_options": {"width": 16, "latent_dim": 4},
}
"""Settings of a training that takes a moment."""

UNFILTERED: dict[str, Any] = {**QUICK, "filter": False}
"""The same for `augment`: what a moment of training draws, a filter would drop."""


def image(label: str, number: int, height: int = 8, width: int = 8, channels: int = 1) -> Image.Image:
    """An image that looks like its class: a bright bar whose place is the class's, with some noise."""
    rng = np.random.default_rng([number, *label.encode()])
    pixels_HWC = rng.integers(0, 60, (height, width, channels))
    row = sum(label.encode()) % (height - 1)
    pixels_HWC[row : row + 2] += 150
    pixels_HWC = pixels_HWC.astype(np.uint8)
    return Image.fromarray(pixels_HWC[..., 0] if channels == 1 else pixels_HWC)


def write_dataset(root: Path, classes: Mapping[str, int], **shape: int) -> Path:
    """Write class folders: name -> number of PNG images; those of a val or test split are other images than train's."""
    for label, count in classes.items():
        folder = root / label
        first = 500 if {root.name, *label.split("/")} & {"val", "test"} else 0
        folder.mkdir(parents=True)
        for number in range(count):
            image(label.rsplit("/", 1)[-1], first + number, **shape).save(folder / f"{number:03}.png")
    return root


def files(directory: Path) -> dict[str, str]:
    """Hash of every file by its relative name (hidden ones too)."""
    return {
        path.relative_to(directory).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def state(directory: Path) -> dict[str, Any]:
    """All that a command could change in a directory: names, contents, modification times, modes, links."""
    return {
        path.relative_to(directory).as_posix(): (
            path.lstat().st_mtime_ns,
            path.lstat().st_mode,
            path.lstat().st_nlink,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None,
        )
        for path in [directory, *sorted(directory.rglob("*"))]
    }


def manifest(directory: Path) -> list[dict[str, str]]:
    """The rows of a manifest."""
    with (directory / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def run(*words: object) -> int:
    """Run the command line in this process and return its exit code."""
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    return int(end.value.code or 0)


def options(settings: Mapping[str, Any]) -> list[str]:
    """Settings as command-line options."""
    words: list[str] = []
    for name, value in settings.items():
        if name == "variant_options":
            words += [word for pair in value.items() for word in ("--set", "{}={}".format(*pair))]
        elif name == "filter" and value is False:
            words.append("--no-filter")
        elif value is not False:
            words += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
    return words


def two_classes(factory: pytest.TempPathFactory) -> Path:
    """Twelve images of `ant` and nine of `bee`, gray, 8x8. Do not change them."""
    return _two_classes(factory.getbasetemp())


def model(factory: pytest.TempPathFactory, scope: str = "per-class") -> Path:
    """A model of `two_classes`, trained once a session. Do not change it."""
    return _model(factory.getbasetemp(), scope)


def small_model(factory: pytest.TempPathFactory, variant: str, scope: str = "shared") -> Path:
    """A model of `two_classes` of any variant with its small options, trained once a session. Do not change it."""
    return _small_model(factory.getbasetemp(), variant, scope)


@functools.cache
def _two_classes(base: Path) -> Path:
    return write_dataset(base / "two-classes", {"ant": 12, "bee": 9})


@functools.cache
def _model(base: Path, scope: str) -> Path:
    vaeaug.train(_two_classes(base), base / f"model-{scope}", scope=scope, **QUICK)
    return base / f"model-{scope}"


@functools.cache
def _small_model(base: Path, variant: str, scope: str) -> Path:
    small = plugins.load().variant(variant).cls.small_options
    settings = {**QUICK, "steps": 4, "variant": variant, "variant_options": small, "scope": scope}
    vaeaug.train(_two_classes(base), base / f"model-{variant}-{scope}", **settings)
    return base / f"model-{variant}-{scope}"
