"""The checks of a variant's objective: the KL among its penalties, its terms, and where their gradients go."""

from __future__ import annotations

import torch

from vaeaug.contracts import annealed_names, shape_fault
from vaeaug.testing.cases import seeded
from vaeaug.testing.variant_case import BATCH, VariantCase


def check_divergence(case: VariantCase) -> None:
    """Check that annealed penalties are not negative, as divergences are."""
    model, (x, y) = case.perturbed(), case.batch()
    with torch.no_grad():
        draws = [model.encode(x, y, seeded(seed)).penalties for seed in range(16)]
    for name in annealed_names(model, draws[0]):
        values = torch.stack([draw[name] for draw in draws])
        estimated = bool((values.std(dim=0) > 0).any())
        minimum = values.mean(dim=0).min().item()
        assert minimum >= (-0.5 if estimated else -1e-3), (
            f"{case.name}: penalty {name!r} is {minimum:.4g}; a Kullback-Leibler divergence is never negative: look "
            f"for a sign or a missing term (vaeaug.nn.kl_standard_normal has the closed form)"
        )


def check_log_ratio(case: VariantCase) -> None:
    """Check that `log_ratio` averages to the annealed penalties over draws."""
    model, (x, y) = case.perturbed(), case.batch()
    with torch.no_grad():
        draws = [model.encode(x, y, seeded(0))]
        if draws[0].log_ratio is None:
            return
        draws += [model.encode(x, y, seeded(seed)) for seed in range(1, 64)]
    ratios = torch.stack([draw.log_ratio for draw in draws if draw.log_ratio is not None])
    assert tuple(ratios.shape[1:]) == (BATCH,), (
        f"{case.name}: log_ratio has shape {tuple(ratios.shape[1:])}; give one value per image, ({BATCH},)"
    )
    divergences = [[draw.penalties[name] for name in annealed_names(model, draw.penalties)] for draw in draws]
    if not divergences[0]:
        return
    kl = torch.stack([torch.stack(values).sum(dim=0) for values in divergences])
    error, noise = (ratios - kl).mean(dim=0).abs(), (ratios - kl).std(dim=0) / len(draws) ** 0.5
    assert (error <= 5 * noise + 1e-2).all(), (
        f"{case.name}: log_ratio averages to {ratios.mean(dim=0)[0]:.4g} over draws and the KL penalties to "
        f"{kl.mean(dim=0)[0]:.4g}; it is log q(z|x) - log p(z) of the draw, whose mean is the KL"
    )


def check_losses(case: VariantCase) -> None:
    """Check the groups, and that each term has its shape and is finite."""
    for count in (BATCH, 1):
        x, y = case.batch(count)
        model = case.training_started().train()
        losses = model.losses(x, y, case.reconstruction().train(), seeded(0))
        groups = model.parameter_groups()
        assert set(losses) == set(groups), (
            f"{case.name}: losses() has groups {sorted(losses)}, parameter_groups() {sorted(groups)}; make them match"
        )
        for group, terms in losses.items():
            assert terms, f"{case.name}: losses() has no term for the group {group!r}"
            for name, value in terms.items():
                fault = shape_fault(model, name, value, count)
                assert fault is None, f"{case.name}: loss {group}/{name} {fault}"
                batch_text = "an ordinary image" if count > 1 else "a batch of one image"
                assert value.isfinite().all(), f"{case.name}: loss {group}/{name} is not finite on {batch_text}"
        returned = {*model.encode(x, y).penalties, *(name for terms in losses.values() for name in terms)}
        assert set(model.terms) <= returned, (
            f"{case.name}: terms declares {sorted(set(model.terms) - returned)}, which neither losses() nor the "
            f"penalties have; they have {sorted(returned)} (if it depends on the options, set terms in __init__)"
        )


def check_gradients(case: VariantCase) -> None:
    """Check that each parameter is in one group, and that the losses of the group reach it."""
    model = case.perturbed().train()
    names = {parameter: name for name, parameter in model.named_parameters()}
    groups = {group: list(parameters) for group, parameters in model.parameter_groups().items()}
    grouped = [parameter for parameters in groups.values() for parameter in parameters]
    assert len(grouped) == len(set(grouped)), f"{case.name}: a parameter stands in two groups, or twice in one"
    missing = [name for parameter, name in names.items() if parameter.requires_grad and parameter not in set(grouped)]
    assert not missing, f"{case.name}: parameter_groups() leaves out {missing}; they would never be trained"
    x, y = case.batch(2 * BATCH)
    losses = model.losses(x, y, case.reconstruction().train(), seeded(0))
    for group, parameters in groups.items():
        trained = [parameter for parameter in parameters if parameter.requires_grad]
        total = torch.stack([value.sum() for value in losses[group].values()]).sum()
        gradients = torch.autograd.grad(total, trained, retain_graph=True, allow_unused=True)
        unreached = [names[p] for p, g in zip(trained, gradients, strict=True) if g is None or not g.abs().sum() > 0]
        assert not unreached, (
            f"{case.name}: the losses of group {group!r} have no gradient at {unreached}; use these parameters, move "
            f"them to the group that trains them, or make them buffers"
        )
