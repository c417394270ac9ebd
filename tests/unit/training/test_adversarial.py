"""Variants whose losses are a game: the last weights are kept, and no validation loss ends or judges the training."""

import numpy as np
import pytest
import torch
from toy_training import Linear, Squared, batches, same, train, weights

from vaeaug.training.config import TrainingConfig
from vaeaug.training.loop import fit


class Game(Linear):
    """The toy, declared to be trained by a game."""

    adversarial = True


def climbing() -> Squared:
    """A loss that training drives up, so that every validation is worse than the one before."""
    return Squared(lambda _: -1.0)


def toy(kind: type[Linear]) -> Linear:
    torch.manual_seed(0)
    return kind()


OPTIONS = {"kl_annealing": "none", "patience": 2, "ema": 0.0}
OFTEN = {"validate_every": 5}


def test_a_worsening_validation_loss_ends_an_ordinary_training_and_no_game() -> None:
    _, ordinary = train(toy(Linear), climbing(), steps=60, **OPTIONS, **OFTEN)
    _, game = train(toy(Game), climbing(), steps=60, **OPTIONS, **OFTEN)
    assert (ordinary.steps, ordinary.best_step) == (10, 0)
    assert (game.steps, game.best_step) == (60, 60)
    assert game.stopped == "all 60 steps done"


def test_a_game_ends_with_its_last_weights() -> None:
    kept, _ = train(toy(Game), climbing(), steps=60, **OPTIONS, **OFTEN)
    unvalidated = toy(Game)  # without validation images the last weights are kept, whatever the variant
    used = batches()
    used.indices = used.indices[16:]
    fit(
        unvalidated, climbing(), used, TrainingConfig(**OPTIONS), steps=60, validation=np.empty(0, int), seed=3, **OFTEN
    )
    assert same(weights(kept), weights(unvalidated))


def test_a_game_ends_with_the_moving_average_of_its_weights() -> None:
    plain, _ = train(toy(Game), climbing(), steps=60, **OPTIONS, **OFTEN)
    averaged, _ = train(toy(Game), climbing(), steps=60, **OPTIONS | {"ema": 0.998}, **OFTEN)
    start = weights(toy(Game))["decoder.weight"]
    moved = [(model.decoder.weight - start).norm() for model in (averaged, plain)]
    assert 0 < moved[0] < moved[1]  # an average lags behind what is averaged


def test_the_losses_of_a_game_do_not_say_that_it_still_improves() -> None:
    _, ordinary = train(toy(Linear), steps=60, learning_rate=0.01, warmup=1.0, **OFTEN)
    _, game = train(toy(Game), steps=60, learning_rate=0.01, warmup=1.0, **OFTEN)
    assert ordinary.still_improving
    assert not game.still_improving


def test_the_validation_loss_of_a_game_is_that_of_the_weights_kept() -> None:
    _, game = train(toy(Game), climbing(), steps=60, **OPTIONS, **OFTEN)
    assert game.validation_loss == pytest.approx(sum(game.history[-1]["validation"].values()))
