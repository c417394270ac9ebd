"""The albumentations package, checked by its behaviour, because AlbumentationsX (AGPL) has the same import name."""

from __future__ import annotations

import functools
import os
import random
from importlib import import_module, metadata
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaeaug.errors import InputError

WORKING = "2.0.8"
_REMEDY = f"pip uninstall -y albumentationsx albumentations && pip install albumentations=={WORKING}"
_QUIET = {"NO_ALBUMENTATIONS_UPDATE": "1", "ALBUMENTATIONS_NO_TELEMETRY": "1"}  # it would use the network


@functools.cache
def albumentations_module() -> ModuleType:
    """Import albumentations and test the functions that are used, once per process; InputError if one fails."""
    saved = {name: os.environ.get(name) for name in _QUIET}
    os.environ.update(_QUIET)
    try:
        module = import_module("albumentations")
        _check_behaviour(module)
    except ModuleNotFoundError as error:
        if error.name != "albumentations":
            raise _unusable_error(error) from error
        raise InputError(f"albumentations is not installed: pip install albumentations=={WORKING}") from error
    except Exception as error:
        raise _unusable_error(error) from error
    finally:
        for name, value in saved.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
    return module


def _check_behaviour(albumentations: ModuleType) -> None:
    if not isinstance(albumentations.BaseCompose, type) or not callable(albumentations.load):
        raise TypeError("BaseCompose is no class, or load cannot be called")
    transforms = [
        albumentations.PadIfNeeded(10, 10, border_mode=1),
        albumentations.RandomCrop(8, 8),
        albumentations.Affine(scale=(0.9, 1.1), rotate=(-10, 10), interpolation=1, border_mode=1, p=0.8),
        albumentations.HorizontalFlip(p=0.5),
        albumentations.RandomBrightnessContrast(0.2, 0.2, p=0.8),
    ]
    compose = albumentations.Compose(transforms)
    for channels in (1, 3):
        image_HWC = np.arange(64 * channels, dtype=np.uint8).reshape(8, 8, channels)
        first, second = (_transform(compose, image_HWC) for _ in range(2))
        if first.shape != image_HWC.shape or not np.array_equal(first, second):
            raise ValueError("the same random state gives other results")


def _transform(compose: Any, image_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    compose.set_random_state(np.random.default_rng(0), random.Random(0))  # noqa: S311 (no secret)
    return np.asarray(compose(image=image_HWC)["image"])


def _unusable_error(error: Exception) -> InputError:
    try:
        installed = f"AlbumentationsX {metadata.version('albumentationsx')} is installed in its place"
    except metadata.PackageNotFoundError:
        installed = "something else may be installed in its place"
    lines = str(error).strip().splitlines()
    cause = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return InputError(
        f"albumentations does not work like version {WORKING} ({cause}); {installed}; to repair it: {_REMEDY}"
    )
