"""The contract of a sampler: where the latents of new images come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from vaeaug.contracts.latent import Latent, leaves
from vaeaug.contracts.spec import Latents
from vaeaug.contracts.variant import Variant
from vaeaug.errors import InputError


@dataclass(frozen=True, slots=True)
class Detail:
    """Training images of the class whose fine detail, weighted, is added to each of B samples.

    Attributes:
        sources_BK: indices of K training images, int64, on the CPU.
        weights_BK: their weights; the weights of one sample sum to 0.
    """

    sources_BK: Tensor
    weights_BK: Tensor


@dataclass(frozen=True, slots=True)
class Draw:
    """Latents of new images.

    Attributes:
        latent: as `Variant.decode` takes it, on the CPU or on the model's device.
        sources: for each sample the index of the training image it was drawn around, or None.
        origin: the latents of the sources, if the sampler edits real images (`Sampler.edits`); otherwise None.
        fade: of edits, the change of brightness (0 to 1) at which nothing of the image's own detail is left; 0 keeps
            the detail.
        detail: of edits, the images whose fine detail is added; None if no detail is added.
    """

    latent: Latent
    sources: tuple[int | None, ...]
    origin: Latent | None = None
    fade: float = 0.0
    detail: Detail | None = None


@dataclass(frozen=True, slots=True)
class SamplingCase:
    """What `--sampler auto` knows when it chooses a sampler (`Sampler.is_recommended_for`).

    Attributes:
        is_continuous: whether all latents are real numbers; codes are not.
        has_originals: whether the files of the training images are available, as a sampler that edits them needs.
        is_indexed: whether the images are indexed: each pixel is one of the colours of a palette.
    """

    is_continuous: bool
    has_originals: bool
    is_indexed: bool


class Sampler(ABC):
    """Draws latents of one class. Subclass it, give it a `name`, and return the class from the hook `vaeaug_samplers`.

    It is built once per class, and fits what it needs in `fit`. Sample i may depend only on (seed, class, i), so all
    randomness comes from the `generator` that is passed in. `vaeaug.testing.check_sampler` checks the contract.

    Args:
        variant: the trained network of the class, in eval mode.
        latents: the training images of the class as that network encodes them.
        label: the index of the class.
        seed: for fitting.
        device: of the network.
        config: the options; the defaults if None.

    Attributes:
        name: how users call it (`--sampler NAME`): lower case, words joined by hyphens.
        reference: the paper it comes from, for `vaeaug plugins show`.
        continuous: whether it needs latents of real numbers and cannot draw codes.
        edits: whether it edits real images. The host then adds the difference of the decoded `latent` and `origin` to
            the source's file, which must be available.
        draws_from_prior: whether it draws from the variant's prior. Its samples then have a class only if the variant
            is conditional or was trained on that class only.
        strength_option: the option that scales an edit, if the host may lower it where the filter rejects too much.
        Config: a frozen dataclass whose fields are the options; declare them with `vaeaug.option`.

    Raises:
        InputError: if it cannot draw such latents (`unmet_need`).
    """

    name: ClassVar[str]
    reference: ClassVar[str] = ""
    continuous: ClassVar[bool] = False
    edits: ClassVar[bool] = False
    draws_from_prior: ClassVar[bool] = False
    strength_option: ClassVar[str | None] = None

    @dataclass(frozen=True)
    class Config:
        """No options."""

    def __init__(
        self,
        variant: Variant,
        latents: Latents,
        label: int,
        seed: int,
        device: torch.device,
        config: Any = None,
    ) -> None:
        self.variant, self.latents, self.label, self.device = variant, latents, label, device
        self.config = self.Config() if config is None else config
        if (need := self.unmet_need(latents)) is not None:
            raise InputError(f"the sampler '{self.name}' needs {need}")
        self.fit(seed)

    @classmethod
    def is_recommended_for(cls, case: SamplingCase) -> bool:  # noqa: ARG003
        """Return whether `--sampler auto` should take this sampler: the first that says so, ours first. Default: no."""
        return False

    @classmethod
    def unmet_need(cls, latents: Latents) -> str | None:
        """Return what this sampler needs and such latents do not offer ("continuous latents"), or None.

        Called before training too, with the latent of one image of an untrained network. Default: `continuous`.
        """
        is_continuous = all(leaf.is_floating_point() for leaf in leaves(latents.latent))
        return "continuous latents" if cls.continuous and not is_continuous else None

    def fit(self, seed: int) -> None:  # noqa: B027 (most samplers fit nothing)
        """Fit to `self.latents`. The default fits nothing."""

    @classmethod
    def limits_changes(cls, config: Any) -> bool:  # noqa: ARG003
        """Return whether edits keep to the range in which the pixels of the class vary. Default: no."""
        return False

    @classmethod
    def shares_detail_of(cls, config: Any) -> int:  # noqa: ARG003
        """Return of how many other images at most `Draw.detail` adds fine detail to one. Default: 0."""
        return 0

    @abstractmethod
    def draw(self, start: int, count: int, generator: torch.Generator) -> Draw:
        """Draw the latents of samples `start` ... `start + count - 1`.

        Args:
            start: 0 or more, a multiple of the host's chunk size.
            count: B, 1 or more.
            generator: on the device of the network; the only source of randomness.
        """
