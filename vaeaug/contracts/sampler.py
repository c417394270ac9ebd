"""The contract of a sampler: where the latents of new images come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from vaeaug.contracts.deformation import Deformation
from vaeaug.contracts.latent import Latent, leaves
from vaeaug.contracts.spec import Latents
from vaeaug.contracts.variant import Variant
from vaeaug.errors import InputError


@dataclass(frozen=True, slots=True)
class Detail:
    """For each of B samples, the K training images of the class whose weighted fine detail is added.

    Attributes:
        sources_BK: training image indices, int64, on the CPU.
        weights_BK: the weights of one sample sum to 0.
        whole: whether the images are added as they are, not only what the decoder leaves out of them.
    """

    sources_BK: Tensor
    weights_BK: Tensor
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Draw:
    """Latents of new images.

    Attributes:
        latent: as `Variant.decode` takes it, on any device.
        sources: for each sample the index of the training image it was drawn around, or None.
        origin: the latents of the sources, for a sampler that edits real images (`Sampler.edits`).
        fade: for edits, the change of brightness (0 to 1) at which the image's own detail has faded out; 0 keeps it.
        detail: for edits, the images whose fine detail is added.
        deformation: for edits, how the image is deformed before anything is added.
    """

    latent: Latent
    sources: tuple[int | None, ...]
    origin: Latent | None = None
    fade: float = 0.0
    detail: Detail | None = None
    deformation: Deformation | None = None


@dataclass(frozen=True, slots=True)
class SamplingCase:
    """The situation in which `--sampler auto` chooses a sampler (`Sampler.is_recommended_for`).

    Attributes:
        is_continuous: whether all latents are real numbers, not codes.
        has_originals: whether the training image files are available for edits.
        is_indexed: whether each pixel is one of the colours of a palette.
    """

    is_continuous: bool
    has_originals: bool
    is_indexed: bool


class Sampler(ABC):
    """Draws latents of one class. Subclass it, set `name`, and return the class from the hook `vaeaug_samplers`.

    It is built once per class and fitted in `fit`. Sample i may depend only on (seed, class, i), so all randomness
    comes from the `generator` that is passed in. `vaeaug.testing.check_sampler` checks it.

    Args:
        variant: the trained network of the class, in eval mode.
        latents: the training images of the class as encoded by that network.

    Attributes:
        name: what users type (`--sampler NAME`): lower case, words joined by hyphens.
        reference: the paper it comes from, for `vaeaug plugins show`.
        continuous: whether it requires real-valued latents.
        edits: whether it edits real images: the host adds the difference of the decoded `latent` and `origin` to the
            source file.
        deforms: whether it requires a variant with `deform`.
        trains: whether it uses what the variant has learned. If not, `augment` trains for one step only.
        draws_from_prior: whether it draws from the variant's prior. Its samples have a class only if the variant is
            conditional or was trained on that class only.
        strength_option: the option that scales an edit, if the host may lower it when the filter rejects too much.
        Config: a frozen dataclass whose fields are the options; declare them with `vaeaug.option`.

    Raises:
        InputError: if it cannot draw such latents (`unmet_need`).
    """

    name: ClassVar[str]
    reference: ClassVar[str] = ""
    continuous: ClassVar[bool] = False
    edits: ClassVar[bool] = False
    deforms: ClassVar[bool] = False
    trains: ClassVar[bool] = True
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
        """Return whether `--sampler auto` should take this sampler; the first that returns true wins. Default: no."""
        return False

    @classmethod
    def unmet_need(cls, latents: Latents) -> str | None:
        """Return what this sampler needs and these latents lack, such as "continuous latents", or None.

        Also called before training, with the latent of one image of an untrained network. The default checks
        `continuous`.
        """
        is_continuous = all(leaf.is_floating_point() for leaf in leaves(latents.latent))
        return "continuous latents" if cls.continuous and not is_continuous else None

    def fit(self, seed: int) -> None:  # noqa: B027 (most samplers fit nothing)
        """Fit to `self.latents`. The default fits nothing."""

    @classmethod
    def limits_changes(cls, config: Any) -> bool:  # noqa: ARG003
        """Return whether edits stay within the range in which the pixels of the class vary. Default: no."""
        return False

    @classmethod
    def shares_detail_of(cls, config: Any) -> int:  # noqa: ARG003
        """Return the maximum number of other images whose fine detail `Draw.detail` adds to one image. Default: 0."""
        return 0

    @abstractmethod
    def draw(self, start: int, count: int, generator: torch.Generator) -> Draw:
        """Draw the latents of samples `start` ... `start + count - 1`.

        Args:
            start: 0 or more, a multiple of the host's chunk size.
            count: B, at least 1.
            generator: on the network's device; the only source of randomness.
        """
