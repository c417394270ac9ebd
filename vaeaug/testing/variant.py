"""The checks of a variant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vaeaug.contracts import Encoded, ImageSpec, Latents, ReconstructionLoss, Variant, leaves
from vaeaug.testing.cases import (
    SPECS,
    build,
    check_declaration,
    close,
    global_randomness_untouched,
    images,
    is_equal,
    reload_into,
    seeded,
    shaken,
    structure,
)
from vaeaug.testing.reference import PixelwiseGaussian, SquaredDistance

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

BATCH = 6


def check_variant(
    cls: type[Variant],
    loss: type[ReconstructionLoss] | None = None,
    /,
    *,
    loss_options: Mapping[str, Any] | None = None,
    **options: Any,
) -> None:
    """Check that a variant keeps the contract, on gray and RGB images of several sizes and numbers of classes.

    - **declaration**: `name` is set, `Config` is a frozen dataclass whose options have a default and a line of help.
    - **shapes**: the latent is a tree of tensors with the batch first; `features_BD` is (B, D); each penalty is (B,)
      and finite; `scale` has the latent's structure or is None; `decode` gives (B, R, H, W) in float32 for the R of
      the loss, which need not be the image's C; `prior` gives latents like those of `encode`; one image is a batch too.
    - **deterministic**: in eval mode, encoding without a generator gives the same latent twice; one seed gives the
      same draws and another seed other draws; the draws of one batch differ; global random states are left alone.
    - **alone**: in eval mode an image's latent, raw output and losses do not depend on the other images of its batch.
    - **labels**: they change `decode` or `prior` where `conditional` is true, and neither where it is false.
    - **divergence**: penalties named `kl` or `kl/...` are not negative (on average over draws, if they are estimated).
    - **log_ratio**: where it is given it is (B,), and over draws it averages to the sum of the penalties named so.
    - **losses**: the groups are those of `parameter_groups`, and each term is (B,) and finite.
    - **gradients**: the groups share no parameter and cover all trainable ones, and a group's losses reach every
      parameter of the group (after every parameter was moved a little, so layers may start at zero).
    - **saved**: after `fit_prior`, written as safetensors and loaded into a new instance, it encodes, decodes and
      draws from its prior identically: everything that training or fitting changes is a parameter or a buffer.

    Args:
        cls: the class the hook `vaeaug_variants` returns.
        loss: the reconstruction loss to check it with. By default a squared error with R = C, and a Gaussian with a
            variance a pixel and R = 2 C.
        loss_options: options of the loss's `Config`; the defaults where not given.
        **options: options of the variant's `Config`; the defaults where not given.

    Raises:
        AssertionError: what is wrong and how to mend it.
    """
    check_declaration("variant", cls)
    for loss_class in (loss,) if loss else (SquaredDistance, PixelwiseGaussian):
        for spec in SPECS:
            case = _Case(cls, spec, options, loss_class, loss_options or {})
            for check in CHECKS:
                check(case)


@dataclass(frozen=True)
class _Case:
    cls: type[Variant]
    image: ImageSpec
    options: dict[str, Any]
    loss: type[ReconstructionLoss]
    loss_options: Mapping[str, Any]

    @property
    def who(self) -> str:
        return f"{self.cls.name} on {self.image.channels}x{self.image.height}x{self.image.width}"

    @property
    def spec(self) -> ImageSpec:
        return replace(self.image, raw_channels=self.reconstruction().raw_channels(self.image.channels))

    def reconstruction(self) -> ReconstructionLoss:
        return build(self.loss, self.image, self.loss_options).eval()

    def build(self, seed: int = 0) -> Variant:
        return build(self.cls, self.spec, self.options, seed).eval()

    def shaken(self) -> Variant:
        return shaken(self.build())

    def batch(self, count: int = BATCH, seed: int = 1) -> tuple[Tensor, Tensor]:
        return images(self.image, count, seed)


def _check_shapes(case: _Case) -> None:
    spec = case.spec
    for count in (BATCH, 1):
        x, y = case.batch(count)
        for training in (True, False):
            model = case.build().train(training)
            encoded = model.encode(x, y, seeded(0))
            _check_encoded(case.who, encoded, count)
            raw = model.decode(encoded.latent, y)
            expected = (count, spec.raw_channels, spec.height, spec.width)
            assert tuple(raw.shape) == expected, (
                f"{case.who}: decode() gave shape {tuple(raw.shape)}; it must be (B, R, H, W) = {expected} with "
                f"R = spec.raw_channels, which the loss chooses"
            )
            assert raw.dtype == torch.float32, f"{case.who}: decode() gave {raw.dtype}; keep to float32"
            assert raw.isfinite().all(), f"{case.who}: decode() gave a value that is not finite"
            drawn = model.prior(y, seeded(0))
            assert {len(leaf) for leaf in leaves(drawn)} == {count}, f"{case.who}: prior() must draw one latent a label"
            assert structure(drawn) == structure(encoded.latent), (
                f"{case.who}: prior() draws latents of structure {structure(drawn)}, encode() gives "
                f"{structure(encoded.latent)}; they must be alike, for decode() takes both"
            )


def _check_encoded(who: str, encoded: Encoded, count: int) -> None:
    assert isinstance(encoded, Encoded), f"{who}: encode() must return a vaeaug.Encoded"
    assert leaves(encoded.latent), f"{who}: the latent holds no tensor"
    for leaf in leaves(encoded.latent):
        assert leaf.ndim >= 1, f"{who}: a latent tensor has no batch axis"
        assert len(leaf) == count, f"{who}: a latent tensor has shape {tuple(leaf.shape)}; its first axis is the batch"
        assert leaf.isfinite().all(), f"{who}: the latent is not finite"
    features = encoded.features_BD
    assert features.ndim == 2, f"{who}: features_BD has shape {tuple(features.shape)}; flatten it to (B, D)"
    assert len(features) == count, f"{who}: features_BD has shape {tuple(features.shape)}; its first axis is the batch"
    for name, value in encoded.penalties.items():
        assert tuple(value.shape) == (count,), (
            f"{who}: penalty {name!r} has shape {tuple(value.shape)}; give one value an image, ({count},)"
        )
        assert value.isfinite().all(), f"{who}: penalty {name!r} is not finite"
    if encoded.scale is not None:
        assert structure(encoded.scale) == structure(encoded.latent), (
            f"{who}: scale has structure {structure(encoded.scale)}, the latent {structure(encoded.latent)}; give "
            f"one standard deviation a latent value, or None"
        )
        assert all((leaf >= 0).all() for leaf in leaves(encoded.scale)), f"{who}: scale holds a negative value"


def _check_deterministic(case: _Case) -> None:
    model, (x, y) = case.build(), case.batch()
    with torch.no_grad(), global_randomness_untouched(case.who):
        mode, again = (model.encode(x, y) for _ in range(2))
        first, same, other = (model.encode(x, y, seeded(seed)) for seed in (1, 1, 2))
        prior, prior_same, prior_other = (model.prior(torch.zeros_like(y), seeded(seed)) for seed in (1, 1, 2))
        raw, raw_again = (model.decode(first.latent, y) for _ in range(2))
        model.losses(x, y, case.reconstruction(), seeded(1))
    assert is_equal(mode.latent, again.latent), f"{case.who}: without a generator encode() must give the mode"
    assert is_equal(first.latent, same.latent), f"{case.who}: encode() gave two draws for one seed"
    assert torch.equal(mode.features_BD, first.features_BD), f"{case.who}: features_BD must not depend on the draw"
    assert torch.equal(raw, raw_again), f"{case.who}: decode() gave two outputs for one latent in eval mode"
    if first.scale is not None and all((leaf > 0).all() for leaf in leaves(first.scale)):
        assert not is_equal(first.latent, other.latent), f"{case.who}: encode() ignores the generator it is handed"
    assert is_equal(prior, prior_same), f"{case.who}: prior() gave two draws for one seed"
    assert not is_equal(prior, prior_other), f"{case.who}: prior() ignores its generator"
    distinct = any(not torch.equal(leaf[0], leaf[1]) for leaf in leaves(prior))
    assert distinct, f"{case.who}: prior() gave one draw for all labels; draw one for each"


def _check_alone(case: _Case) -> None:
    model, (x, y) = case.shaken(), case.batch()
    reconstruction = case.reconstruction()
    mend = "in eval mode an image may not see its batch: prefer LayerNorm or GroupNorm to the batch's statistics"
    with torch.no_grad():
        together = model.encode(x, y)
        raw = model.decode(together.latent, y)
        alone = [model.encode(x[i : i + 1], y[i : i + 1]) for i in range(BATCH)]
        raw_alone = torch.cat([model.decode(each.latent, y[i : i + 1]) for i, each in enumerate(alone)])
        x_other, y_other = x.clone(), y.clone()
        x_other[-1], y_other[-1] = 1 - x[-1], (y[-1] + 1) % case.image.num_classes
        before, after = (model.losses(*batch, reconstruction, seeded(3)) for batch in ((x, y), (x_other, y_other)))
    for leaf, *parts in zip(leaves(together.latent), *(leaves(each.latent) for each in alone), strict=True):
        assert close(leaf, torch.cat(parts)), f"{case.who}: encode() of a batch differs from encode() of each; {mend}"
    for name, value in together.penalties.items():
        apart = torch.cat([each.penalties[name] for each in alone])
        assert close(value, apart), f"{case.who}: penalty {name!r} of a batch differs from that of each image; {mend}"
    assert close(raw, raw_alone), f"{case.who}: decode() of a batch differs from decode() of each; {mend}"
    for group, terms in before.items():
        for name, value in terms.items():
            assert close(value[:-1], after[group][name][:-1], 1e-5), (
                f"{case.who}: loss {group}/{name} of an image changed with another image of the batch; {mend}"
            )


def _check_labels(case: _Case) -> None:
    if case.image.num_classes == 1:
        return
    model, (x, y) = case.shaken(), case.batch()
    with torch.no_grad():
        model.fit_prior(_latents(model, x, y), seeded(5))
        latent, others = model.encode(x, y).latent, (y + 1) % case.image.num_classes
        decoder_sees = not close(model.decode(latent, y), model.decode(latent, others), 1e-6)
        prior_sees = not is_equal(model.prior(y, seeded(4)), model.prior(others, seeded(4)))
    if case.cls.conditional:
        assert decoder_sees or prior_sees, (
            f"{case.who}: `conditional` is true, but neither decode() nor prior() changes with the label; use y_B"
        )
    else:
        assert not decoder_sees, f"{case.who}: decode() changes with the label; set `conditional = True`"
        assert not prior_sees, f"{case.who}: prior() changes with the label; set `conditional = True`"


def _check_divergence(case: _Case) -> None:
    model, (x, y) = case.shaken(), case.batch()
    with torch.no_grad():
        draws = [model.encode(x, y, seeded(seed)).penalties for seed in range(16)]
    for name in draws[0]:
        if _is_kl(name):
            values = torch.stack([draw[name] for draw in draws])
            estimated = bool((values.std(dim=0) > 0).any())
            least = values.mean(dim=0).min().item()
            assert least >= (-0.5 if estimated else -1e-3), (
                f"{case.who}: penalty {name!r} is {least:.4g}; a Kullback-Leibler divergence is never negative: look "
                f"for a sign or a missing term (vaeaug.nn.kl_standard_normal has the closed form)"
            )


def _check_log_ratio(case: _Case) -> None:
    model, (x, y) = case.shaken(), case.batch()
    with torch.no_grad():
        draws = [model.encode(x, y, seeded(seed)) for seed in range(64)]
    if draws[0].log_ratio is None:
        return
    ratios = torch.stack([draw.log_ratio for draw in draws if draw.log_ratio is not None])
    assert tuple(ratios.shape[1:]) == (BATCH,), (
        f"{case.who}: log_ratio has shape {tuple(ratios.shape[1:])}; give one value an image, ({BATCH},)"
    )
    divergences = [[value for name, value in draw.penalties.items() if _is_kl(name)] for draw in draws]
    if not divergences[0]:
        return
    kl = torch.stack([torch.stack(values).sum(dim=0) for values in divergences])
    error, noise = (ratios - kl).mean(dim=0).abs(), (ratios - kl).std(dim=0) / len(draws) ** 0.5
    assert (error <= 5 * noise + 1e-2).all(), (
        f"{case.who}: log_ratio averages to {ratios.mean(dim=0)[0]:.4g} over draws and the KL penalties to "
        f"{kl.mean(dim=0)[0]:.4g}; it is log q(z|x) - log p(z) of the draw, whose mean is the KL"
    )


def _is_kl(name: str) -> bool:
    return name == "kl" or name.startswith("kl/")


def _check_losses(case: _Case) -> None:
    for count in (BATCH, 1):
        x, y = case.batch(count)
        model = case.build().train()
        losses = model.losses(x, y, case.reconstruction().train(), seeded(0))
        groups = model.parameter_groups()
        assert set(losses) == set(groups), (
            f"{case.who}: losses() has groups {sorted(losses)}, parameter_groups() {sorted(groups)}; make them match"
        )
        for group, terms in losses.items():
            assert terms, f"{case.who}: losses() has no term for the group {group!r}"
            for name, value in terms.items():
                assert tuple(value.shape) == (count,), (
                    f"{case.who}: loss {group}/{name} has shape {tuple(value.shape)}; give one value an image, "
                    f"({count},), and leave the mean over the batch to the host"
                )
                assert value.isfinite().all(), f"{case.who}: loss {group}/{name} is not finite on an ordinary image"


def _check_gradients(case: _Case) -> None:
    model = case.shaken().train()
    names = {parameter: name for name, parameter in model.named_parameters()}
    groups = {group: list(parameters) for group, parameters in model.parameter_groups().items()}
    listed = [parameter for parameters in groups.values() for parameter in parameters]
    assert len(listed) == len(set(listed)), f"{case.who}: a parameter stands in two groups, or twice in one"
    missing = [name for parameter, name in names.items() if parameter.requires_grad and parameter not in set(listed)]
    assert not missing, f"{case.who}: parameter_groups() leaves out {missing}; they would never be trained"
    x, y = case.batch(2 * BATCH)
    losses = model.losses(x, y, case.reconstruction().train(), seeded(0))
    for group, parameters in groups.items():
        trained = [parameter for parameter in parameters if parameter.requires_grad]
        total = torch.stack(list(losses[group].values())).sum()
        gradients = torch.autograd.grad(total, trained, retain_graph=True, allow_unused=True)
        unreached = [names[p] for p, g in zip(trained, gradients, strict=True) if g is None or not g.abs().sum() > 0]
        assert not unreached, (
            f"{case.who}: the losses of group {group!r} have no gradient at {unreached}; use these parameters, move "
            f"them to the group that trains them, or make them buffers"
        )


def _latents(model: Variant, x: Tensor, y: Tensor) -> Latents:
    encoded = model.encode(x, y)
    return Latents(encoded.latent, y, encoded.scale)


def _check_saved(case: _Case) -> None:
    model, (x, y) = case.shaken(), case.batch(4 * BATCH)
    with torch.no_grad():
        model.train().losses(x, y, case.reconstruction().train(), seeded(0))  # a codebook may keep running statistics
        model.eval()
        with global_randomness_untouched(f"{case.who}: fit_prior()"):
            model.fit_prior(_latents(model, x, y), seeded(5))
        loaded = reload_into(model, case.build(seed=1), case.who)
        for module in (model, loaded):
            assert not module.training, f"{case.who}: eval() must reach the whole module"
        first, second = (each.encode(x, y, seeded(6)) for each in (model, loaded))
        raw, raw_loaded = (each.decode(first.latent, y) for each in (model, loaded))
        drawn, drawn_loaded = (each.prior(y, seeded(6)) for each in (model, loaded))
    mend = "keep all that training and fit_prior change in parameters or buffers"
    assert is_equal(first.latent, second.latent), f"{case.who}: after saving and loading encode() differs; {mend}"
    assert torch.equal(raw, raw_loaded), f"{case.who}: after saving and loading decode() differs; {mend}"
    assert is_equal(drawn, drawn_loaded), f"{case.who}: after saving and loading prior() differs; {mend}"


CHECKS: tuple[Callable[[_Case], None], ...] = (
    _check_shapes,
    _check_losses,
    _check_deterministic,
    _check_alone,
    _check_labels,
    _check_divergence,
    _check_log_ratio,
    _check_gradients,
    _check_saved,
)
