"""Sample from a Gaussian mixture fitted to the class's latents after training.

A VAE's posteriors do not fill N(0, I) evenly; a density fitted to them afterwards is better almost everywhere (Ghosh et
al. 2020, arXiv:1903.12436, sec. 5: ex-post density estimation).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from vaeaug import Draw, Latent, Sampler, SamplingCase, hookimpl
from vaeaug.contracts import flatten, seed_of, unflatten
from vaeaug.nn import standard_normal

MAX_COMPONENTS = 10
IMAGES_PER_COMPONENT = 50
MAX_POINTS = 10_000  # bounds the time of a fit to seconds
MAX_FULL_DIMENSIONS = 512  # beyond, covariances are diagonal


class MixtureSampler(Sampler):
    """Draws from a Gaussian mixture fitted to the latents of the class: one component per 50 images, at most ten.

    It is fitted to draws from the posteriors of the training images, not to their means, so that few images do not make
    its covariances singular.
    """

    name = "mixture"
    reference = "Ghosh et al., From Variational to Deterministic Autoencoders, ICLR 2020, arXiv:1903.12436"
    continuous = True

    @classmethod
    def is_recommended_for(cls, case: SamplingCase) -> bool:
        """Return whether there is a density to fit and no real image to edit."""
        return case.is_continuous and (case.is_indexed or not case.has_originals)

    def fit(self, seed: int) -> None:
        """Fit the mixture."""
        from sklearn.mixture import GaussianMixture  # noqa: PLC0415 (seconds that only this sampler needs)

        flat_ND = _matrix(self.latents.latent)
        scale = self.latents.scale
        scale_ND = None if scale is None else _matrix(scale)
        self._structure = self.latents.latent
        points_PD = _points(flat_ND, scale_ND, seed_of(seed, "mixture points", self.label))
        components = int(np.clip(len(flat_ND) // IMAGES_PER_COMPONENT, 1, MAX_COMPONENTS))
        full = points_PD.shape[1] <= MAX_FULL_DIMENSIONS
        with threadpool_limits(1):  # one thread: the same sums, bit for bit, on any number of cores
            mixture = GaussianMixture(
                n_components=components,
                covariance_type="full" if full else "diag",
                reg_covar=1e-4 * float(points_PD.var(axis=0).mean()) + 1e-6,
                max_iter=100,
                random_state=seed_of(seed, "mixture", self.label) % 2**32,
            ).fit(points_PD)
            factor = np.linalg.cholesky(mixture.covariances_) if full else np.sqrt(mixture.covariances_)
        self._weights_K = torch.from_numpy(mixture.weights_).double()
        self._means_KD = torch.from_numpy(mixture.means_).float()
        self._factor = torch.from_numpy(factor).float()

    def draw(self, start: int, count: int, generator: torch.Generator) -> Draw:  # noqa: ARG002
        """Draw from the mixture."""
        component_B = torch.multinomial(
            self._weights_K.to(generator.device), count, replacement=True, generator=generator
        ).cpu()
        noise_BD = standard_normal((count, self._means_KD.shape[1]), generator).cpu()
        factor = self._factor[component_B]
        offset_BD = torch.einsum("bij,bj->bi", factor, noise_BD) if factor.ndim == 3 else factor * noise_BD
        flat_BD = self._means_KD[component_B] + offset_BD
        return Draw(unflatten(flat_BD, self._structure), (None,) * count)


@hookimpl
def vaeaug_samplers() -> Iterable[type[Sampler]]:
    """Bring the sampler `mixture`."""
    return [MixtureSampler]


def _matrix(latent: Latent) -> NDArray[np.float64]:
    """Return a latent as one matrix (N, D)."""
    return np.asarray(flatten(latent).numpy(), np.float64)


def _points(flat_ND: NDArray[np.float64], scale_ND: NDArray[np.float64] | None, seed: int) -> NDArray[np.float64]:
    """Return draws from the posteriors: as many an image as makes ten a dimension, within bounds."""
    count, dimensions = flat_ND.shape
    if scale_ND is None:
        return flat_ND if count > 1 else np.repeat(flat_ND, 2, axis=0)
    rng = np.random.default_rng(seed)
    repeats = int(np.clip(20 * dimensions // count, 1, max(1, MAX_POINTS // count))) + 1
    chosen = np.tile(rng.permutation(count), repeats)[:MAX_POINTS]
    noise: NDArray[np.float64] = rng.standard_normal((len(chosen), dimensions))
    return flat_ND[chosen] + scale_ND[chosen] * noise
