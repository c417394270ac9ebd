"""The VQ-VAE: what its objective is, that its codebook and prior are learned, and that samples come from that prior."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_data
import torch
from PIL import Image
from tiny_data import run
from torch import Tensor
from vaeaug_plugins.losses.mse import MSE
from vaeaug_plugins.variants.vq_vae import VQVAE

import vaeaug
from vaeaug import ImageSpec, InputError, Latents
from vaeaug.contracts import parse_options
from vaeaug.testing import check_variant

SPEC = ImageSpec(channels=1, height=12, width=12, num_classes=2, raw_channels=1)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def build(**options: Any) -> VQVAE:
    torch.manual_seed(0)
    return VQVAE(SPEC, parse_options(VQVAE.Config, options, "vq-vae"))


def bars(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return upright bars (class 0) and level ones (class 1) at random places."""
    y = torch.arange(count) % 2
    x = torch.zeros(count, 1, 12, 12)
    for image, label, place in zip(
        x, y.tolist(), torch.randint(4, (count,), generator=seeded(seed)).tolist(), strict=True
    ):
        view = image[0] if label else image[0].T
        view[3 * place : 3 * place + 3] = 1
    return x, y


def trained(**options: Any) -> VQVAE:
    """Return a model that has learned the bars, and the prior of their codes."""
    model, loss = (
        build(**{"grid": 16, "width": 32, "prior_width": 32, "prior_depth": 1, **options}).train(),
        MSE(SPEC, None),
    )
    x, y = bars(256)
    parameters = list(model.parameter_groups()["model"])
    optimizer = torch.optim.Adam(parameters, lr=1e-2)
    for step in range(80):
        terms = model.losses(x[:64], y[:64], loss, seeded(step))["model"]
        optimizer.zero_grad()
        sum(value.mean() for value in terms.values()).backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        model.fit_prior(Latents(model.encode(x, y).latent, y), seeded())
    return model


def test_it_keeps_the_contract_with_a_codebook_too() -> None:
    check_variant(VQVAE, MSE, quantizer="ema", codes=32, prior_width=16, prior_depth=1)


@pytest.mark.parametrize("quantizer", ["fsq", "ema"])
def test_the_objective_is_that_of_the_decoded_codes(quantizer: str) -> None:
    model, loss = build(quantizer=quantizer, commitment=0.5).eval(), MSE(SPEC, None)
    x, y = bars(6)
    terms, encoded = model.losses(x, y, loss)["model"], model.encode(x, y)
    assert encoded.latent.dtype == torch.int64
    torch.testing.assert_close(terms["reconstruction"], loss(model.decode(encoded.latent, y), x))
    bounded = model.quantizer.bound(model.encoder(x))
    distance = (bounded - model.quantizer.embed(encoded.latent)).square().sum(dim=(1, 2, 3))
    assert set(terms) == ({"reconstruction", "commitment"} if quantizer == "ema" else {"reconstruction"})
    if quantizer == "ema":
        torch.testing.assert_close(encoded.penalties["commitment"], distance)
        torch.testing.assert_close(terms["commitment"], 0.5 * distance)


def test_only_training_moves_the_codebook() -> None:
    model, loss = build(quantizer="ema", codes=16), MSE(SPEC, None)
    x, y = bars(6)
    start = model.quantizer.codebook().clone()
    model.eval().losses(x, y, loss, seeded())
    model.train().encode(x, y, seeded())
    assert torch.equal(model.quantizer.codebook(), start)
    model.train().losses(x, y, loss, seeded())
    assert not torch.allclose(model.quantizer.codebook(), start)


def test_training_leaves_the_prior_and_the_codebook_to_others() -> None:
    model = build(quantizer="ema")
    trained = {id(parameter) for parameter in model.parameter_groups()["model"]}
    assert not trained & {id(p) for p in (*model.code_prior.parameters(), *model.quantizer.parameters())}
    assert trained == {id(p) for p in (*model.encoder.parameters(), *model.decoder.parameters())}


@pytest.mark.parametrize("quantizer", ["fsq", "ema"])
def test_what_is_drawn_for_a_class_is_of_that_class(quantizer: str) -> None:
    model = trained(quantizer=quantizer, codes=32)
    known, labels = bars(64)
    y = torch.arange(40) % 2
    drawn = model.decode(model.prior(y, seeded(1)), y).flatten(1)
    nearest = torch.cdist(drawn, known.flatten(1)).argmin(dim=1)
    assert (labels[nearest] == y).float().mean() > 0.9
    error = (drawn - known.flatten(1)[nearest]).square().mean(dim=1)
    assert error.median() < 0.25 * known.var()  # bars, and not noise that is nearest to some bar
    assert len(nearest.unique()) >= 4  # at several places


def test_temperature_and_top_p_reach_the_prior() -> None:
    y = torch.zeros(8, dtype=torch.long)
    hot, cold, few = (build(**options).eval() for options in ({}, {"temperature": 0}, {"top_p": 0}))
    assert len(hot.prior(y, seeded()).unique(dim=0)) > 1
    assert len(cold.prior(y, seeded()).unique(dim=0)) == 1
    assert torch.equal(cold.prior(y, seeded()), few.prior(y, seeded()))


@pytest.mark.parametrize("levels", ["", "8,x", "8,2", "64,64,64", "1", "65536,65536,65536,65536", "9" * 30])
def test_levels_that_are_none_are_refused(levels: str) -> None:
    with pytest.raises(InputError, match="such as 4,4,4,4"):
        build(levels=levels)


def test_a_prior_that_its_heads_cannot_divide_is_refused_before_any_training() -> None:
    with pytest.raises(InputError, match="prior_width must be a multiple of 4, not 10"):
        build(prior_width=10)


def test_a_model_draws_at_another_temperature(tmp_path: Path) -> None:
    x, y = bars(40)
    for number, (image, label) in enumerate(zip(x, y.tolist(), strict=True)):
        place = tmp_path / "data" / "ab"[label] / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((255 * image[0]).byte().numpy()).save(place)
    options = {"grid": 16, "width": 16, "prior_width": 16, "prior_depth": 1}
    model = vaeaug.train(tmp_path / "data", tmp_path / "model", variant="vq-vae", variant_options=options, steps=12)
    assert model.record.scope == "shared"
    sampled = {}
    for temperature in ("1", "0"):
        out = tmp_path / temperature
        assert (
            run("sample", tmp_path / "model", out, "--per-class", 8, "--set", f"temperature={temperature}", "-q") == 0
        )
        sampled[temperature] = np.stack([np.asarray(Image.open(path)) for path in sorted(out.glob("train/a/*.png"))])
    assert sampled["1"].std(axis=0).max() > 0
    assert sampled["0"].std(axis=0).max() == 0  # the likeliest codes, each time


@pytest.mark.usefixtures("counted_clock")
@pytest.mark.parametrize("budget", [None, 20])
def test_a_time_budget_is_shared_with_the_prior(
    budget: float | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[float | None] = []

    def fit_prior(self: VQVAE, latents: Latents, generator: torch.Generator) -> None:
        limits.append(latents.seconds)

    monkeypatch.setattr(VQVAE, "fit_prior", fit_prior)
    data = tiny_data.write_dataset(tmp_path / "data", {"ant": 12, "bee": 12})
    length = {"steps": 2} if budget is None else {"time_budget": budget}
    small = {"grid": 16, "width": 16, "prior_width": 16, "prior_depth": 1}
    made = vaeaug.train(data, tmp_path / "model", variant="vq-vae", variant_options=small, workers=1, **length)
    (limit,) = limits
    assert (limit is None) == (budget is None)
    if budget is not None:
        stopped = made.record.metrics["stopped"]
        trained = float(stopped.removeprefix("the time budget of ").partition(" s is used up")[0])
        assert limit is not None
        assert trained + limit <= budget
        assert limit <= 0.5 * trained  # 30 of 70 %
