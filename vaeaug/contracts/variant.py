"""The contract of a variant: a kind of autoencoder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from vaeaug.contracts.latent import Latent
from vaeaug.contracts.loss import ReconstructionLoss
from vaeaug.contracts.spec import Encoded, ImageSpec, Latents, TrainingSet
from vaeaug.contracts.terms import Term


class Variant(nn.Module, ABC):
    """A kind of autoencoder. Subclass it, give it a `name`, and return the class from the hook `vaeaug_variants`.

    Images are float tensors in [0, 1], shape (B, C, H, W); labels are int64 class indices, shape (B,). All randomness
    comes from the `generator` that is handed in, so that a sample depends on its seed alone. An image's results may
    not depend on the other images of its batch when the module is in eval mode (so: no BatchNorm statistics of the
    batch outside training; prefer LayerNorm or GroupNorm). `vaeaug.testing.check_variant` checks all of this.

    Attributes:
        name: how users call it (`--variant NAME`): lower case, words joined by hyphens.
        conditional: whether class labels matter to `decode` or `prior`. It is checked.
        reference: the paper it comes from, for `vaeaug plugins show`.
        default: whether it is used when the user names no variant; of several, the first in order of precedence is.
        preferred_scope: the scope it is trained in when the user names none: `per-class`, or `shared` where a few
            images of one class are too few for it.
        adversarial: whether its losses are a game, so that the validation loss says nothing of progress. The last
            weights are then kept, and training is not stopped early.
        prior_share: share of a time budget that `fit_prior` gets, in [0, 1); it must end after `Latents.seconds`. 0 if
            `fit_prior` takes next to no time.
        num_codes: of a discrete latent, how many codes there are; set it in `__init__`, so that codebook collapse is
            found. None for a continuous latent.
        terms: name of a term of `losses` -> whether it is annealed, and whether it is one value for the batch (`Term`).
            A term that is not named here is one value per image, and annealed if its name is `kl` or `kl/<group>`.
            Set it in `__init__` if it depends on the options.
        small_options: option -> value with which the variant is small and quick enough for tests, needing no download.
        Config: a frozen dataclass whose fields are the options; declare them with `vaeaug.option`.
    """

    name: ClassVar[str]
    conditional: ClassVar[bool] = False
    reference: ClassVar[str] = ""
    default: ClassVar[bool] = False
    preferred_scope: ClassVar[str] = "per-class"
    adversarial: ClassVar[bool] = False
    prior_share: ClassVar[float] = 0.0
    small_options: ClassVar[Mapping[str, Any]] = {}
    num_codes: int | None = None
    terms: Mapping[str, Term] = MappingProxyType({})

    @dataclass(frozen=True)
    class Config:
        """No options."""

    def __init__(self, spec: ImageSpec, config: Any) -> None:
        super().__init__()
        self.spec = spec
        self.config = config

    @abstractmethod
    def encode(self, x_BCHW: Tensor, y_B: Tensor, generator: torch.Generator | None = None) -> Encoded:
        """Encode images.

        Args:
            x_BCHW: images in [0, 1].
            y_B: class indices.
            generator: draw the latent from the posterior with it; without one, return the posterior's mode.
        """

    @abstractmethod
    def decode(self, latent: Latent, y_B: Tensor) -> Tensor:
        """Decode latents to raw output, shape (B, R, H, W) with R = `spec.raw_channels`.

        No activation at the end: the loss owns the head (`ReconstructionLoss.image`).
        """

    @abstractmethod
    def prior(self, y_B: Tensor, generator: torch.Generator) -> Latent:
        """Draw one latent for each label from the prior (the fitted one, if `fit_prior` fits one)."""

    def losses(
        self, x_BCHW: Tensor, y_B: Tensor, reconstruction: ReconstructionLoss, generator: torch.Generator | None = None
    ) -> dict[str, dict[str, Tensor]]:
        """Return the objective: parameter group -> term -> one value per image, shape (B,).

        A term that `terms` declares as `over_batch` is one value for the batch instead, shape (). The host averages the
        other terms over the batch and adds up the terms of a group, and their gradient goes to that group's parameters
        alone. The default is the negative ELBO with one draw (Kingma & Welling 2014, eq. 7): the reconstruction loss
        plus the penalties, in the group `model`.

        Training batches are full. For validation the host averages a term over batches weighted by their number of
        images. If a term is over the batch, validation batches are no larger than training batches and contain each
        image once; the last one may be smaller.
        """
        encoded = self.encode(x_BCHW, y_B, generator)
        raw_BRHW = self.decode(encoded.latent, y_B)
        return {"model": {"reconstruction": reconstruction(raw_BRHW, x_BCHW), **encoded.penalties}}

    def begin_training(self, data: TrainingSet) -> None:
        """Take what the objective needs to know of the training set, such as its size. The default needs nothing.

        Called before each training, also before one that is resumed or starts from trained weights, and not when a
        trained model is opened. Keep what is taken in a buffer.
        """

    def parameter_groups(self) -> dict[str, Iterable[nn.Parameter]]:
        """Return the parameters by group; each group gets an optimizer of its own. Keys match those of `losses`."""
        return {"model": self.parameters()}

    def fit_prior(self, latents: Latents, generator: torch.Generator) -> None:
        """Fit the prior to the training set's latents, after training. What is fitted is kept in parameters or buffers.

        The default keeps the prior as it is. Continuous latents need no more: a sampler can fit a density to
        them. Discrete latents override this (a code prior).
        """
