"""A trained model in a directory: `model.json`, weights and latents. Read without pickle, a class at a time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from vaeaug.contracts import ImageSpec, ReconstructionLoss, Variant
from vaeaug.models.latents import FILE as LATENTS
from vaeaug.models.latents import ClassLatents, load_latents
from vaeaug.models.network import Network, build_network
from vaeaug.models.record import ModelRecord
from vaeaug.options import refuse_named_code


class StoredModel:
    """A trained model on disk. Weights are read on demand, so a model of many classes opens quickly.

    Attributes:
        directory: its location.
        record: the contents of `model.json`.
        device: where its networks are put.
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
        self._open: tuple[str, Network] | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, in the order of their labels."""
        return tuple(record.name for record in self.record.classes)

    @property
    def largest_class(self) -> int:
        """The class with the most training images, the first of several: its network has seen the most."""
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
            refuse_named_code(plugin.Config, record.options, f"{self.directory} was trained with '{record.name}'")

    def network(self, label: int) -> Network:
        """Return the network of a class, in eval mode; the one requested last is kept in memory."""
        weights = self.record.classes[label].weights
        if self._open is None or self._open[0] != weights:
            record = self.record
            network = build_network(self._variant, self.options, self._loss, record.loss.options, self.spec, seed=0)
            network.load(self.directory / weights)
            network.loss.register_forward_pre_hook(lambda *_: self.require_consent())
            self._open = (weights, network.to(self.device).eval())
        return self._open[1]

    def latents(self, label: int) -> ClassLatents:
        """Return the latents of a class's training images."""
        return load_latents(self.directory / LATENTS, label)
