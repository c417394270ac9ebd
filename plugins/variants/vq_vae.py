"""The vector-quantized autoencoder (van den Oord et al. 2017), by default with finite scalars (Mentzer et al. 2024).

Objective, per image:  -log p(x|e(c), y) + beta |z - sg e(c)|^2,  c = the code nearest to z = encoder(x), at each
position of a grid. Gradients pass straight through the rounding; finite scalars need no second term.

Codes drawn independently at random decode to noise, so a prior over the codes of an image, given its class, is fitted
afterwards (`CodePrior`, as in the paper's section 3.3), and samples are drawn from that.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from vaeaug import Encoded, ImageSpec, InputError, Latent, Latents, ReconstructionLoss, Variant, hookimpl, option
from vaeaug.nn import (
    CodePrior,
    CosineCodebook,
    FiniteScalarQuantizer,
    GridDecoder,
    GridEncoder,
    Quantizer,
    fit_code_prior,
    grid_patch,
)

MAX_CODES = 4096
HEADS = 4  # of the prior's attention


class VQVAE(Variant):
    """An autoencoder whose latent is a grid of codes, int64 (B, h, w), with a transformer prior per class.

    Only the decoder gets the class.
    """

    name = "vq-vae"
    conditional = True
    preferred_scope = "shared"
    prior_share = 0.3
    reference = (
        "van den Oord, Vinyals & Kavukcuoglu, Neural Discrete Representation Learning, NIPS 2017; "
        "Mentzer et al., Finite Scalar Quantization: VQ-VAE Made Simple, ICLR 2024"
    )
    small_options: ClassVar = {"width": 16, "grid": 9, "prior_width": 16, "prior_depth": 1, "prior_steps": 4}

    @dataclass(frozen=True)
    class Config:
        """Options of the quantizer, the networks and the prior."""

        quantizer: str = option(
            "fsq", "Quantizer: fsq (finite scalar quantization), or ema (a codebook learned by moving averages).",
            choices=("fsq", "ema"),
        )  # fmt: skip
        levels: str = option("4,4,4,4", "Levels of each scalar of fsq; their product is the number of codes.")
        codes: int = option(256, "Number of codes of an ema codebook.", minimum=2, maximum=MAX_CODES)
        code_dim: int = option(8, "Dimensions of a vector in an ema codebook.", minimum=2, maximum=256)
        commitment: float = option(1.0, "Weight of the commitment loss of ema, beta.", minimum=0)
        grid: int = option(
            64, "Maximum number of codes per image; patches are as small as it allows.", minimum=4, maximum=1024
        )
        width: int = option(96, "Features per patch in the networks.", minimum=8)
        depth: int = option(2, "Residual layers of each network.", minimum=0, maximum=16)
        prior_width: int = option(96, f"Features per code in the prior, a multiple of {HEADS}.", minimum=8)
        prior_depth: int = option(2, "Blocks of the prior.", minimum=1, maximum=16)
        prior_steps: int = option(2000, "Maximum number of optimizer steps of the prior.", minimum=1)
        temperature: float = option(
            1.0,
            "Temperature of sampling from the prior; below 1 more likely codes, 0 the most likely.",
            minimum=0,
            maximum=10,
            sampling=True,
        )
        top_p: float = option(
            0.9, "Sample from the most likely codes with this total probability.", minimum=0, maximum=1,
            sampling=True,
        )  # fmt: skip

    config: Config

    def __init__(self, spec: ImageSpec, config: Config) -> None:
        super().__init__(spec, config)
        if config.prior_width % HEADS:
            raise InputError(f"variant 'vq-vae': prior_width must be a multiple of {HEADS}, not {config.prior_width}")
        self.quantizer = _quantizer(config)
        self.num_codes = self.quantizer.size
        patch = grid_patch(spec.height, spec.width, config.grid)
        size = {"height": spec.height, "width": spec.width, "patch": patch}
        size |= {"features": self.quantizer.dim, "hidden": config.width, "depth": config.depth}
        self.encoder = GridEncoder(channels=spec.channels, **size)
        self.decoder = GridDecoder(channels=spec.raw_channels, num_classes=spec.num_classes, **size)
        self.code_prior = CodePrior(
            description_KM=self.quantizer.description(),
            grid=self.encoder.grid,
            num_classes=spec.num_classes,
            features=config.prior_width,
            depth=config.prior_depth,
            heads=HEADS,
        ).requires_grad_(False)  # `fit_prior` trains it, not the training loop

    def parameter_groups(self) -> dict[str, Iterable[nn.Parameter]]:
        """Return the parameters of the autoencoder: not the codebook's, nor the prior's."""
        return {"model": [parameter for parameter in self.parameters() if parameter.requires_grad]}

    def encode(self, x_BCHW: Tensor, y_B: Tensor, generator: torch.Generator | None = None) -> Encoded:  # noqa: ARG002
        """Encode images; see `Variant.encode`. The posterior is one grid of codes, so every draw is its mode.

        The features are the codes' vectors. An ema codebook adds the penalty `commitment`, |z - sg e(c)|^2.
        """
        return self._encode(x_BCHW)[0]

    def losses(
        self, x_BCHW: Tensor, y_B: Tensor, reconstruction: ReconstructionLoss, generator: torch.Generator | None = None
    ) -> dict[str, dict[str, Tensor]]:
        """Return the reconstruction loss and the commitment times beta; while training, move an ema codebook."""
        encoded, vectors_BhwD, bounded_BhwD = self._encode(x_BCHW)
        raw_BRHW = self.decoder(vectors_BhwD, y_B)
        if self.training and generator is not None:
            self.quantizer.learn(bounded_BhwD.detach(), encoded.latent, generator)
        penalties = {name: self.config.commitment * value_B for name, value_B in encoded.penalties.items()}
        return {"model": {"reconstruction": reconstruction(raw_BRHW, x_BCHW), **penalties}}

    def decode(self, latent: Latent, y_B: Tensor) -> Tensor:
        """Decode codes; see `Variant.decode`."""
        raw_BRHW: Tensor = self.decoder(self.quantizer.embed(latent), y_B)
        return raw_BRHW

    def prior(self, y_B: Tensor, generator: torch.Generator) -> Latent:
        """Draw codes from p(c|y), int64, shape (B, h, w)."""
        options = self.config
        codes_BT = self.code_prior.draw(y_B, generator, temperature=options.temperature, top_p=options.top_p)
        codes_Bhw: Tensor = codes_BT.unflatten(1, self.encoder.grid)
        return codes_Bhw

    def fit_prior(self, latents: Latents, generator: torch.Generator) -> None:
        """Train p(c|y) on the training images' codes, and stop where held-out ones are no longer better explained."""
        self.code_prior.description_KM.copy_(self.quantizer.description())  # an ema codebook has moved since
        fit_code_prior(
            self.code_prior,
            latents.latent.flatten(1),
            latents.labels_N,
            generator,
            steps=self.config.prior_steps,
            seconds=latents.seconds,
        )

    def _encode(self, x_BCHW: Tensor) -> tuple[Encoded, Tensor, Tensor]:
        """Return also the codes' vectors, with a gradient straight through, and the features they stand for."""
        vectors_BhwD, codes_Bhw, bounded_BhwD = self.quantizer(self.encoder(x_BCHW))
        penalties = {}
        if self.config.quantizer == "ema":
            distance_BhwD = (bounded_BhwD - vectors_BhwD.detach()).square()
            penalties["commitment"] = distance_BhwD.sum(dim=(1, 2, 3))
        features_BD = vectors_BhwD.detach().flatten(1)
        return Encoded(codes_Bhw, features_BD, penalties), vectors_BhwD, bounded_BhwD


def _quantizer(config: VQVAE.Config) -> Quantizer:
    if config.quantizer == "ema":
        return CosineCodebook(config.codes, config.code_dim)
    try:
        levels = [int(part) for part in config.levels.split(",")]
    except ValueError:
        levels = []
    if not levels or min(levels) < 3 or math.prod(levels) > MAX_CODES:
        raise InputError(
            f"variant 'vq-vae': levels must be a list of integers of at least 3, such as 4,4,4,4, with a product "
            f"of at most {MAX_CODES:,}, not {config.levels!r}"
        )
    return FiniteScalarQuantizer(levels)


@hookimpl
def vaeaug_variants() -> Iterable[type[Variant]]:
    """Bring the VQ-VAE."""
    return [VQVAE]
