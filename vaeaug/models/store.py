"""A trained model in a directory: `model.json`, weights and latents. Read without pickle, one class at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch

from vaeaug.contracts import ImageSpec, ReconstructionLoss, Variant, parse_options
from vaeaug.errors import InputError
from vaeaug.models.latents import FILE as LATENTS
from vaeaug.models.latents import ClassLatents, load_latents
from vaeaug.models.network import Network, build_network
from vaeaug.models.record import ModelRecord, PluginRecord, read_record
from vaeaug.options import check_names_no_code
from vaeaug.plugins import Registry

P = TypeVar("P")


class StoredModel:
    """A trained model on disk. Weights are read on demand, so a model of many classes opens quickly.

    Attributes:
        options: of its variant: those it was trained with, unless others were requested.
        allow_imports: whether the code that its `model.json` names (`option(..., imports=True)`) may be imported and
            called. Otherwise the author of a model could have any installed function called. Decoding works without it;
            computing such a loss is refused.
    """

    def __init__(
        self,
        directory: Path,
        record: ModelRecord,
        variant: type[Variant],
        loss: type[ReconstructionLoss],
        device: torch.device,
        options: Mapping[str, Any] | None = None,
        *,
        allow_imports: bool = False,
    ) -> None:
        self.directory, self.record, self.device = directory, record, device
        self.options = {**record.variant.options, **(options or {})}
        self.allow_imports = allow_imports
        self._variant, self._loss = variant, loss
        self._loaded: tuple[str, Network] | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, in the order of their labels."""
        return tuple(record.name for record in self.record.classes)

    @property
    def largest_class(self) -> int:
        """The class with the most training images, the first in a tie: its network has seen the most."""
        return max(range(len(self.classes)), key=lambda label: self.record.classes[label].images)

    @property
    def spec(self) -> ImageSpec:
        """The images the model works on."""
        record = self.record
        return ImageSpec(record.channels, record.height, record.width, len(record.classes), palette=record.palette)

    @property
    def variant(self) -> type[Variant]:
        """The class of its networks."""
        return self._variant

    def require_consent(self) -> None:
        """Check that the user has consented to import the code that `model.json` names, if it names any.

        Raises:
            InputError: if it names code and there is no consent; the message shows the code.
        """
        if self.allow_imports:
            return
        for plugin, record in ((self._variant, self.record.variant), (self._loss, self.record.loss)):
            check_names_no_code(plugin.Config, record.options, f"{self.directory} was trained with '{record.name}'")

    def network(self, label: int) -> Network:
        """Return the network of a class, in eval mode; the last one is kept in memory."""
        weights = self.record.classes[label].weights
        if self._loaded is None or self._loaded[0] != weights:
            record = self.record
            network = build_network(self._variant, self.options, self._loss, record.loss.options, self.spec, seed=0)
            network.load(self.directory / weights)
            network.loss.register_forward_pre_hook(lambda *_: self.require_consent())
            self._loaded = (weights, network.to(self.device).eval())
        return self._loaded[1]

    def latents(self, label: int) -> ClassLatents:
        """Return the latents of a class's training images."""
        return load_latents(self.directory / LATENTS, label)


def open_stored(
    directory: Path,
    device: torch.device,
    registry: Registry,
    options: Mapping[str, Any] | None = None,
    *,
    allow_imports: bool = False,
) -> StoredModel:
    """Open a trained model: read `model.json` and find the plugins that it names.

    Args:
        options: options of its variant that only affect sampling.
        allow_imports: see `StoredModel.allow_imports`.

    Raises:
        InputError: if there is no model, if it is damaged, if its plugin is not installed (the message names it), or if
            an option was fixed when it was trained.
        PluginError: if its plugin is broken.
    """
    record = read_record(directory)
    variant = _find_plugin(registry.variant, record.variant)
    loss = _find_plugin(registry.loss, record.loss)
    sampling_options = _sampling_options(variant.cls, options or {})
    return StoredModel(directory, record, variant.cls, loss.cls, device, sampling_options, allow_imports=allow_imports)


def _sampling_options(variant: type[Variant], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the checked options of a trained variant; only options that affect nothing but sampling are allowed."""
    owner = f"variant '{variant.name}'"
    parsed = parse_options(variant.Config, options, owner)
    changeable = [field.name for field in dataclasses.fields(variant.Config) if field.metadata.get("sampling")]
    names = [name.replace("-", "_") for name in options]
    for name in names:
        if name not in changeable:
            hint = (
                f"options that can be changed: {', '.join(changeable)}"
                if changeable
                else "none of its options can be changed"
            )
            raise InputError(f"{owner}: {name} is fixed by the trained model; {hint}")
    return {name: getattr(parsed, name) for name in names}


def _find_plugin(find: Callable[..., P], plugin: PluginRecord) -> P:
    try:
        return find(plugin.name, distribution=plugin.distribution)
    except InputError as error:
        if plugin.distribution is not None:
            raise
        raise InputError(f"{error}; the model was trained with a plugin file: add its --plugins-dir DIR") from None
