"""What a user can set when a model is trained. The command line and the Python API are both made from this."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vaeaug.dataset.holdout_options import HoldOut
from vaeaug.dataset.label_options import NO_TABLE, LabelOptions
from vaeaug.dataset.rules import MAX_MEGAPIXELS, RGB
from vaeaug.errors import InputError, SettingError, nearest
from vaeaug.options import option, parse_settings
from vaeaug.training.config import TrainingConfig

SCOPES = ("per-class", "shared")
LINKS = ("copy", "hard")
COPIES = ("auto", "exact")
FORMATS = ("auto", "png", "jpeg", "webp")
AUTO = "auto"
_PATHS = ("train_augment", "labels")
_PLACES = ("coco", "data", "embedding_weights", "image", "labels", "masks", "model", "test", "train_augment")
"""Settings that name a file or a directory."""


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """Where and how work runs; nothing here changes a result."""

    device: str = option("auto", "Device to compute on: auto, cpu, cuda, cuda:1, ...")
    workers: int | None = option(None, "Number of worker processes; by default one per CPU core.", minimum=1)
    resume: bool = option(False, "Resume an interrupted run.")
    plugins_dirs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ReadSettings(RunSettings):
    """How a user's images are read, as far as it does not change what they become."""

    max_megapixels: float = option(
        MAX_MEGAPIXELS,
        "Refuse images larger than this many megapixels. Decoding takes up to 20 bytes of memory per pixel.",
        minimum=0.001,
        maximum=100_000,
    )


@dataclass(frozen=True, kw_only=True)
class UseSettings(ReadSettings):
    """How a trained model is used."""

    allow_imports: bool = option(False, "Allow the model's loss to import the code named in model.json.")


@dataclass(frozen=True, kw_only=True)
class LabelSettings:
    """Where the labels of a dataset are."""

    labels: str | None = option(
        None,
        "Table with the label of each image (CSV, TSV, JSONL or Parquet), or none to take labels from the folder "
        "names only. By default, a table in DATA that lists its images (such as metadata.csv or labels.csv) is used "
        "if there is one.",
    )
    file_column: str | None = option(
        None,
        "Column of the table that contains the image paths. Required only if it is not named file_name, path, "
        "image_id or similar.",
    )
    label_column: str | None = option(
        None,
        "Column of the table that contains the labels. Required only if it is not named label, class, category, "
        "target or similar.",
    )

    def label_options(self) -> LabelOptions:
        """Return what `scan` needs to know of a table."""
        return LabelOptions(self.labels, self.file_column, self.label_column)

    def label_request(self) -> dict[str, Any]:
        """Return which table decides the labels, as JSON values without paths of this machine."""
        given = {name: getattr(self, name) for name in LabelSettings.__dataclass_fields__}
        if self.labels is not None:
            given["labels"] = Path(self.labels).name
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class TrainSettings(LabelSettings, ReadSettings, TrainingConfig):
    """Everything about a training: the model, the data, and the knobs of the loop (`TrainingConfig`)."""

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
        None, "Albumentations pipeline (YAML or JSON, written by albumentations.save) to apply during training."
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
        """Return what to hold out, if anything.

        Raises:
            InputError: if `holdout_as` is set without `holdout`.
        """
        if self.holdout is not None:
            return HoldOut(self.holdout, self.holdout_as, self.group_by, self.seed)
        if self.holdout_as != "val":
            raise InputError("--holdout-as says which split --holdout writes; give --holdout, for example 0.2")
        return None

    def training(self) -> TrainingConfig:
        """Return the knobs of the loop alone."""
        return TrainingConfig(**{f.name: getattr(self, f.name) for f in dataclasses.fields(TrainingConfig)})

    def request(self) -> dict[str, Any]:
        """Return what decides the result, as JSON values: a resumed run must have the same."""
        left_out = {f.name for f in dataclasses.fields(ReadSettings)}
        request = {k: v for k, v in dataclasses.asdict(self).items() if k not in left_out}
        named = [self.train_augment, self.labels, *self.variant_options.values(), *self.loss_options.values()]
        files = [real_path(name) for name in named if isinstance(name, str) and real_path(name).is_file()]
        if files:  # what is in them counts, not only where they lie
            request["files"] = [_digest(path) for path in files]
        return request

    def ignored_by_a_model(self) -> list[str]:
        """Return the flags of the settings that differ from their defaults and mean nothing to a trained model."""
        own = {f.name for f in dataclasses.fields(TrainSettings)} - {f.name for f in dataclasses.fields(ReadSettings)}
        own -= {"variant", "loss", "seed", "skip_invalid", "allow_leaks", *LabelSettings.__dataclass_fields__}
        own -= {"train_on_synthetic", "holdout", "holdout_as", "group_by"}
        default = TrainSettings()
        changed = sorted(name for name in own if getattr(self, name) != getattr(default, name))
        flags = {"variant_options": "--set", "loss_options": "--set-loss"}
        return [flags.get(name, f"--{name.replace('_', '-')}") for name in changed]


@dataclass(frozen=True, kw_only=True)
class TrainModelSettings(TrainSettings):
    """Everything about a training whose model is kept."""

    inpainting: bool = option(False, "Also train the inpainting encoder (otherwise trained on first use).")


@dataclass(frozen=True, kw_only=True)
class SampleSettings:
    """How many images of each class to make, and how."""

    per_class: int | None = option(None, "Number of synthetic images per class.", minimum=0)
    balance: bool = option(False, "Fill every class up to the size of the largest class.")
    ratio: float | None = option(
        None, "Number of synthetic images per real image of the class.", minimum=0, maximum=1e6
    )
    sampler: str = option(
        "auto",
        "How the latents of new images are drawn: {names}; auto uses the sampler recommended for the model and the "
        "data.",
    )
    sampler_options: Mapping[str, Any] = field(default_factory=dict)
    format: str = option(
        AUTO,
        "Format of synthetic images; auto uses JPEG or PNG, like the source image or the class. Palette, 16-bit and "
        "transparent images are always PNG.",
        choices=FORMATS,
    )
    quality: int | None = option(
        None,
        "Quality of JPEG and WebP images, 1 to 100. By default JPEG uses the quality of the JPEG files in the data, "
        "or 95 if there are none; WebP uses 90.",
        minimum=1,
        maximum=100,
    )

    def check_format(self) -> None:
        """Refuse a quality where no file has one.

        Raises:
            InputError: if `quality` is given with the format `png`.
        """
        if self.quality is not None and self.format == "png":
            raise InputError("--quality is for JPEG and WebP files; leave it out with --format png")

    def counts(self, real: Mapping[str, int], unasked: Mapping[str, int] | None = None) -> dict[str, int]:
        """Return how many synthetic images each class gets.

        Args:
            real: class -> number of real training images.
            unasked: class -> how many it gets if none of the three is set; as many as it has real ones if None.

        Raises:
            InputError: more than one of the three is set.
        """
        asked = {"per_class": self.per_class, "ratio": self.ratio, "balance": self.balance or None}
        given = [name for name, value in asked.items() if value is not None]
        if len(given) > 1:
            names = " and ".join(f"--{name.replace('_', '-')}" for name in given)
            raise InputError(f"{names} contradict each other; give one of them")
        if self.balance:
            most = max(real.values())
            return {label: most - count for label, count in real.items()}
        if self.per_class is not None:
            return dict.fromkeys(real, self.per_class)
        if self.ratio is None:
            return dict(real if unasked is None else unasked)
        return {label: round(self.ratio * count) for label, count in real.items()}


@dataclass(frozen=True, kw_only=True)
class AugmentSettings(SampleSettings, TrainSettings):
    """Everything about an extended dataset: how many images, how they are made, and how the model is trained."""

    model: str | None = option(
        None, "Trained model to use. If there is none in this directory yet, a model is trained and stored there."
    )
    filter: bool = option(
        True, "Drop samples that look like another class, lie far from the data, or nearly duplicate a real image."
    )
    synthetic_only: bool = option(
        False,
        "Leave out the real training images. This does not anonymize: by default synthetic images are edits of real "
        "ones and still resemble them.",
    )
    keep_alpha: bool = option(
        False,
        "Keep transparency in real and synthetic images instead of compositing it over the background. Requires a "
        "sampler that edits real images. The model is still trained on composited images.",
    )
    copy: str = option(
        AUTO,
        "How real images are copied. auto rewrites files that some readers would decode differently from the "
        "synthetic images (transparency, EXIF rotation, colour profiles, TIFF, ...); exact copies every file byte "
        "for byte.",
        choices=COPIES,
    )
    link: str = option(
        "copy",
        "Copy real images into OUT or hard-link them. Rewritten images are always new files.",
        choices=LINKS,
    )
    evaluate: bool = option(
        False,
        "Also evaluate whether the images help a classifier (see: vaeaug evaluate) and write the results to "
        "OUT/utility. This trains 30 classifiers or more and often takes longer than making the images. It cannot "
        "be combined with --time-budget; to limit the time, run vaeaug evaluate afterwards with --seeds, --arms or "
        "--steps.",
    )


@dataclass(frozen=True, kw_only=True)
class SampleModelSettings(SampleSettings, RunSettings):
    """Which images to make from a trained model."""

    seed: int = option(0, "Random seed.", minimum=0)
    variant_options: Mapping[str, Any] = field(default_factory=dict)
    classes: tuple[str, ...] = ()


def public_settings(settings: RunSettings) -> dict[str, Any]:
    """Return what a user asked of a command as a record keeps it: all that decides the result, no places on a machine.

    Of options that name a file or a directory only its name is kept.
    """
    left_out = {field.name for field in dataclasses.fields(UseSettings)}
    values = {name: value for name, value in dataclasses.asdict(settings).items() if name not in left_out}
    return {name: Path(value).name if name in _PLACES and value else value for name, value in values.items()}


def build(settings: type[Any], values: Mapping[str, Any], call: str) -> Any:
    """Build a settings dataclass from keyword arguments, checked and converted.

    Raises:
        InputError: an unknown name, or a value of the wrong type or out of range.
    """
    names = {f.name for f in dataclasses.fields(settings)}
    values = dict(values)
    if "variant_options" in names and "latent_dim" in values:
        values["variant_options"] = {**values.get("variant_options", {}), "latent_dim": values.pop("latent_dim")}
    if isinstance(values.get("plugins_dirs"), str | Path):
        values["plugins_dirs"] = (str(values["plugins_dirs"]),)
    unknown = sorted(set(values) - names)
    if unknown:
        raise InputError(f"{call} takes no {unknown[0]!r}; {nearest(unknown[0], names)}")
    declared = {f.name for f in dataclasses.fields(settings) if f.metadata}
    plain = {name: value for name, value in values.items() if name not in declared}
    checked = {name: _as_checked(name, value) for name, value in values.items() if name in declared}
    return dataclasses.replace(parse_settings(settings, checked, call), **plain)


def _as_checked(name: str, value: Any) -> Any:
    """Return a value in the form that options are checked in: a path as text, `60s` as seconds."""
    if value is None:
        return None
    if name in _PATHS and value != NO_TABLE:
        return str(real_path(value))
    if name == "image_size" and isinstance(value, tuple | list):
        return "x".join(map(str, value))
    if name == "background":
        text = ",".join(map(str, value)) if isinstance(value, tuple | list) else value
        parse_background(text)  # an unknown colour is refused before any work
        return text
    return parse_seconds(value) if name == "time_budget" else value


def parse_size(text: str | None) -> tuple[int, int] | None:
    """Turn `N` or `HxW` into (height, width) in pixels.

    Raises:
        SettingError: it is neither, or out of the range 8 to 256.
    """
    if text is None:
        return None
    parts = str(text).lower().split("x")
    try:
        sides = [int(part) for part in parts]
    except ValueError:
        sides = []
    if len(sides) not in (1, 2) or not all(8 <= side <= 256 for side in sides):
        raise SettingError("image_size", f"is N or HxW with sides from 8 to 256, not {text!r}")
    return sides[0], sides[-1]


def parse_background(text: str) -> RGB:
    """Turn a colour's name, `#rrggbb` or `red,green,blue` into RGB.

    Raises:
        SettingError: if it is none of these.
    """
    from PIL import ImageColor  # noqa: PLC0415 (kept out of --help)

    parts = str(text).split(",")
    try:
        numbers = f"rgb({','.join(str(int(part)) for part in parts)})" if len(parts) == 3 else str(text).strip()
        if len(parts) == 3 and not all(0 <= int(part) <= 255 for part in parts):
            raise ValueError
        red, green, blue = ImageColor.getcolor(numbers, "RGB")  # type: ignore[misc]  # three numbers in mode RGB
    except ValueError:
        raise SettingError("background", f"is a colour such as white, '#ff8800' or '255,136,0', not {text!r}") from None
    return red, green, blue


def parse_seconds(text: str | float) -> float:
    """Turn `90`, `90s`, `1.5m` or `2h` into seconds.

    Raises:
        SettingError: it is none of these.
    """
    units = {"s": 1, "m": 60, "h": 3600}
    body = str(text).strip().lower()
    unit = units.get(body[-1:])
    try:
        seconds = float(body if unit is None else body[:-1]) * (unit or 1)
    except ValueError:
        seconds = -1
    if not 0 < seconds < math.inf:
        raise SettingError("time_budget", f"is a time like 60s, 10m or 1.5h, not {text!r}")
    return seconds


def _digest(path: Path) -> str:
    """Return the hash of a file's content, 16 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=8)).hexdigest()


def real_path(path: str | Path) -> Path:
    """Return a path with `~` filled in."""
    return Path(path).expanduser()
