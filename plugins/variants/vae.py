"""The variational autoencoder (Kingma & Welling 2014, arXiv:1312.6114).

Objective, per image:  -log p(x|z) + KL(q(z|x) || N(0, I)),  z ~ q(z|x).
"""

from collections.abc import Iterable

from vaeaug import GaussianVariant, Variant, hookimpl


class VAE(GaussianVariant):
    """A Gaussian posterior, a standard normal prior, no labels."""

    name = "vae"
    reference = "Kingma & Welling, Auto-Encoding Variational Bayes, ICLR 2014, arXiv:1312.6114"


@hookimpl
def vaeaug_variants() -> Iterable[type[Variant]]:
    """Bring the VAE."""
    return [VAE]
