"""What users can set when a model is trained."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vaeaug.dataset.reading_options import HoldOut
from vaeaug.errors import InputError
from vaeaug.options import option
from vaeaug.training.config import TrainingConfig
from vaeaug.workflows.settings import AUTO, LabelSettings, ReadSettings

SCOPES = ("per-class", "shared")


@dataclass(frozen=True, kw_only=True)
class TrainSettings(LabelSettings, ReadSettings, TrainingConfig):
    """Settings of a training: the model, the data, and the training loop (`TrainingConfig`)."""

    variant: str | None = option(None, "Autoencoder variant (see: vaeaug plugins).")
    variant_options: Mapping[str, Any] = field(default_factory=dict)
    loss: str = option(AUTO, "Reconstruction loss; auto chooses one that suits the data (see: vaeaug plugins).")
    loss_options: Mapping[str, Any] = field(default_factory=dict)
    scope: str | None = option(
        None,
        "Train one model per class, or one shared model conditioned on the class. By default the variant decides.",
        choices=SCOPES,
    )
    image_size: str | None = option(
        None, "Image size the model works at, N or HxW. By default chosen from the data, at most 64."
    )
    background: str = option(
        "white", "Colour that transparent pixels are composited over: a name, '#rrggbb' or 'red,green,blue'."
    )
    train_augment: str | None = option(
        None,
        "Albumentations pipeline (YAML or JSON, written by albumentations.save) to apply during training. With "
        "--consistency it makes the augmented copies, and the images themselves stay as they are.",
    )
    skip_invalid: bool = option(False, "Skip unreadable images instead of stopping.")
    train_on_synthetic: bool = option(
        False,
        "Also train on synthetic images in DATA that an earlier vaeaug run wrote. They do not count as real images "
        "and are never used for validation or for the filter.",
    )
    holdout: float | None = option(
        None,
        "Fraction of each class's training images to hold out before any model is trained. Identical images stay in "
        "the same split.",
        minimum=0.001,
        maximum=0.9,
    )
    holdout_as: str = option(
        "val",
        "Split that the held-out images are written to. val also decides when training stops, like a val split in "
        "DATA; test images are not used for training.",
        choices=("val", "test"),
    )
    group_by: str | None = option(
        None,
        "Keep groups of images in the same split. Either a column of DATA's table, or a regular expression that is "
        "searched for in each file name; its first group, or the whole match if it has no group, is the name of the "
        "group.",
    )
    allow_leaks: bool = option(False, "Continue even if validation or test images are also training images.")
    seed: int = option(0, "Random seed.", minimum=0)

    def held_out(self) -> HoldOut | None:
        """Return which images to hold out, or None.

        Raises:
            InputError: if `holdout_as` is set without `holdout`.
        """
        if self.holdout is not None:
            return HoldOut(self.holdout, self.holdout_as, self.group_by, self.seed)
        if self.holdout_as != "val":
            raise InputError("--holdout-as requires --holdout, for example --holdout 0.2")
        return None

    def training(self) -> TrainingConfig:
        """Return the settings of the training loop."""
        return TrainingConfig(**{f.name: getattr(self, f.name) for f in dataclasses.fields(TrainingConfig)})

    def _files(self) -> list[str]:
        named = [self.train_augment, self.labels, *self.variant_options.values(), *self.loss_options.values()]
        return [name for name in named if isinstance(name, str)]

    def ignored_by_a_model(self) -> list[str]:
        """Return the flags of settings that differ from their defaults and have no effect on a trained model."""
        names = {f.name for f in dataclasses.fields(TrainSettings)} - {f.name for f in dataclasses.fields(ReadSettings)}
        names -= {
            "variant",
            "loss",
            "seed",
            "skip_invalid",
            "allow_leaks",
            *(f.name for f in dataclasses.fields(LabelSettings)),
        }
        names -= {"train_on_synthetic", "holdout", "holdout_as", "group_by"}
        default = TrainSettings()
        changed = sorted(name for name in names if getattr(self, name) != getattr(default, name))
        flags = {"variant_options": "--set", "loss_options": "--set-loss"}
        return [flags.get(name, f"--{name.replace('_', '-')}") for name in changed]


@dataclass(frozen=True, kw_only=True)
class TrainModelSettings(TrainSettings):
    """Settings of a training whose model is kept."""

    inpainting: bool = option(False, "Also train the inpainting encoder (otherwise trained on first use).")
