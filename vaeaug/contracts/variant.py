"""The contract of a variant: a kind of autoencoder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from vaeaug.contracts.deformation import Deformation
from vaeaug.contracts.latent import Latent
from vaeaug.contracts.loss import ReconstructionLoss
from vaeaug.contracts.spec import Encoded, ImageSpec, Latents, TrainingSet
from vaeaug.contracts.terms import Term


class Variant(nn.Module, ABC):
    """A kind of autoencoder. Subclass it, set `name`, and return the class from the hook `vaeaug_variants`.

    Images are float tensors in [0, 1], shape (B, C, H, W); labels are int64 class indices, shape (B,). All randomness
    comes from the `generator` that is passed in. In eval mode an image's results must not depend on the rest of its
    batch, so prefer LayerNorm or GroupNorm to BatchNorm. `vaeaug.testing.check_variant` checks all of this.

    Attributes:
        name: what users type (`--variant NAME`): lower case, words joined by hyphens.
        conditional: whether class labels matter to `decode` or `prior`; checked.
        reference: the paper it comes from, for `vaeaug plugins show`.
        default: whether it is used if the user names no variant; the first such variant wins.
        preferred_scope: the default training scope: `per-class`, or `shared` if a few images of one class are too few
            for it.
        adversarial: whether its losses are a game, so that the validation loss does not measure progress: the last
            weights are kept, and training is not stopped early.
        deforms: whether it has `deform`, for samplers that deform real images.
        prior_share: fraction of a time budget for `fit_prior`, in [0, 1), which must respect `Latents.seconds`.
        num_codes: number of codes of a discrete latent, to detect codebook collapse; set it in `__init__`.
        terms: term of `losses` -> its declaration (`Term`). Undeclared terms are per image, and annealed if named `kl`
            or `kl/<group>`. Set it in `__init__` if it depends on the options.
        small_options: options with which the variant is fast enough for tests and needs no download.
        Config: a frozen dataclass whose fields are the options; declare them with `vaeaug.option`.
    """

    name: ClassVar[str]
    conditional: ClassVar[bool] = False
    reference: ClassVar[str] = ""
    default: ClassVar[bool] = False
    preferred_scope: ClassVar[str] = "per-class"
    adversarial: ClassVar[bool] = False
    deforms: ClassVar[bool] = False
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
            generator: used to draw the latent from the posterior; without one, return the posterior's mode.
        """

    @abstractmethod
    def decode(self, latent: Latent, y_B: Tensor) -> Tensor:
        """Decode latents to raw output, (B, R, H, W), without a final activation (see `ReconstructionLoss.image`)."""

    @abstractmethod
    def prior(self, y_B: Tensor, generator: torch.Generator) -> Latent:
        """Draw one latent per label from the prior, or from the fitted prior if `fit_prior` fits one."""

    def losses(
        self, x_BCHW: Tensor, y_B: Tensor, reconstruction: ReconstructionLoss, generator: torch.Generator | None = None
    ) -> dict[str, dict[str, Tensor]]:
        """Return the objective: parameter group -> term -> one value per image, (B,), or () for an `over_batch` term.

        The host averages per-image terms over the batch and adds up the terms of a group, and their gradient goes to
        that group's parameters only. The default is the negative ELBO with one draw (Kingma & Welling 2014, eq. 7): the
        reconstruction loss plus the penalties, in the group `model`.

        Training batches are full. Validation averages a term over batches weighted by their number of images. With a
        term over the batch, validation batches are no larger than training batches and contain each image once; the
        last one may be smaller.
        """
        encoded = self.encode(x_BCHW, y_B, generator)
        raw_BRHW = self.decode(encoded.latent, y_B)
        return {"model": {"reconstruction": reconstruction(raw_BRHW, x_BCHW), **encoded.penalties}}

    def begin_training(self, data: TrainingSet) -> None:
        """Store what the objective needs from the training set, such as its size, in a buffer.

        The default does nothing. Called before each training, including a resumed one, but not when a model is opened.
        """

    def parameter_groups(self) -> dict[str, Iterable[nn.Parameter]]:
        """Return the parameters by group, each with its own optimizer. The keys match those of `losses`."""
        return {"model": self.parameters()}

    def fit_prior(self, latents: Latents, generator: torch.Generator) -> None:
        """Fit the prior to the training set's latents after training, and store it in parameters or buffers.

        The default does nothing: a sampler can fit a density to continuous latents. Discrete latents need a code prior.
        """

    def deform(self, latent: Latent, y_B: Tensor, strength_B: Tensor, generator: torch.Generator) -> Deformation:
        """Draw a deformation for each of B images, if `deforms`.

        Args:
            latent: the latents of the images.
            strength_B: fractions of the deformations, 0 for none.
        """
        raise NotImplementedError(f"the variant '{self.name}' has no deform()")
