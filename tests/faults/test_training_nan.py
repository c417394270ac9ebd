"""A loss that breaks while training: go back, learn more slowly, and give up with a message that names the term."""

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor
from toy_training import Linear, Squared, weights
from toy_training import train as train_toy

from vaeaug.errors import InputError, VaeaugError
from vaeaug.training.config import TrainingConfig
from vaeaug.training.schedules import learning_rate

NAN, INF = float("nan"), float("inf")
train = partial(train_toy, validate_every=5)


class Rooted(Squared):
    """Adds the square root of zero in some calls: the value is 0, its gradient is not finite."""

    def __init__(self, broken: Any) -> None:
        super().__init__()
        self.broken = broken

    def forward(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> Tensor:
        value_B = super().forward(raw_BRHW, x_BCHW)
        if self.training and self.broken(self.calls):
            value_B = value_B + (0 * raw_BRHW.sum(dim=(1, 2, 3))).sqrt()
        return value_B


def _rates(result: Any) -> dict[int, float]:
    """Learning rate by step, as a share of what the schedule says."""
    config = TrainingConfig()
    return {
        row["step"]: row["learning_rate"] / learning_rate(max(row["step"] - 1, 0) / 40, config)
        for row in result.history
    }


@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_a_broken_step_is_undone_and_the_rate_halved(value: float) -> None:
    loss = Squared(lambda call: value if call == 17 else 1.0)
    variant, result = train(loss=loss, steps=40)
    assert result.stopped == "all 40 steps done"
    assert [row["step"] for row in result.history] == [0, 5, 10, 15, 20, 25, 30, 35, 40]  # none is told of twice
    assert _rates(result) == pytest.approx({0: 1, 5: 1, 10: 1, 15: 1, 20: 0.5, 25: 0.5, 30: 0.5, 35: 0.5, 40: 0.5})
    assert loss.calls == 40 + 3  # steps 15 and 16 again, and the broken one
    assert all(torch.isfinite(tensor).all() for tensor in weights(variant).values())


def test_each_return_halves_the_rate() -> None:
    loss = Squared(lambda call: NAN if call in (6, 13, 26) else 1.0)
    _, result = train(loss=loss, steps=40)
    assert _rates(result)[40] == pytest.approx(1 / 8)


def test_steps_before_a_break_are_as_if_nothing_had_happened() -> None:
    _, plain = train(steps=40)
    _, broken = train(loss=Squared(lambda call: NAN if call == 17 else 1.0), steps=40)
    assert broken.history[:4] == plain.history[:4]
    assert broken.history[4] != plain.history[4]


def test_what_stays_broken_is_given_up_after_three_returns_with_the_name_of_the_term() -> None:
    loss = Squared(lambda _: NAN)
    with pytest.raises(VaeaugError) as caught:
        train(loss=loss, steps=40)
    message = str(caught.value)
    assert loss.calls == 4
    assert not isinstance(caught.value, InputError)
    assert "'reconstruction' is not finite" in message
    assert "3 returns" in message
    assert "--learning-rate" in message
    assert "\n" not in message


def test_a_broken_kl_is_named() -> None:
    class Overflowing(Linear):
        def losses(self, *args: Any) -> Any:
            terms = super().losses(*args)["model"]
            return {"model": {**terms, "kl": terms["kl"] + INF}}

    with pytest.raises(VaeaugError, match="'kl' is not finite"):
        train(Overflowing(), steps=40, validate=0)


def test_a_gradient_that_is_not_finite_counts_as_broken() -> None:
    variant, result = train(loss=Rooted(lambda call: call == 12), steps=40)
    assert result.steps == 40
    assert _rates(result)[40] == pytest.approx(0.5)
    assert all(torch.isfinite(tensor).all() for tensor in weights(variant).values())
    with pytest.raises(VaeaugError, match="gradient of model"):
        train(loss=Rooted(lambda _: True), steps=40)


def test_a_group_whose_loss_breaks_is_not_hidden_by_a_term_of_the_same_name_in_another() -> None:
    class TwoGroups(Linear):
        def parameter_groups(self) -> Any:
            return {"encoder": self.encoder.parameters(), "decoder": self.decoder.parameters()}

        def losses(self, *args: Any) -> Any:
            terms = super().losses(*args)["model"]
            return {"encoder": {**terms, "kl": terms["kl"] * NAN}, "decoder": terms}

    with pytest.raises(VaeaugError, match="'kl' is not finite"):
        train(TwoGroups(), steps=10, validate=0)
