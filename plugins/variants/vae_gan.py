"""The VAE/GAN: a VAE whose images are compared and scored by a discriminator (Larsen et al. 2016).

Objective, per image x of class y; f are the features of the discriminator's last layer but one, D is its output, and
x~ = decode(z) with z ~ q(z|x, y), x' = decode(z') with z' ~ p(z|y):

    encoder        L + KL(q(z|x, y) || p(z|y)),  L = u |f(x) - f(x~)|^2 / 2 - v log p(x|z, y)
    decoder        gamma L - log D(x~) / 2 - log D(x') / 2
    discriminator  -log D(x) - log (1 - D(x~)) / 2 - log (1 - D(x')) / 2

As in the paper (algorithm 1) the adversarial loss does not reach the encoder, nor the likelihood the discriminator.
Different from the paper: classes; a small fraction v of the user's loss; differentiable augmentation (Zhao et al. 2020)
and spectral instead of batch normalization; features divided by their running standard deviation over real images; and
the decoder maximizes log D instead of minimizing log (1 - D) (Goodfellow et al. 2014).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus
from torch.nn.utils import parametrize

from vaeaug import GaussianVariant, ImageSpec, Latents, ReconstructionLoss, Variant, hookimpl, option
from vaeaug.nn import Augmentation, ClassPrior, ConvDecoder, Discriminator

MOMENTUM = 0.05  # short trainings take a few hundred steps: the start must be forgotten by then
MIN_VARIANCE = 1e-4  # of features: of a channel that is the same everywhere


class VAEGAN(GaussianVariant):
    """A conditional VAE whose decoder is also the generator of a GAN."""

    name = "vae-gan"
    conditional = True
    preferred_scope = "shared"  # of one class there are too few images for a discriminator
    adversarial = True
    reference = (
        "Larsen, Sonderby, Larochelle & Winther, Autoencoding beyond pixels using a learned similarity metric, "
        "ICML 2016"
    )
    small_options: ClassVar = {**GaussianVariant.small_options, "discriminator_width": 4}

    @dataclass(frozen=True)
    class Config(GaussianVariant.Config):
        """Options of the objective and of the discriminator."""

        gamma: float = option(
            0.03, "Weight of the likelihood relative to the adversarial loss, for the decoder.", minimum=0
        )
        feature_weight: float = option(1.0, "Weight u of the feature distance.", minimum=0)
        pixel_weight: float = option(0.1, "Weight v of the reconstruction loss.", minimum=0)
        augmentation: float = option(
            1.0, "Strength of the augmentation of the discriminator's input; 0 disables it.", minimum=0, maximum=2
        )
        discriminator_width: int = option(16, "Channels of the discriminator's first layer.", minimum=1, maximum=256)

    config: Config
    feature_variance_L: Tensor

    def __init__(self, spec: ImageSpec, config: Config) -> None:
        super().__init__(spec, config)
        size = {"height": spec.height, "width": spec.width, "num_classes": spec.num_classes}
        self.decoder = ConvDecoder(
            features=config.latent_dim, channels=spec.raw_channels, hidden=config.width, depth=config.depth, **size
        )
        self.discriminator = Discriminator(channels=spec.channels, hidden=config.discriminator_width, **size)
        self.class_prior = ClassPrior(spec.num_classes, config.latent_dim)
        self.register_buffer("feature_variance_L", torch.ones(self.discriminator.feature_channels))

    def prior_moments(self, y_B: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean and log-variance of p(z|y), each (B, D)."""
        moments: tuple[Tensor, Tensor] = self.class_prior(y_B)
        return moments

    def fit_prior(self, latents: Latents, generator: torch.Generator) -> None:  # noqa: ARG002
        """Set p(z|y) of every class there is to its optimum."""
        self.class_prior.fit(latents.latent, latents.scale, latents.labels_N)

    def parameter_groups(self) -> dict[str, Iterable[nn.Parameter]]:
        """Return the three networks of the paper, the prior with the encoder."""
        return {
            "encoder": [*self.encoder.parameters(), *self.class_prior.parameters()],
            "decoder": self.decoder.parameters(),
            "discriminator": self.discriminator.parameters(),
        }

    def losses(
        self, x_BCHW: Tensor, y_B: Tensor, reconstruction: ReconstructionLoss, generator: torch.Generator | None = None
    ) -> dict[str, dict[str, Tensor]]:
        """Return the three objectives; see `Variant.losses`. Without a generator z' is the prior's mean."""
        encoded = self.encode(x_BCHW, y_B, generator)
        drawn_BD = self.prior_moments(y_B)[0] if generator is None else self.prior(y_B, generator)
        raw_BRHW = self.decode(torch.cat([encoded.latent, drawn_BD.detach()]), torch.cat([y_B, y_B]))
        images = [x_BCHW, *reconstruction.image(raw_BRHW).chunk(2)]
        if generator is not None and self.config.augmentation:
            augment = self._draw_augmentation(x_BCHW, generator)
            images = [augment(each_BCHW) for each_BCHW in images]
        with parametrize.cached():  # the weights are normalized once for the three
            (real_BLHW, real_B), (fake_BLHW, fake_B), (_, drawn_B) = (self.discriminator(each, y_B) for each in images)
        likelihood = {
            "reconstruction": self.config.pixel_weight * reconstruction(raw_BRHW[: len(x_BCHW)], x_BCHW),
            "features": self.config.feature_weight * self._feature_distance(real_BLHW.detach(), fake_BLHW),
        }
        return {
            "encoder": {**likelihood, **encoded.penalties},
            "decoder": {
                **{name: self.config.gamma * value_B for name, value_B in likelihood.items()},
                "adversarial": (softplus(-fake_B) + softplus(-drawn_B)) / 2,
            },
            "discriminator": {
                "real": softplus(-real_B),
                "reconstructions": softplus(fake_B) / 2,
                "samples": softplus(drawn_B) / 2,
            },
        }

    def _draw_augmentation(self, x_BCHW: Tensor, generator: torch.Generator) -> Augmentation:
        """Draw one augmentation per image, for it and both its fakes: features are compared position by position."""
        strength = self.config.augmentation
        return Augmentation.draw(
            x_BCHW.shape,
            generator,
            translation=strength * 0.125,
            cutout=strength * 0.3,
            brightness=strength * 0.2,
            contrast=strength * 0.2,
        )

    def _feature_distance(self, real_BLHW: Tensor, fake_BLHW: Tensor) -> Tensor:
        """Return -log N(f(x); f(x~), variance) up to a constant, (B,) (paper, eq. 7)."""
        if self.training:
            variance_L = real_BLHW.square().mean(dim=(0, 2, 3)) - real_BLHW.mean(dim=(0, 2, 3)).square()
            self.feature_variance_L.lerp_(variance_L.clamp(min=MIN_VARIANCE), MOMENTUM)
        squares_BL = (fake_BLHW - real_BLHW).square().sum(dim=(2, 3))
        return 0.5 * (squares_BL / self.feature_variance_L).sum(dim=1)


@hookimpl
def vaeaug_variants() -> Iterable[type[Variant]]:
    """Bring the VAE/GAN."""
    return [VAEGAN]
