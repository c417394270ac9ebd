"""How long a training is and how large its batches are."""

from vaeaug.training.config import TrainingConfig
from vaeaug.training.plan import plan, scaled


def test_a_batch_is_at_most_half_of_the_images() -> None:
    assert plan(TrainingConfig(batch_size=64, steps=1), 1000).batch_size == 64
    assert plan(TrainingConfig(batch_size=64, steps=1), 20).batch_size == 10
    assert plan(TrainingConfig(batch_size=64, steps=1), 2).batch_size == 1
    assert plan(TrainingConfig(batch_size=64, steps=1), 1).batch_size == 1


def test_the_shorter_of_epochs_and_steps_ends_the_training() -> None:
    assert plan(TrainingConfig(batch_size=10, epochs=3), 105).steps == 30
    assert plan(TrainingConfig(batch_size=10, epochs=3, steps=7), 105).steps == 7
    assert plan(TrainingConfig(batch_size=10, epochs=3, steps=700), 105).steps == 30


def test_a_share_is_a_share_of_every_length() -> None:
    part = scaled(TrainingConfig(steps=100, epochs=10, time_budget=60), 0.25, epochs_fraction=0.5)
    assert (part.steps, part.epochs, part.time_budget) == (25, 5, 15)
    assert scaled(TrainingConfig(steps=2), 0.01).steps == 1
    nothing = scaled(TrainingConfig(), 0.25)
    assert (nothing.steps, nothing.epochs, nothing.time_budget) == (None, None, None)
