"""The consistency term: its value, what it is added to, and what it does in a training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Independent, Normal, kl_divergence
from toy_training import Linear, Squared, batches, same, weights

from vaeaug import Encoded
from vaeaug.errors import PluginError
from vaeaug.training import loop
from vaeaug.training.config import TrainingConfig
from vaeaug.training.loop import FitResult, fit
from vaeaug.training.objective import consistency, take_gradients

LABELS_B = torch.zeros(5, dtype=torch.int64)


class KilledError(Exception):
    """Stands for a killed process."""


class Shifted:
    """Moves each image to the right by 1 to 3 pixels, by its seed; can kill the training at a call."""

    def __init__(self, dies_at: int | None = None) -> None:
        self.calls, self.dies_at = 0, dies_at

    def __call__(self, pixels_BHWC: NDArray[np.uint8], seeds: Sequence[int]) -> NDArray[np.uint8]:
        self.calls += 1
        if self.calls == self.dies_at:
            raise KilledError
        return np.stack([np.roll(image, 1 + seed % 3, axis=1) for image, seed in zip(pixels_BHWC, seeds, strict=True)])


class Grouped(Linear):
    """The toy with its two latent dimensions as two groups."""

    def encode(self, x_BCHW: Tensor, y_B: Tensor, generator: torch.Generator | None = None) -> Encoded:
        encoded = super().encode(x_BCHW, y_B, generator)
        latent_BD, std_BD = encoded.latent, encoded.scale
        split = [(tensor_BD[:, :1], tensor_BD[:, 1:]) for tensor_BD in (latent_BD, std_BD)]
        return Encoded(split[0], encoded.features_BD, encoded.penalties, split[1])


class Opaque(Linear):
    """The toy without the width of its posterior."""

    def encode(self, x_BCHW: Tensor, y_B: Tensor, generator: torch.Generator | None = None) -> Encoded:
        encoded = super().encode(x_BCHW, y_B, generator)
        return Encoded(encoded.latent, encoded.features_BD, encoded.penalties)


class Players(Linear):
    """The toy with a parameter group per network."""

    def parameter_groups(self) -> dict[str, Any]:
        return {"decoder": self.decoder.parameters(), "encoder": self.encoder.parameters()}

    def losses(self, x_BCHW: Tensor, y_B: Tensor, reconstruction: Any, generator: Any = None) -> Any:
        terms = super().losses(x_BCHW, y_B, reconstruction, generator)["model"]
        return {"decoder": {"reconstruction": terms["reconstruction"]}, "encoder": terms}


def toy(kind: type[Linear] = Linear) -> Linear:
    torch.manual_seed(0)
    return kind()


def pair() -> tuple[Tensor, Tensor]:
    """Images and other images in place of their copies."""
    generator = torch.Generator().manual_seed(1)
    return torch.rand(5, 1, 8, 8, generator=generator), torch.rand(5, 1, 8, 8, generator=generator)


def train(kind: type[Linear] = Linear, copies: Any = None, **options: Any) -> tuple[dict[str, Tensor], FitResult]:
    variant, used = toy(kind), batches(seed=options.pop("batch_seed", 0))
    used.indices, used.copy_augment = used.indices[16:], copies
    path = options.pop("checkpoint", None)
    steps = options.pop("steps", 40)
    config = TrainingConfig(patience=0, **options)
    result = fit(variant, Squared(), used, config, steps=steps, validation=np.arange(16), seed=3, checkpoint=path)
    return weights(variant), result


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Validate and write a checkpoint every five steps."""
    monkeypatch.setattr(loop, "steps_between", lambda *_: 5)
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)


@pytest.mark.parametrize("kind", [Linear, Grouped])
def test_it_is_the_kl_of_the_copys_posterior_against_the_images(kind: type[Linear]) -> None:
    variant, (x_BCHW, copies_BCHW) = toy(kind), pair()
    posteriors = []
    for images_BCHW in (copies_BCHW, x_BCHW):
        mean_BD, logvar_BD = variant.encoder(images_BCHW.flatten(1)).chunk(2, dim=1)
        posteriors.append(Independent(Normal(mean_BD, (0.5 * logvar_BD).exp()), 1))
    found_B = consistency(variant, x_BCHW, copies_BCHW, LABELS_B)
    torch.testing.assert_close(found_B, kl_divergence(*posteriors))
    assert not torch.allclose(found_B, kl_divergence(*posteriors[::-1]), rtol=0.01)
    assert consistency(variant, x_BCHW, x_BCHW, LABELS_B).abs().max() < 1e-5


def test_its_gradient_reaches_both_posteriors() -> None:
    variant, (x_BCHW, copies_BCHW) = toy(), pair()
    images = [each.requires_grad_() for each in (x_BCHW, copies_BCHW)]
    gradients = torch.autograd.grad(consistency(variant, *images, LABELS_B).sum(), images)
    assert all(gradient.abs().max() > 0 for gradient in gradients)


@pytest.mark.parametrize("kind", [Linear, Players])
@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_the_gradient_is_that_of_both_objectives_and_the_term_which_is_not_annealed(
    kind: type[Linear], weight: float
) -> None:
    """Whatever the groups of the parameters, each gets the gradient of the term once."""
    variant, (x_BCHW, copies_BCHW) = toy(kind), pair()
    groups = {name: list(parameters) for name, parameters in variant.parameter_groups().items()}
    total = 7 * consistency(variant, x_BCHW, copies_BCHW, LABELS_B).mean()
    for images_BCHW in (x_BCHW, copies_BCHW):
        terms = list(variant.losses(images_BCHW, LABELS_B, Squared()).values())[-1]
        total = total + terms["reconstruction"].mean() + weight * terms["kl"].mean()
    parameters = list(variant.parameters())
    expected = torch.autograd.grad(total, parameters)
    take_gradients(variant, variant.losses(x_BCHW, LABELS_B, Squared()), groups, weight, 0.0)
    term = 7 * consistency(variant, x_BCHW, copies_BCHW, LABELS_B).mean()
    losses = variant.losses(copies_BCHW, LABELS_B, Squared())
    take_gradients(variant, losses, groups, weight, 0.0, consistency_term=term)
    for parameter, gradient in zip(parameters, expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient)


@pytest.mark.parametrize("kind", [Linear, Players])
def test_training_with_it_brings_the_posteriors_together(kind: type[Linear]) -> None:
    options: dict[str, Any] = {"learning_rate": 0.02, "ema": 0.0, "steps": 150}
    distances = {}
    for weight in (1e-6, 100.0):
        _, result = train(kind, Shifted(), consistency=weight, **options)
        distances[weight] = result.history[-1]["train"]["consistency"] / weight
    assert distances[100.0] < 0.1 * distances[1e-6]


def test_history_has_the_weighted_term_and_validation_includes_it() -> None:
    _, result = train(copies=Shifted(), consistency=4.0, steps=20, ema=0.0)
    first, last = result.history[0], result.history[-1]
    assert list(last["train"]) == list(last["validation"]) == ["reconstruction", "kl", "consistency"]
    assert last["annealed"] == ["kl"]
    assert result.validation_loss == min(sum(row["validation"].values()) for row in result.history)
    used = batches()
    used.copy_augment = Shifted()
    x_BCHW = torch.from_numpy(np.resize(used.pixels_NHWC[:16], (64, 8, 8, 1))).permute(0, 3, 1, 2) / 255
    kl_B = consistency(toy(), x_BCHW, used.augmented(x_BCHW, "validation", 0), torch.zeros(64, dtype=torch.int64))
    assert first["validation"]["consistency"] == pytest.approx(4.0 * kl_B.mean().item(), rel=1e-5)


def test_without_it_nothing_changes() -> None:
    copies = Shifted()
    kept, result = train(copies=copies, consistency=0.0)
    plain, without = train()
    assert same(kept, plain)
    assert result.history == without.history
    assert copies.calls == 0
    assert "consistency" not in result.history[-1]["train"] | result.history[-1]["validation"]


def test_a_training_is_a_function_of_its_seeds() -> None:
    kept, result = train(copies=Shifted(), consistency=1.0)
    again, repeated = train(copies=Shifted(), consistency=1.0)
    assert same(kept, again)
    assert result.history == repeated.history
    assert not same(kept, train(copies=Shifted(), consistency=1.0, batch_seed=1)[0])


def test_a_killed_training_resumes_with_the_same_bits(often: None, tmp_path: Path) -> None:
    straight, result = train(copies=Shifted(), consistency=1.0, checkpoint=tmp_path / "straight")
    path = tmp_path / "checkpoint"
    with pytest.raises(KilledError):
        train(copies=Shifted(dies_at=32), consistency=1.0, checkpoint=path)
    assert path.exists()
    resumed, again = train(copies=Shifted(), consistency=1.0, checkpoint=path)
    assert same(resumed, straight)
    assert again.history == result.history


def test_copies_differ_between_images_steps_and_validations() -> None:
    used, seeds = batches(), []
    used.copy_augment = lambda pixels_BHWC, given: seeds.append(tuple(given)) or pixels_BHWC
    x_BCHW, _ = used.get(0)
    for names in (("training", 0), ("training", 1), ("validation", 0), ("training", 0)):
        assert torch.equal(used.augmented(x_BCHW, *names), x_BCHW)
    assert seeds[0] == seeds[3]
    assert len({seed for given in seeds[:3] for seed in given}) == 3 * len(x_BCHW)


def test_a_variant_without_a_gaussian_posterior_is_refused() -> None:
    with pytest.raises(PluginError, match="variant 'toy' has no Gaussian posterior"):
        train(Opaque, Shifted(), consistency=1.0)


def test_batches_without_copies_are_refused() -> None:
    with pytest.raises(ValueError, match="copy_augment"):
        train(consistency=1.0)
