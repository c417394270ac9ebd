"""The checks of a variant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vaeaug.contracts import Encoded, Latents, ReconstructionLoss, Variant, leaves, term_of
from vaeaug.testing.cases import (
    SPECS,
    check_declaration,
    global_randomness_untouched,
    is_close,
    is_equal,
    reload_into,
    seeded,
    structure,
)
from vaeaug.testing.deformation import check_deformation
from vaeaug.testing.objective import check_divergence, check_gradients, check_log_ratio, check_losses
from vaeaug.testing.reference import PixelwiseGaussian, SquaredDistance
from vaeaug.testing.variant_case import BATCH, VariantCase

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def check_variant(
    cls: type[Variant],
    loss: type[ReconstructionLoss] | None = None,
    /,
    *,
    loss_options: Mapping[str, Any] | None = None,
    **options: Any,
) -> None:
    """Check that a variant keeps the contract, on gray and RGB images of several sizes and numbers of classes.

    - **declaration**: `name` is set, `Config` is a frozen dataclass whose options have a default and a line of help,
      and `small_options` are among them.
    - **shapes**: the latent is a tree of tensors with the batch first; `features_BD` is (B, D); each penalty is (B,)
      and finite; `scale` has the latent's structure or is None; `decode` gives (B, R, H, W) in float32 for the R of
      the loss, which need not be the image's C; `prior` gives latents like those of `encode`; one image is a batch too.
    - **deterministic**: in eval mode, encoding without a generator gives the same latent twice; one seed gives the
      same draws and another seed other draws; the draws of one batch differ; global random states are left alone.
    - **alone**: in eval mode an image's latent, raw output and losses do not depend on the other images of its batch,
      except for losses that are declared over the batch.
    - **labels**: they change `decode` or `prior` where `conditional` is true, and neither where it is false.
    - **divergence**: annealed penalties (named `kl` or `kl/...`, or declared) are not negative (on average over draws,
      if they are estimated).
    - **log_ratio**: where it is given it is (B,), and over draws it averages to the sum of the annealed penalties.
    - **losses**: the groups are those of `parameter_groups`; each term is (B,) and finite, or, if `terms` declares it
      over the batch, one finite value, also for a batch of one image; each declared term occurs.
    - **gradients**: the groups share no parameter and cover all trainable ones, and a group's losses reach every
      parameter of the group (after every parameter was moved a little, so layers may start at zero).
    - **deform**, if `deforms`: one finite field per image, the same for one seed, another for another, and none at
      strength 0.
    - **saved**: after `begin_training` and `fit_prior`, written as safetensors and loaded into a new instance, it
      encodes, decodes and draws from its prior identically: everything that training or fitting changes is a parameter
      or a buffer.

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
            case = VariantCase(cls, spec, options, loss_class, loss_options or {})
            for check in CHECKS:
                check(case)


def _check_shapes(case: VariantCase) -> None:
    spec = case.spec
    model = case.training_started()
    for count in (BATCH, 1):
        x, y = case.batch(count)
        for training in (True, False):
            model.train(training)
            encoded = model.encode(x, y, seeded(0))
            _check_encoded(case.name, model, encoded, count)
            raw = model.decode(encoded.latent, y)
            expected = (count, spec.raw_channels, spec.height, spec.width)
            assert tuple(raw.shape) == expected, (
                f"{case.name}: decode() gave shape {tuple(raw.shape)}; it must be (B, R, H, W) = {expected} with "
                f"R = spec.raw_channels, which the loss chooses"
            )
            assert raw.dtype == torch.float32, f"{case.name}: decode() gave {raw.dtype}; use float32"
            assert raw.isfinite().all(), f"{case.name}: decode() gave a value that is not finite"
            drawn = model.prior(y, seeded(0))
            assert {len(leaf) for leaf in leaves(drawn)} == {count}, (
                f"{case.name}: prior() must draw one latent a label"
            )
            assert structure(drawn) == structure(encoded.latent), (
                f"{case.name}: prior() draws latents of structure {structure(drawn)}, encode() gives "
                f"{structure(encoded.latent)}; they must be alike, for decode() takes both"
            )


def _check_encoded(case_name: str, model: Variant, encoded: Encoded, count: int) -> None:
    assert isinstance(encoded, Encoded), f"{case_name}: encode() must return a vaeaug.Encoded"
    assert leaves(encoded.latent), f"{case_name}: the latent holds no tensor"
    for leaf in leaves(encoded.latent):
        assert leaf.ndim >= 1, f"{case_name}: a latent tensor has no batch axis"
        assert len(leaf) == count, (
            f"{case_name}: a latent tensor has shape {tuple(leaf.shape)}; its first axis is the batch"
        )
        assert leaf.isfinite().all(), f"{case_name}: the latent is not finite"
    features = encoded.features_BD
    assert features.ndim == 2, f"{case_name}: features_BD has shape {tuple(features.shape)}; flatten it to (B, D)"
    assert len(features) == count, (
        f"{case_name}: features_BD has shape {tuple(features.shape)}; its first axis is the batch"
    )
    for name, value in encoded.penalties.items():
        assert not term_of(model, name).over_batch, (
            f"{case_name}: `terms` declares the penalty {name!r} over the batch; a penalty is one value per image: "
            "return a term over the batch from losses()"
        )
        assert tuple(value.shape) == (count,), (
            f"{case_name}: penalty {name!r} has shape {tuple(value.shape)}; give one value per image, ({count},)"
        )
        assert value.isfinite().all(), f"{case_name}: penalty {name!r} is not finite"
    if encoded.scale is not None:
        assert structure(encoded.scale) == structure(encoded.latent), (
            f"{case_name}: scale has structure {structure(encoded.scale)}, the latent {structure(encoded.latent)}; "
            "give one standard deviation a latent value, or None"
        )
        assert all((leaf >= 0).all() for leaf in leaves(encoded.scale)), f"{case_name}: scale holds a negative value"


def _check_deterministic(case: VariantCase) -> None:
    model, (x, y) = case.training_started(), case.batch()
    with torch.no_grad(), global_randomness_untouched(case.name):
        mode, again = (model.encode(x, y) for _ in range(2))
        first, same, other = (model.encode(x, y, seeded(seed)) for seed in (1, 1, 2))
        prior, prior_same, prior_other = (model.prior(torch.zeros_like(y), seeded(seed)) for seed in (1, 1, 2))
        raw, raw_again = (model.decode(first.latent, y) for _ in range(2))
        model.losses(x, y, case.reconstruction(), seeded(1))
    assert is_equal(mode.latent, again.latent), f"{case.name}: without a generator encode() must give the mode"
    assert is_equal(first.latent, same.latent), f"{case.name}: encode() gave two draws for one seed"
    assert torch.equal(mode.features_BD, first.features_BD), f"{case.name}: features_BD must not depend on the draw"
    assert torch.equal(raw, raw_again), f"{case.name}: decode() gave two outputs for one latent in eval mode"
    if first.scale is not None and all((leaf > 0).all() for leaf in leaves(first.scale)):
        assert not is_equal(first.latent, other.latent), f"{case.name}: encode() ignores the generator it is handed"
    assert is_equal(prior, prior_same), f"{case.name}: prior() gave two draws for one seed"
    assert not is_equal(prior, prior_other), f"{case.name}: prior() ignores its generator"
    distinct = any(not torch.equal(leaf[0], leaf[1]) for leaf in leaves(prior))
    assert distinct, f"{case.name}: prior() gave one draw for all labels; draw one for each"


def _check_batch_independence(case: VariantCase) -> None:
    model, (x, y) = case.perturbed(), case.batch()
    reconstruction = case.reconstruction()
    remedy = "in eval mode an image may not see its batch: prefer LayerNorm or GroupNorm to the batch's statistics"
    with torch.no_grad():
        batched = model.encode(x, y)
        raw = model.decode(batched.latent, y)
        separate = [model.encode(x[i : i + 1], y[i : i + 1]) for i in range(BATCH)]
        separate_raw = torch.cat([model.decode(each.latent, y[i : i + 1]) for i, each in enumerate(separate)])
        x_other, y_other = x.clone(), y.clone()
        x_other[-1], y_other[-1] = 1 - x[-1], (y[-1] + 1) % case.image.num_classes
        before, after = (model.losses(*batch, reconstruction, seeded(3)) for batch in ((x, y), (x_other, y_other)))
    for leaf, *parts in zip(leaves(batched.latent), *(leaves(each.latent) for each in separate), strict=True):
        assert is_close(leaf, torch.cat(parts)), (
            f"{case.name}: encode() of a batch differs from encode() of each; {remedy}"
        )
    for name, value in batched.penalties.items():
        separate_values = torch.cat([each.penalties[name] for each in separate])
        assert is_close(value, separate_values), (
            f"{case.name}: penalty {name!r} of a batch differs from that of each image; {remedy}"
        )
    assert is_close(raw, separate_raw), f"{case.name}: decode() of a batch differs from decode() of each; {remedy}"
    for group, terms in before.items():
        for name, value in terms.items():
            assert term_of(model, name).over_batch or is_close(value[:-1], after[group][name][:-1], 1e-5), (
                f"{case.name}: loss {group}/{name} of an image changed with another image of the batch; {remedy}; a "
                f"term over the batch is declared and is one value: terms = {{{name!r}: Term(over_batch=True)}}"
            )


def _check_labels(case: VariantCase) -> None:
    if case.image.num_classes == 1:
        return
    model, (x, y) = case.perturbed(), case.batch()
    with torch.no_grad():
        model.fit_prior(_latents(model, x, y), seeded(5))
        latent, others = model.encode(x, y).latent, (y + 1) % case.image.num_classes
        decoder_sees = not is_close(model.decode(latent, y), model.decode(latent, others), 1e-6)
        prior_sees = not is_equal(model.prior(y, seeded(4)), model.prior(others, seeded(4)))
    if case.cls.conditional:
        assert decoder_sees or prior_sees, (
            f"{case.name}: `conditional` is true, but neither decode() nor prior() changes with the label; use y_B"
        )
    else:
        assert not decoder_sees, f"{case.name}: decode() changes with the label; set `conditional = True`"
        assert not prior_sees, f"{case.name}: prior() changes with the label; set `conditional = True`"


def _latents(model: Variant, x: Tensor, y: Tensor) -> Latents:
    encoded = model.encode(x, y)
    return Latents(encoded.latent, y, encoded.scale)


def _check_saved(case: VariantCase) -> None:
    model, (x, y) = case.perturbed(), case.batch(4 * BATCH)
    with torch.no_grad():
        model.train().losses(x, y, case.reconstruction().train(), seeded(0))  # a codebook may keep running statistics
        model.eval()
        with global_randomness_untouched(f"{case.name}: fit_prior()"):
            model.fit_prior(_latents(model, x, y), seeded(5))
        loaded = reload_into(model, case.build(seed=1), case.name)
        for module in (model, loaded):
            assert not module.training, f"{case.name}: eval() must reach the whole module"
        first, second = (each.encode(x, y, seeded(6)) for each in (model, loaded))
        raw, raw_loaded = (each.decode(first.latent, y) for each in (model, loaded))
        drawn, drawn_loaded = (each.prior(y, seeded(6)) for each in (model, loaded))
    remedy = "keep all that training and fit_prior change in parameters or buffers"
    assert is_equal(first.latent, second.latent), f"{case.name}: after saving and loading encode() differs; {remedy}"
    assert torch.equal(raw, raw_loaded), f"{case.name}: after saving and loading decode() differs; {remedy}"
    assert is_equal(drawn, drawn_loaded), f"{case.name}: after saving and loading prior() differs; {remedy}"


CHECKS: tuple[Callable[[VariantCase], None], ...] = (
    _check_shapes,
    check_losses,
    _check_deterministic,
    _check_batch_independence,
    _check_labels,
    check_divergence,
    check_log_ratio,
    check_gradients,
    check_deformation,
    _check_saved,
)
