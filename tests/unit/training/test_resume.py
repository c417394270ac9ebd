"""A training that is killed and taken up again ends with the same bits."""

from pathlib import Path
from typing import Any

import pytest
import torch
from machine_faults import fill, on_small_disk
from safetensors import safe_open
from torch import Tensor, nn
from toy_training import SPEC, Linear, Squared, same, train, weights
from vaeaug_plugins.losses.gaussian import Gaussian

from vaeaug.nn.adamw import AdamW
from vaeaug.training.checkpoint import Snapshot, TrainingProgress, TrainingState, copies


class KilledError(Exception):
    """Stands for a killed process."""


class Forgetful(Linear):
    """A linear autoencoder with dropout, a buffer, and a place where it can be killed."""

    def __init__(self, dies_at: int | None = None) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.2)
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self.dies_at = dies_at

    def losses(self, x_BCHW: Tensor, y_B: Tensor, reconstruction: Any, generator: Any = None) -> Any:
        if self.training:
            self.steps += 1
            if int(self.steps) == self.dies_at:
                raise KilledError
        return super().losses(self.dropout(x_BCHW), y_B, reconstruction, generator)


def _train(path: Path | None, dies_at: int | None = None) -> tuple[dict[str, Tensor], Any]:
    """Train with a checkpoint every five steps."""
    torch.manual_seed(0)
    variant, loss = Forgetful(dies_at), Gaussian(SPEC, None)
    _, result = train(variant, loss, steps=40, ema=0.9, checkpoint=path, validate_every=5, checkpoint_seconds=0.0)
    return weights(variant) | weights(loss), result


def test_a_training_killed_anywhere_ends_with_the_same_bits(tmp_path: Path) -> None:
    straight, result = _train(None)
    for dies_at in (1, 4, 6, 23, 40):
        path = tmp_path / f"{dies_at}.safetensors"
        with pytest.raises(KilledError):
            _train(path, dies_at)
        assert path.exists() is (dies_at > 5)
        resumed, again = _train(path)
        assert same(resumed, straight)
        assert again.history == result.history
        assert (again.steps, again.best_step, again.stopped) == (result.steps, result.best_step, result.stopped)


def test_a_training_killed_again_and_again(tmp_path: Path) -> None:
    straight, _ = _train(None)
    for dies_at in (7, 18, 29):
        with pytest.raises(KilledError):
            _train(tmp_path / "checkpoint", dies_at)
    assert same(_train(tmp_path / "checkpoint")[0], straight)


def test_a_finished_training_is_not_trained_again(tmp_path: Path) -> None:
    straight, _ = _train(tmp_path / "checkpoint")
    assert same(_train(tmp_path / "checkpoint", dies_at=41)[0], straight)


def test_seconds_are_counted_over_all_sittings(tmp_path: Path) -> None:
    with pytest.raises(KilledError):
        _train(tmp_path / "checkpoint", 23)
    before = Snapshot.load(tmp_path / "checkpoint")
    assert '"step": 20' in before.progress
    _, result = _train(tmp_path / "checkpoint")
    assert result.seconds > TrainingProgress(**__import__("json").loads(before.progress)).elapsed > 0


def _state() -> TrainingState:
    torch.manual_seed(0)
    variant, loss = Forgetful(), Gaussian(SPEC, None)
    optimizers = {"model": AdamW(variant.parameters(), fused=True)}
    return TrainingState(variant, loss, optimizers, copies(variant.parameters()), {}, TrainingProgress())


def _advance(state: TrainingState) -> None:
    for _ in range(3):
        x_BCHW = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(state.progress.step))
        y_B = torch.zeros(4, dtype=torch.int64)
        terms = state.variant.losses(x_BCHW, y_B, state.loss)["model"]
        state.optimizers["model"].zero_grad()
        sum(term.mean() for term in terms.values()).backward()
        state.optimizers["model"].step(1e-3)
        state.progress.step += 1
        torch._foreach_lerp_(state.average, [p.detach() for p in state.variant.parameters()], 0.5)
    state.best = {name: tensor.clone() for name, tensor in state.weights().items()}


def test_a_snapshot_is_a_copy_and_restores_every_bit(tmp_path: Path) -> None:
    state = _state()
    state.variant.dropout.p = 0.0
    _advance(state)
    state.progress.history.append({"step": 3, "train": {"kl": 0.1 + 0.2}})
    snapshot = state.snapshot()
    snapshot.save(tmp_path / "checkpoint")
    _advance(state)
    expected = state.snapshot()

    loaded = Snapshot.load(tmp_path / "checkpoint")
    assert loaded.progress == snapshot.progress
    assert same(loaded.tensors, snapshot.tensors)
    for start in (snapshot, loaded):
        other = _state()
        other.variant.dropout.p = 0.0
        other.restore(start)
        assert other.progress.history[0]["train"]["kl"] == 0.1 + 0.2
        assert same(other.snapshot().tensors, snapshot.tensors)
        _advance(other)
        assert same(other.snapshot().tensors, expected.tensors)
    assert same(loaded.tensors, snapshot.tensors)  # what goes on does not write into what it started from


def test_going_back_to_before_the_first_step_forgets_the_optimizers_moments() -> None:
    state = _state()
    before = state.snapshot()
    _advance(state)
    state.restore(before)
    assert state.optimizers["model"].state() == {}
    assert same(state.snapshot().tensors, before.tensors)


def test_a_checkpoint_is_plain_safetensors(tmp_path: Path) -> None:
    _train(tmp_path / "checkpoint")
    with safe_open(tmp_path / "checkpoint", framework="numpy") as file:
        assert "now/variant.encoder.weight" in file.keys()  # noqa: SIM118 (no mapping)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    def work(disk: Path) -> None:
        state = _state()
        path = disk / "checkpoint"
        state.snapshot().save(path)
        before = path.read_bytes()
        _advance(state)
        fill(disk)
        with pytest.raises(OSError, match="No space left"):
            state.snapshot().save(path)
        assert path.read_bytes() == before
        assert {entry.name for entry in disk.iterdir()} == {"checkpoint", "filler"}

    on_small_disk(tmp_path, work)


def test_an_unused_loss_state_is_restored_too(tmp_path: Path) -> None:
    """The Gaussian loss keeps a running variance: it must be that of the kept weights."""
    final, _ = _train(tmp_path / "checkpoint")
    assert torch.equal(
        Snapshot.load(tmp_path / "checkpoint").tensors["best/loss.variance.kept"], final["variance.kept"]
    )
    assert Squared().state_dict() == {}
