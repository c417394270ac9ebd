"""VAE/GAN: which loss reaches which network, the game's balance, and that it trains the same twice."""

import math

import pytest
import torch
from torch import Tensor
from toy_training import batches, same, weights
from vaeaug_plugins.losses.mse import MSE
from vaeaug_plugins.variants.vae_gan import VAEGAN

from vaeaug import ImageSpec
from vaeaug.contracts import parse_options
from vaeaug.training.config import TrainingConfig
from vaeaug.training.loop import fit

SPEC = ImageSpec(channels=1, height=12, width=12, num_classes=2, raw_channels=1)


def make(spec: ImageSpec = SPEC, **options: object) -> VAEGAN:
    torch.manual_seed(0)
    return VAEGAN(spec, parse_options(VAEGAN.Config, options, "vae-gan")).train()


def batch(count: int = 8) -> tuple[Tensor, Tensor]:
    return torch.rand((count, 1, 12, 12), generator=torch.Generator().manual_seed(1)), torch.arange(count) % 2


def losses(model: VAEGAN, seed: int | None = 0) -> dict[str, dict[str, Tensor]]:
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    return model.losses(*batch(), MSE(SPEC, None).train(), generator)


def gradient(model: VAEGAN, terms: dict[str, Tensor], group: str) -> Tensor:
    """The gradient of a group's terms at the parameters of a group, as one vector."""
    parameters = list(model.parameter_groups()[group])
    total = torch.stack([value.mean() for value in terms.values()]).sum()
    found = torch.autograd.grad(total, parameters, retain_graph=True, allow_unused=True)
    pairs = zip(parameters, found, strict=True)
    return torch.cat([torch.zeros_like(p).flatten() if g is None else g.flatten() for p, g in pairs])


def without_scores(model: VAEGAN) -> VAEGAN:
    """Let the discriminator score every image 0; its features stay."""
    model.discriminator.register_forward_hook(lambda _module, _inputs, outputs: (outputs[0], 0 * outputs[1]))
    return model


def test_the_game_reaches_the_decoder_and_not_the_encoder() -> None:
    playing, idle = make(), without_scores(make())
    routes = {}
    for group in ("encoder", "decoder"):
        routes[group] = [gradient(model, losses(model)[group], group) for model in (playing, idle)]
    assert torch.equal(*routes["encoder"])
    assert not torch.allclose(*routes["decoder"])


@pytest.mark.parametrize("group", ["encoder", "decoder"])
def test_the_feature_distance_reaches_encoder_and_decoder(group: str) -> None:
    model = make()
    assert gradient(model, {"features": losses(model)[group]["features"]}, group).norm() > 0


def test_the_discriminator_learns_from_the_game_alone() -> None:
    model = make()
    other = make(feature_weight=7.0, pixel_weight=3.0, gamma=0.5)
    mine, theirs = (gradient(m, losses(m)["discriminator"], "discriminator") for m in (model, other))
    assert torch.equal(mine, theirs)


def test_gamma_weighs_the_decoders_likelihood_against_the_game() -> None:
    terms = losses(make(gamma=0.25))
    for name in ("reconstruction", "features"):
        assert torch.allclose(terms["decoder"][name], 0.25 * terms["encoder"][name])
    assert "kl" in terms["encoder"]
    assert "kl" not in terms["decoder"]


def test_a_discriminator_that_knows_nothing_costs_two_log_two() -> None:
    terms = losses(without_scores(make()))
    assert sum(terms["discriminator"].values()).tolist() == pytest.approx([2 * math.log(2)] * 8)
    assert terms["decoder"]["adversarial"].tolist() == pytest.approx([math.log(2)] * 8)


def test_a_perfect_reconstruction_has_no_feature_distance() -> None:
    model, (x_BCHW, y_B) = make(), batch()

    class Oracle(MSE):
        """Takes every raw output for the real images."""

        def image(self, raw_BRHW: Tensor) -> Tensor:
            return x_BCHW.repeat(len(raw_BRHW) // len(x_BCHW), 1, 1, 1) + 0 * raw_BRHW

    terms = model.losses(x_BCHW, y_B, Oracle(SPEC, None), torch.Generator().manual_seed(0))
    assert terms["encoder"]["features"].abs().max() < 1e-6
    assert losses(model)["encoder"]["features"].min() > 1


def test_without_a_generator_the_losses_are_the_same_twice() -> None:
    model = make().eval()
    first, second = (losses(model, None) for _ in range(2))
    for group, terms in first.items():
        for name, value_B in terms.items():
            assert torch.equal(value_B, second[group][name])


def test_the_discriminator_pulls_ahead_of_a_decoder_that_stands_still() -> None:
    model = make()
    parameters = list(model.parameter_groups()["discriminator"])
    optimizer = torch.optim.AdamW(parameters, lr=3e-3)
    costs = []
    for step in range(40):
        total = sum(losses(model, step)["discriminator"].values()).mean()
        for parameter, found in zip(parameters, torch.autograd.grad(total, parameters), strict=True):
            parameter.grad = found
        optimizer.step()
        costs.append(total.item())
    assert costs[0] > 1.2
    assert sum(costs[-5:]) / 5 < 0.7


def test_two_trainings_give_the_same_bytes() -> None:
    ended = []
    for _ in range(2):
        model = make(ImageSpec(channels=1, height=8, width=8, num_classes=2, raw_channels=1))
        loss = MSE(model.spec, None)
        fit(model, loss, batches(), TrainingConfig(), steps=12, validation=batches().indices[:16], seed=3)
        ended.append(weights(model))
    assert same(*ended)
