"""The geometry-aware variational autoencoder (RHVAE) with manifold sampling, a plugin for vaeaug."""

from vaeaug_rhvae.variant import RHVAE

__all__ = ["RHVAE"]
