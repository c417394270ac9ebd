"""`model.json`: everything about a model except its weights and latents."""

from __future__ import annotations

import json
import typing
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from vaeaug.dataset.jpeg_tables import JpegTables, tables_from_json
from vaeaug.dataset.levels import Levels
from vaeaug.dataset.rules import MAX_MEGAPIXELS, RGB, WHITE, DecodeRules, rules_from_json
from vaeaug.errors import InputError, nearest
from vaeaug.options import members

R = TypeVar("R")

FORMAT = 1
FILE = "model.json"


@dataclass(frozen=True, slots=True)
class PluginRecord:
    """The plugin of a variant or loss, and the options (fields of its `Config`) that it was built with.

    Attributes:
        distribution: the package to install for it, or None for a plugin file.
        version: of that package, when the model was trained.
    """

    name: str
    options: dict[str, Any]
    distribution: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class ClassRecord:
    """A class of the model.

    Attributes:
        images: number of real training images.
        weights: the file with its weights, relative to the model.
        height: median height of its real images, in pixels; synthetic ones are written at this size.
        mode: colour mode: "L", "RGB", "P" if images are indexed, or "I;16" for gray images of more than 8 bits.
        metrics: of its training (scope `per-class`).
        format: "JPEG" if most of its files are lossy JPEG files, otherwise "PNG".
        jpeg: how a typical one of its JPEG files was compressed, or None.
        value_range: the smallest and the largest value of images of more than 8 bits, or None.
    """

    name: str
    images: int
    weights: str
    height: int
    width: int
    mode: str
    metrics: dict[str, Any] = field(default_factory=dict)
    format: str = "PNG"
    jpeg: JpegTables | None = None
    value_range: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """The contents of `model.json`.

    Attributes:
        scope: "per-class" or "shared".
        channels: C of the model's images.
        classes: in the order of their labels.
        fingerprint: hash of its weights and latents.
        data_fingerprint: hash of the contents and labels of its training images.
        metrics: of the (shared) training.
        loss_reason: why the loss was chosen from the data; empty if the user chose it.
        palette: the colours of indexed images, each of C values from 0 to 255, or None.
        table: the colour table of the files of indexed images, RGB, or None: it may contain more than the palette.
        background: RGB, what transparent pixels of its images were composited over.
        levels: the range of its images of more than 8 bits, or None if it was trained on none.
        holdout: what was held out before the training: `fraction`, `split`, `group_by` and `seed`, or None.
        passed_over: unused files in the data, as in `vaeaug.json`.
        resume: the request of the training (`vaeaug.finished`), or None for an older model.
    """

    variant: PluginRecord
    loss: PluginRecord
    scope: str
    channels: int
    height: int
    width: int
    classes: tuple[ClassRecord, ...]
    seed: int
    fingerprint: str
    data_fingerprint: str
    training: dict[str, Any]
    metrics: dict[str, Any]
    versions: dict[str, str]
    loss_reason: str
    palette: tuple[tuple[int, ...], ...] | None
    table: tuple[tuple[int, ...], ...] | None
    format: int = FORMAT
    background: RGB = WHITE
    levels: Levels | None = None
    holdout: dict[str, Any] | None = None
    passed_over: tuple[dict[str, Any], ...] = ()
    resume: dict[str, Any] | None = None

    def rules(self, max_megapixels: float = MAX_MEGAPIXELS) -> DecodeRules:
        """Return the rules by which the training images were decoded."""
        return DecodeRules(background=self.background, levels=self.levels, max_megapixels=max_megapixels)

    def label(self, name: str) -> int:
        """Return the index of a class.

        Raises:
            InputError: if the model has no such class.
        """
        names = [record.name for record in self.classes]
        if name not in names:
            raise InputError(f"the model has no class {name!r}; {nearest(name, names)}")
        return names.index(name)

    def to_json(self) -> str:
        """Return the text of `model.json`."""
        values = asdict(self)
        for entry, record in zip(values["classes"], self.classes, strict=True):
            entry["jpeg"] = None if record.jpeg is None else record.jpeg.to_json()
        return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def read_record(directory: Path) -> ModelRecord:
    """Read `model.json`.

    Raises:
        InputError: if `directory` is not a model, or if a newer vaeaug wrote it.
    """
    path = directory / FILE
    if directory.name == FILE and directory.is_file():
        raise InputError(f"{directory} is a file of a model; give the directory that contains it: {directory.parent}")
    if not path.is_file():
        raise InputError(
            f"{directory} is not a model: it has no {FILE} (train one with: vaeaug train DATA {directory})"
        )
    try:
        values: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if values["format"] > FORMAT:
            raise InputError(f"{path} was written by a newer vaeaug (format {values['format']}); pip install -U vaeaug")
        return _build(
            ModelRecord,
            {
                **values,
                "variant": _build(PluginRecord, values["variant"]),
                "loss": _build(PluginRecord, values["loss"]),
                "classes": tuple(_build(ClassRecord, _class(record)) for record in values["classes"]),
                "palette": _colours(values["palette"]),
                "table": _colours(values["table"]),
                "passed_over": tuple(values.get("passed_over", ())),
                **_decoding(values),
            },
        )
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}; check its permissions") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:  # values of the wrong kind raise any of these
        raise InputError(f"{path} is damaged ({type(error).__name__}: {error}); train the model again") from None


def _colours(colours: Any) -> tuple[tuple[int, ...], ...] | None:
    return None if colours is None else tuple(tuple(int(value) for value in colour) for colour in colours)


def _class(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a class; older models do not have all of them."""
    jpeg, value_range = values.get("jpeg"), values.get("value_range")
    return {
        **values,
        "jpeg": None if jpeg is None else tables_from_json(jpeg),
        "value_range": None if value_range is None else tuple(value_range),
    }


def _decoding(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the decode rules; empty for models written before they were recorded."""
    if "background" not in values:
        return {}
    rules = rules_from_json({"background": values["background"], "levels": values["levels"]})
    return {"background": rules.background, "levels": rules.levels}


def _build(cls: type[R], values: Mapping[str, Any]) -> R:
    for name, hint in typing.get_type_hints(cls).items():
        kinds = tuple(typing.get_origin(member) or member for member in members(hint))
        if name in values and not isinstance(values[name], kinds):
            raise TypeError(f"{name} is {values[name]!r}")
    return cls(**values)
