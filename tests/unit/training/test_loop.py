"""The training loop: groups of parameters, moving average, which weights are kept, and when it ends."""

import time
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from toy_training import SPEC, Linear, Squared, batches, same, train, weights

from vaeaug import Encoded, Variant
from vaeaug.training import loop, validation
from vaeaug.training.checkpoint import TrainingProgress
from vaeaug.training.collapse import ActiveUnits
from vaeaug.training.config import TrainingConfig
from vaeaug.training.schedules import learning_rate
from vaeaug.training.validation import reason_to_stop


class Recorder(Squared):
    """Keeps the variant's weights at the beginning of every step."""

    def __init__(self, variant: Variant, factor: Any = lambda _: 1.0) -> None:
        super().__init__(factor)
        self.seen: list[dict[str, Tensor]] = []
        self._watched = [variant]  # in a list, so that it is no submodule

    def forward(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> Tensor:
        if self.training:
            self.seen.append(weights(self._watched[0]))
        return super().forward(raw_BRHW, x_BCHW)


class TwoPlayers(Variant):
    """Two numbers with opposed aims, each in a group of its own: left wants to meet right, right wants to flee."""

    name = "two-players"

    def __init__(self) -> None:
        super().__init__(SPEC, None)
        self.left, self.right = nn.Parameter(torch.tensor(1.0)), nn.Parameter(torch.tensor(3.0))

    def parameter_groups(self) -> dict[str, Any]:
        return {"left": [self.left], "right": [self.right]}

    def losses(self, x_BCHW: Tensor, y_B: Tensor, reconstruction: Any, generator: Any = None) -> Any:
        distance_B = (self.left - self.right).square().expand(len(y_B))
        return {"left": {"distance": distance_B}, "right": {"closeness": -distance_B}}

    def encode(self, x_BCHW: Tensor, y_B: Tensor, generator: Any = None) -> Encoded:
        return Encoded(x_BCHW.flatten(1), x_BCHW.flatten(1))

    def decode(self, latent: Any, y_B: Tensor) -> Tensor:
        raise NotImplementedError

    def prior(self, y_B: Tensor, generator: Any) -> Any:
        raise NotImplementedError


def test_training_lowers_the_validation_loss() -> None:
    _, result = train(steps=300, learning_rate=0.01)
    first, last = (sum(row["validation"].values()) for row in (result.history[0], result.history[-1]))
    assert last < 0.8 * first
    assert result.stopped == "all 300 steps done"
    assert (result.steps, result.images) == (300, 2400)


def test_a_groups_gradient_goes_to_its_own_parameters_and_losses_are_evaluated_before_any_step() -> None:
    config = {"learning_rate": 0.05, "weight_decay": 0.0, "clip": 0.0, "ema": 0.0}
    variant, _ = train(TwoPlayers(), steps=7, validate=0, **config)
    left, right = torch.tensor(1.0), torch.tensor(3.0)
    players = [torch.optim.AdamW([p], betas=(0.9, 0.99), weight_decay=0.0) for p in (left, right)]
    for step in range(7):
        distance = float(left - right)  # both gradients belong to the same point
        left.grad, right.grad = torch.tensor(2 * distance), torch.tensor(2 * distance)
        for player in players:
            player.param_groups[0]["lr"] = learning_rate(step / 7, TrainingConfig(**config))
            player.step()
    assert variant.left.item() == pytest.approx(float(left), abs=1e-6)
    assert variant.right.item() == pytest.approx(float(right), abs=1e-6)
    assert variant.right > variant.left > 1


def test_learnable_parameters_of_the_loss_are_trained_too() -> None:
    loss = Squared()
    loss.offset = nn.Parameter(torch.zeros(()))
    loss.register_forward_hook(lambda module, _, out_B: out_B + (module.offset - 5).square())
    train(loss=loss, steps=50, learning_rate=0.1)
    assert loss.offset.item() > 1


def test_the_kept_weights_are_the_moving_average() -> None:
    torch.manual_seed(0)
    variant = Linear()
    loss = Recorder(variant)
    steps, decay_a_step = 16, 0.6
    train(variant, loss, steps=steps, validate=0, ema=decay_a_step, learning_rate=0.05)
    average = loss.seen[0]
    for step in range(0, steps, loop.EMA_EVERY):
        after = loss.seen[step + 1]
        decay = min(decay_a_step, (1 + step) / (10 + step)) ** loop.EMA_EVERY
        average = {name: decay * average[name] + (1 - decay) * after[name] for name in average}
    for name, tensor in weights(variant).items():
        torch.testing.assert_close(tensor, average[name], rtol=1e-5, atol=1e-6)
    assert not same(weights(variant), loss.seen[-1])


def test_the_best_weights_are_kept_and_not_the_last() -> None:
    torch.manual_seed(0)
    variant = Linear()
    loss = Recorder(variant, lambda call: 1.0 if call < 30 else -1.0)  # from step 30 on it is made worse
    _, result = train(
        variant, loss, steps=60, ema=0.0, learning_rate=0.02, patience=0, kl_annealing="none", validate_every=5
    )
    assert 30 <= result.best_step <= 40  # momentum carries it on a little
    assert same(weights(variant), loss.seen[result.best_step])
    totals = {row["step"]: sum(row["validation"].values()) for row in result.history}
    assert result.validation_loss == min(totals.values()) == totals[result.best_step] < totals[60]


def test_a_start_that_is_never_beaten_is_kept() -> None:
    torch.manual_seed(0)
    variant = Linear()
    before = weights(variant)
    _, result = train(variant, Squared(lambda _: -1.0), steps=20, kl_annealing="none")
    assert result.best_step == 0
    assert same(weights(variant), before)


def test_without_validation_images_the_last_weights_are_kept() -> None:
    torch.manual_seed(0)
    variant = Linear()
    before = weights(variant)
    _, result = train(variant, Squared(lambda _: -1.0), steps=20, validate=0)
    assert (result.best_step, result.validation_loss) == (20, None)
    assert not same(weights(variant), before)


def test_training_stops_early_and_says_why() -> None:
    loss = Squared(lambda call: 1.0 if call < 30 else -1.0)
    _, result = train(
        loss=loss, steps=1000, ema=0.0, patience=3, kl_annealing="none", learning_rate=0.02, warmup=0, validate_every=5
    )
    assert 30 <= result.best_step <= 40
    assert result.steps == result.best_step + 3 * 5
    assert result.stopped == f"no improvement on the validation images since step {result.best_step}"


def test_getting_worse_while_the_kl_weight_rises_stops_nothing() -> None:
    loss = Squared(lambda _: -1.0)
    _, result = train(loss=loss, steps=40, patience=1, kl_annealing="linear", kl_warmup=1.0, validate_every=5)
    assert result.steps == 40


def test_the_reasons_to_stop() -> None:
    config = TrainingConfig(patience=2, time_budget=60)
    assert reason_to_stop(TrainingProgress(step=5, bad_checks=1), 10, config, out_of_time=False) is None
    assert reason_to_stop(TrainingProgress(step=10), 10, config, out_of_time=True) == "all 10 steps done"
    assert (
        reason_to_stop(TrainingProgress(step=5), 10, config, out_of_time=True) == "the time budget of 60 s is used up"
    )
    assert "since step 3" in str(
        reason_to_stop(TrainingProgress(step=5, best_step=3, bad_checks=2), 10, config, out_of_time=False)
    )
    assert reason_to_stop(TrainingProgress(bad_checks=99), 10, TrainingConfig(patience=0), out_of_time=False) is None


def test_a_time_budget_ends_the_training_and_drives_its_schedules() -> None:
    began = time.monotonic()
    _, result = train(steps=10_000_000, time_budget=0.6, patience=0)
    assert 0.6 <= time.monotonic() - began < 5
    assert result.stopped == "the time budget of 0.6 s is used up"
    last = result.history[-1]
    assert last["kl_weight"] == 1
    assert last["learning_rate"] < 0.05 * TrainingConfig().learning_rate


@pytest.mark.usefixtures("counted_clock")
def test_a_time_budget_is_validated_along_the_way() -> None:
    """Otherwise only the last weights could be kept, and training could not continue from anything."""
    _, result = train(steps=10_000_000, time_budget=20.0, patience=0)
    assert result.stopped == "the time budget of 20 s is used up"
    assert 3 < len(result.history) <= 2 + validation.VALIDATIONS


def test_gradients_are_clipped_to_their_running_average() -> None:
    def last_norm(clip: float, factor: float) -> float:
        variant, _ = train(loss=Squared(lambda call: factor if call == 39 else 1.0), steps=40, clip=clip)
        return float(torch.nn.utils.get_total_norm([p.grad for p in variant.parameters() if p.grad is not None]))

    usual = last_norm(clip=0.0, factor=1.0)
    assert last_norm(clip=0.0, factor=1e6) > 1e5 * usual
    assert last_norm(clip=3.0, factor=1e6) < 50 * usual  # the average remembers the great gradients of the beginning
    assert last_norm(clip=3.0, factor=1.0) == pytest.approx(usual)


def test_the_same_seed_gives_the_same_weights_and_the_callers_random_numbers_are_untouched() -> None:
    one, _ = train(steps=30)
    torch.manual_seed(99)
    state = torch.random.get_rng_state()
    other, _ = train(Linear_of_seed_0(), steps=30)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert same(weights(one), weights(other))


def Linear_of_seed_0() -> Linear:  # noqa: N802 (it is one)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Linear()


def test_the_history_tells_of_every_validation() -> None:
    _, result = train(steps=20, validate_every=5)
    assert [row["step"] for row in result.history] == [0, 5, 10, 15, 20]
    row = result.history[-1]
    assert row["train"].keys() == row["validation"].keys() == {"reconstruction", "kl"}
    assert row["epoch"] == pytest.approx(20 / batches(count=48).per_epoch, abs=0.01)


def test_collapse_is_measured_on_the_training_images() -> None:
    class Deaf(Linear):
        """An encoder that ignores the image."""

        def encode(self, x_BCHW: Tensor, y_B: Tensor, generator: Any = None) -> Encoded:
            return super().encode(0 * x_BCHW, y_B, generator)

    torch.manual_seed(0)
    _, result = train(Deaf(), steps=20)
    assert result.units == ActiveUnits(0, 2)
    assert result.units.collapsed


def test_progress_is_told_with_rate_and_losses() -> None:
    ticks = []
    train(steps=10, report=ticks.append)
    assert ticks
    assert ticks[0].numbers.keys() == {"reconstruction", "kl"}
    assert np.all([0 <= tick.done <= 1 for tick in ticks])
    assert ticks[0].rate > 0


def test_every_step_draws_noise_of_its_own_and_a_seed_settles_it() -> None:
    class Listening(Linear):
        """Keeps the noise it is given."""

        def __init__(self) -> None:
            super().__init__()
            self.heard: list[Tensor] = []

        def encode(self, x_BCHW: Tensor, y_B: Tensor, generator: Any = None) -> Encoded:
            if self.training:
                self.heard.append(torch.randn(4, generator=generator))
                self.heard.append(torch.rand(4))  # as dropout draws it
            return super().encode(x_BCHW, y_B, generator)

    one, other = Listening(), Listening()
    train(one, steps=10)
    train(other, steps=10)
    values = torch.cat(one.heard)
    assert len(values.unique()) == len(values) == 80
    assert torch.equal(values, torch.cat(other.heard))


def test_validating_more_often_leaves_the_training_as_it_is() -> None:
    def seen(every: int) -> list[dict[str, Tensor]]:
        torch.manual_seed(0)
        variant = Linear()
        loss = Recorder(variant)
        train(variant, loss, steps=12, ema=0.9, validate_every=every)
        return loss.seen

    assert all(same(often, rarely) for often, rarely in zip(seen(2), seen(100), strict=True))
