"""The conditional variational autoencoder (Sohn, Lee & Yan 2015).

Objective, per image:  -log p(x|z, y) + KL(q(z|x, y) || N(0, I)),  z ~ q(z|x, y).
"""

from collections.abc import Iterable

from vaeaug import GaussianVariant, Variant, hookimpl


class CVAE(GaussianVariant):
    """A VAE whose encoder and decoder both see the class."""

    name = "cvae"
    conditional = True
    default = True
    reference = (
        "Sohn, Lee & Yan, Learning Structured Output Representation using Deep Conditional Generative Models, NIPS 2015"
    )


@hookimpl
def vaeaug_variants() -> Iterable[type[Variant]]:
    """Bring the CVAE."""
    return [CVAE]
