"""What users can set in every command. The command line and the Python API are both made from settings."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from vaeaug.dataset.reading_options import NO_TABLE, LabelOptions
from vaeaug.dataset.rules import MAX_MEGAPIXELS, RGB
from vaeaug.errors import InputError, SettingError, nearest
from vaeaug.options import option, parse_settings

AUTO = "auto"
_EXPANDED_PATHS = ("train_augment", "labels")
_FILE_SETTINGS = (
    "classifier_weights",
    "coco",
    "data",
    "embedding_weights",
    "image",
    "labels",
    "masks",
    "model",
    "test",
    "train_augment",
)
"""Settings that name a file or a directory."""


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """Where and how a command runs; nothing here changes a result."""

    device: str = option("auto", "Device to compute on: auto, cpu, cuda, cuda:1, ...")
    workers: int | None = option(None, "Number of worker processes; by default one per CPU core.", minimum=1)
    resume: bool = option(False, "Resume an interrupted run.")
    plugins_dirs: tuple[str, ...] = ()

    _EXCLUDED_FROM_REQUEST: ClassVar[frozenset[str]] = frozenset()
    """Settings of a command that decide its result only through the entries that it gives to `request`."""

    def request(self, **resolved: Any) -> dict[str, Any]:
        """Return what decides the result, as JSON values; a resumed run must have the same request.

        `resolved` entries come first and replace settings of the same name: what was read, and automatic choices.
        """
        excluded = (
            {field.name for field in dataclasses.fields(UseSettings)} | self._EXCLUDED_FROM_REQUEST | resolved.keys()
        )
        values = {name: value for name, value in dataclasses.asdict(self).items() if name not in excluded}
        if values.get("labels"):
            values["labels"] = Path(values["labels"]).name
        files = [expand_user(name) for name in self._files() if expand_user(name).is_file()]
        digests = {"files": [_digest(path) for path in files]} if files else {}
        return resolved | values | digests

    def _files(self) -> list[str]:
        """Return the settings that may name files: the contents of these are part of what is asked for."""
        return []


@dataclass(frozen=True, kw_only=True)
class ReadSettings(RunSettings):
    """How images are read, as far as it does not change the result."""

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
        "Table with the label of each image (CSV, TSV, JSONL or Parquet), or the word none to take labels from the "
        "folder names only. By default, a table in the dataset that lists its images (metadata.csv, labels.csv, ...) "
        "is used if there is one.",
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
        """Return the options of `scan` about tables."""
        return LabelOptions(self.labels, self.file_column, self.label_column)


def public_settings(settings: RunSettings) -> dict[str, Any]:
    """Return the settings that decide the result, as a record keeps them: without paths on this machine.

    Of a setting that names a file or a directory, only the name is kept.
    """
    excluded = {field.name for field in dataclasses.fields(UseSettings)}
    values = {name: value for name, value in dataclasses.asdict(settings).items() if name not in excluded}
    return {name: Path(value).name if name in _FILE_SETTINGS and value else value for name, value in values.items()}


def build(settings: type[Any], values: Mapping[str, Any], call: str) -> Any:
    """Build a settings dataclass from keyword arguments, which are checked and converted.

    Raises:
        InputError: if a name is unknown, or if a value is of the wrong type or out of range.
    """
    names = {f.name for f in dataclasses.fields(settings)}
    values = dict(values)
    if "variant_options" in names and "latent_dim" in values:
        values["variant_options"] = {**values.get("variant_options", {}), "latent_dim": values.pop("latent_dim")}
    if isinstance(values.get("plugins_dirs"), str | Path):
        values["plugins_dirs"] = (str(values["plugins_dirs"]),)
    unknown = sorted(set(values) - names)
    if unknown:
        raise InputError(f"{call} has no option {unknown[0]!r}; {nearest(unknown[0], names)}")
    declared = {f.name for f in dataclasses.fields(settings) if f.metadata}
    plain = {name: value for name, value in values.items() if name not in declared}
    checked = {name: _as_checked(name, value) for name, value in values.items() if name in declared}
    return dataclasses.replace(parse_settings(settings, checked, call), **plain)


def _as_checked(name: str, value: Any) -> Any:
    """Return a value as options are checked: a path as text, `60s` as seconds."""
    if value is None:
        return None
    if name in _EXPANDED_PATHS and value != NO_TABLE:
        return str(expand_user(value))
    if name == "image_size" and isinstance(value, tuple | list):
        return "x".join(map(str, value))
    if name == "background":
        text = ",".join(map(str, value)) if isinstance(value, tuple | list) else value
        parse_background(text)  # an unknown colour is an error before any work
        return text
    return parse_seconds(value) if name == "time_budget" else value


def parse_size(text: str | None) -> tuple[int, int] | None:
    """Turn `N` or `HxW` into (height, width) in pixels.

    Raises:
        SettingError: if it is neither, or out of the range 8 to 256.
    """
    if text is None:
        return None
    parts = str(text).lower().split("x")
    try:
        sides = [int(part) for part in parts]
    except ValueError:
        sides = []
    if len(sides) not in (1, 2) or not all(8 <= side <= 256 for side in sides):
        raise SettingError("image_size", f"must be N or HxW with sides from 8 to 256, not {text!r}")
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
        raise SettingError(
            "background", f"must be a colour such as white, '#ff8800' or '255,136,0', not {text!r}"
        ) from None
    return red, green, blue


def parse_seconds(text: str | float) -> float:
    """Turn `90`, `90s`, `1.5m` or `2h` into seconds.

    Raises:
        SettingError: if it is none of these.
    """
    units = {"s": 1, "m": 60, "h": 3600}
    body = str(text).strip().lower()
    unit = units.get(body[-1:])
    try:
        seconds = float(body if unit is None else body[:-1]) * (unit or 1)
    except ValueError:
        seconds = -1
    if not 0 < seconds < math.inf:
        raise SettingError("time_budget", f"must be a time such as 60s, 10m or 1.5h, not {text!r}")
    return seconds


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=8)).hexdigest()


def expand_user(path: str | Path) -> Path:
    """Return a path with `~` replaced by the home directory."""
    return Path(path).expanduser()
