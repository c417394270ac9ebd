"""The metric's closed forms against the formula written out, and against automatic differentiation."""

import torch

from vaeaug_rhvae.metric import Metric, factor, log_volume


def metric(own: list[list[bool]], latent_dim: int = 3, seed: int = 0) -> Metric:
    torch.manual_seed(seed)
    centroids = torch.randn(len(own[0]), latent_dim, dtype=torch.float64)
    factors = torch.randn(len(own[0]), latent_dim, latent_dim, dtype=torch.float64).tril()
    return Metric(centroids, factors, torch.tensor(own), temperature=1.3, regularization=0.05)


def test_the_inverse_metric_is_a_sum_over_the_centroids_of_the_class() -> None:
    own = [[True, True, False, True], [False, False, True, False]]
    built = metric(own)
    z = torch.randn(2, 3, dtype=torch.float64)
    inverse = built.inverse(built.kernel(z))
    for row in range(2):
        expected = 0.05 * torch.eye(3, dtype=torch.float64)
        for i in (i for i in range(4) if own[row][i]):
            offset = z[row] - built.centroids_KD[i]
            expected += built.factors_KDD[i] @ built.factors_KDD[i].T * torch.exp(-(offset @ offset) / 1.3**2)
        torch.testing.assert_close(inverse[row], expected)
    torch.testing.assert_close(log_volume(factor(inverse)), 0.5 * inverse.logdet())


def test_the_closed_gradients_are_those_of_the_log_volume_and_of_the_kinetic_energy() -> None:
    built = metric([[True] * 4] * 5)
    z = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    rho = torch.randn(5, 3, dtype=torch.float64)
    kernel = built.kernel(z)
    inverse = built.inverse(kernel)
    (of_volume,) = torch.autograd.grad(0.5 * inverse.logdet().sum(), z, retain_graph=True)
    torch.testing.assert_close(built.half_gradient(z, kernel, inverse.inverse()), of_volume)
    (of_energy,) = torch.autograd.grad(0.5 * torch.einsum("bi,bij,bj->", rho, inverse, rho), z, retain_graph=True)
    torch.testing.assert_close(built.half_gradient(z, kernel, rho[:, :, None] * rho[:, None]), of_energy)


def test_a_matrix_that_has_no_factor_gives_a_nan_and_no_exception() -> None:
    both = torch.stack([torch.eye(2), -torch.eye(2)])
    assert log_volume(factor(both)).isnan().tolist() == [False, True]
