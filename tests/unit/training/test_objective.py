"""What is minimized: annealed terms, terms over a batch, and what training tells a variant and writes down of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from toy_training import Linear, Squared, batches, train

from vaeaug import Term, TrainingSet
from vaeaug.contracts import annealed_names, kl_of
from vaeaug.errors import PluginError
from vaeaug.training import validation
from vaeaug.training.config import TrainingConfig
from vaeaug.training.loop import fit
from vaeaug.training.objective import objective


class Moments(Linear):
    """A toy whose only penalty is over the batch: the squared mean of the latents. It records the batches it sees."""

    terms: Mapping[str, Term] = {"moment": Term(annealed=True, over_batch=True)}

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []
        self.sets: list[TrainingSet] = []

    def begin_training(self, data: TrainingSet) -> None:
        self.sets.append(data)

    def losses(self, x_BCHW: Tensor, y_B: Tensor, reconstruction: Any, generator: Any = None) -> Any:
        if not self.training:
            self.seen.append(x_BCHW)
        terms = super().losses(x_BCHW, y_B, reconstruction, generator)["model"]
        moment = self.encode(x_BCHW, y_B).features_BD.mean(dim=0).square().sum()
        return {"model": {"reconstruction": terms["reconstruction"], "moment": moment}}


def moments() -> Moments:
    torch.manual_seed(0)
    return Moments()


def named(variant: Linear, **terms: Term) -> Linear:
    variant.terms = terms
    return variant


@pytest.mark.parametrize(
    ("term", "annealed"), [("kl", True), ("kl/top", True), ("klx", False), ("reconstruction", False), ("x/kl", False)]
)
def test_a_term_that_is_not_declared_is_annealed_by_its_name(term: str, annealed: bool) -> None:
    assert annealed_names(Linear(), [term]) == [term] * annealed


def test_a_declaration_goes_before_a_name() -> None:
    variant = named(Linear(), kl=Term(), divergence=Term(annealed=True))
    assert annealed_names(variant, ["reconstruction", "divergence", "kl", "kl/1"]) == ["divergence", "kl/1"]
    penalties = {"kl": torch.ones(2), "divergence": torch.tensor([2.0, 3.0]), "kl/1": torch.tensor([0.5, 0.25])}
    assert kl_of(variant, penalties).tolist() == [2.5, 3.25]
    assert kl_of(variant, {"kl": torch.ones(2)}) is None


def test_the_weight_applies_to_annealed_terms_only() -> None:
    terms = {
        "reconstruction": torch.tensor([1.0, 3.0]),
        "kl": torch.tensor([10.0, 30.0]),
        "correlation": torch.tensor(200.0),  # over the batch
        "klx": torch.tensor([1000.0, 3000.0]),
    }
    assert objective(terms, {"kl", "correlation"}, weight=0.5, free_bits=0).item() == 2 + 0.5 * 20 + 0.5 * 200 + 2000


@pytest.mark.parametrize(("mean", "gradient"), [(2.9, 0.0), (3.1, 0.25)])
def test_free_bits_stop_the_gradient_below_and_leave_it_above(mean: float, gradient: float) -> None:
    kl_B = torch.tensor([mean - 1, mean + 1], requires_grad=True)  # what counts is the mean of the batch
    value = objective({"kl": kl_B}, {"kl"}, weight=0.5, free_bits=3.0)
    (found_B,) = torch.autograd.grad(value, kl_B)
    assert found_B.tolist() == [gradient, gradient]
    assert value.item() == pytest.approx(0.5 * max(mean, 3.0))


def test_free_bits_are_granted_to_every_annealed_term_and_no_other() -> None:
    terms = {"reconstruction": torch.tensor([1.0]), "kl/a": torch.tensor([1.0]), "b": torch.tensor(7.0)}
    assert objective(terms, {"kl/a", "b"}, weight=1.0, free_bits=4.0).item() == 1 + 4 + 7


@pytest.mark.parametrize("declared", [True, False])
def test_training_anneals_what_is_declared_and_writes_it_down(declared: bool) -> None:
    """While the weight is 0 nothing pulls the mean of the latents to 0; a term that is not annealed does."""
    variant = named(moments(), moment=Term(annealed=declared, over_batch=True))
    with torch.no_grad():
        variant.encoder.bias[0] = 3.0
    options = {"steps": 40, "learning_rate": 0.05, "warmup": 0.0, "patience": 0, "weight_decay": 0.0, "ema": 0.0}
    _, result = train(variant, Squared(lambda _: 0.0), kl_annealing="linear", kl_warmup=1.0, validate=0, **options)
    assert all(row["annealed"] == ["moment"] * (declared and bool(row["train"])) for row in result.history)
    early = result.history[1]["train"]["moment"]
    _, unweighted = train(moments(), Squared(lambda _: 0.0), kl_annealing="none", validate=0, **options)
    assert early > 1.0
    assert unweighted.history[-1]["train"]["moment"] < 1.0


def test_a_training_begins_with_its_images_and_not_those_held_out() -> None:
    variant = moments()
    used = batches()
    used.indices = used.indices[16:]
    fit(variant, Squared(), used, TrainingConfig(), steps=3, validation=np.arange(16), seed=0)
    (data,) = variant.sets
    assert data.labels_N.tolist() == used.labels_N[16:].tolist()


@pytest.mark.parametrize("images", [3, 20])
def test_validation_weighs_a_term_over_the_batch_by_images(images: int) -> None:
    """No batch is larger than those of the training (8), and none has an image twice, as a few images would come."""
    variant = moments()
    _, result = train(variant, steps=1, validate=images, ema=0.0)
    drawn = validation.validation_draws(images)
    sizes = [len(x) for x in variant.seen]
    once = variant.seen[: len(sizes) // 2]  # before the first step, and after it
    assert sum(map(len, once)) == drawn
    assert max(sizes) == min(8, images)
    assert (sizes[len(once) - 1] == sizes[0]) == (images == 20)  # of 3 images, the last batch has one
    for x_BCHW in once:
        assert len(x_BCHW.flatten(1).unique(dim=0)) == min(len(x_BCHW), images)
    torch.manual_seed(0)
    fresh = Moments().eval()
    values = [fresh.losses(x, torch.zeros(len(x)).long(), Squared().eval())["model"]["moment"].item() for x in once]
    expected = sum(len(x) * value for x, value in zip(once, values, strict=True)) / drawn
    assert result.history[0]["validation"]["moment"] == pytest.approx(expected, rel=1e-5)


def test_other_variants_validate_on_batches_as_large_as_ever() -> None:
    class Watched(Linear):
        sizes: Any = ()

        def losses(self, x_BCHW: Tensor, *args: Any) -> Any:
            self.sizes = (*self.sizes, len(x_BCHW)) if not self.training else self.sizes
            return super().losses(x_BCHW, *args)

    variant, _ = train(Watched(), steps=1, validate=3)
    assert set(variant.sizes) == {64}


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({}, r"variant 'toy': loss model/moment has shape \(\); give one value per image, .*Term\(over_batch=True\)"),
        ({"reconstruction": Term(over_batch=True)}, r"model/reconstruction has shape \(8,\); .*return one value for"),
    ],
)
def test_a_term_of_another_shape_than_declared_ends_the_training(terms: dict[str, Term], message: str) -> None:
    with pytest.raises(PluginError, match=message):
        train(named(moments(), **terms), steps=3)
