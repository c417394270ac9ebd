"""What every sampler is given and gives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from vaeaug.contracts import Latent, Variant, leaves
from vaeaug.errors import InputError
from vaeaug.models.latents import ClassLatents


@dataclass(frozen=True, slots=True)
class Detail:
    """Images of the class whose fine detail, weighted, is added to a sample's.

    Attributes:
        sources_BK: which training images, indices, on the CPU.
        weights_BK: their weights, which add up to 0 for each sample.
    """

    sources_BK: Tensor
    weights_BK: Tensor


@dataclass(frozen=True, slots=True)
class Draw:
    """Latents of new images.

    Attributes:
        latent: what `Variant.decode` takes, on the CPU or the model's device.
        sources: for each, which training image of the class it was drawn around (an index), or None.
        origin: the latents of the sources, where the sampler changes real images (`Sampler.edits`); else None.
        fade: as `Edit.fade`, where it does.
        detail: whose fine detail is added, where it does; None for nobody's.
    """

    latent: Latent
    sources: tuple[int | None, ...]
    origin: Latent | None = None
    fade: float = 0.0
    detail: Detail | None = None


class Sampler(ABC):
    """Draws latents of one class. Fitting happens in `__init__`, once a class.

    Args:
        variant: the class's trained network.
        latents: its training images as that network encodes them.
        label: the class's index.
        seed: for fitting.
        device: of the network.
        config: its options; the defaults if None.

    Attributes:
        name: how users call it (`--sampler NAME`).
        continuous: whether it needs latents of real numbers, and cannot draw codes.
        edits: whether it changes real images, which must then be at hand.
        strength_option: the option that says how strongly, if the filter's classifiers may lower it; else None.
        Config: a frozen dataclass whose fields are its options; declared with `vaeaug.option`.

    Raises:
        InputError: the sampler cannot go with this variant; the message names one that can.
    """

    name: ClassVar[str]
    continuous: ClassVar[bool] = False
    edits: ClassVar[bool] = False
    strength_option: ClassVar[str | None] = None

    @dataclass(frozen=True)
    class Config:
        """No options."""

    def __init__(
        self,
        variant: Variant,
        latents: ClassLatents,
        label: int,
        seed: int,
        device: torch.device,
        config: Any = None,
    ) -> None:
        self.variant, self.latents, self.label, self.device = variant, latents, label, device
        self.config = self.Config() if config is None else config
        self.check(variant.name, latents.latents.latent, latents.latents.scale)
        self.fit(seed)

    @classmethod
    def check(cls, variant: str, latent: Latent, scale: Latent | None) -> None:  # noqa: ARG003 (some look at it)
        """Refuse latents that this sampler cannot draw; one image of an untrained network is enough to tell.

        Args:
            variant: name of the variant, for the message.
            latent: as `Encoded.latent`.
            scale: as `Encoded.scale`.

        Raises:
            InputError: the sampler cannot go with the variant; the message names one that can.
        """
        if cls.continuous and not all(leaf.is_floating_point() for leaf in leaves(latent)):
            raise InputError(
                f"the sampler '{cls.name}' needs continuous latents, and those of the variant '{variant}' are "
                "discrete; use --sampler prior"
            )

    def fit(self, seed: int) -> None:  # noqa: B027 (most samplers fit nothing)
        """Fit what there is to fit."""

    @classmethod
    def shares_detail_of(cls, config: Any) -> int:  # noqa: ARG003 (some look at it)
        """Return of how many other real images at most a changed one is given fine detail, with these options."""
        return 0

    @abstractmethod
    def draw(self, start: int, count: int, generator: torch.Generator) -> Draw:
        """Draw the latents of samples `start` ... `start + count - 1`, with all randomness from `generator`."""
