"""The kit sees what is wrong with a sampler: each mutant breaks one rule, and is refused for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch

from vaeaug import Deformation, Draw, InputError, Sampler, SamplingCase, option
from vaeaug.contracts import Latents, leaves, tree_map
from vaeaug.testing import check_sampler


class Around(Sampler):
    """A sampler that keeps the contract: noise around one training image after the other."""

    name = "around"
    continuous = True

    def draw(self, start: int, count: int, generator: torch.Generator) -> Draw:
        images = len(leaves(self.latents.latent)[0])
        chosen = torch.arange(start, start + count) % images

        def near(leaf: torch.Tensor) -> torch.Tensor:
            return leaf[chosen] + torch.randn((count, *leaf.shape[1:]), generator=generator)

        return Draw(tree_map(near, self.latents.latent), tuple(chosen.tolist()))


class Edit(Around):
    """The same as an edit of real images, of a strength."""

    name = "edit"
    edits = True
    strength_option = "strength"

    @dataclass(frozen=True)
    class Config:
        strength: float = option(0.5, "Standard deviation of the change.", minimum=0)

    def draw(self, start: int, count: int, generator: torch.Generator) -> Draw:
        drawn = super().draw(start, count, generator)
        chosen = list(drawn.sources)
        origin = tree_map(lambda leaf: leaf[chosen], self.latents.latent)
        strength = self.config.strength
        return Draw(tree_map(lambda a, b: b + strength * (a - b), drawn.latent, origin), drawn.sources, origin)


class Deforming(Edit):
    """An edit that also deforms."""

    name = "deforming"
    deforms = True

    def draw(self, start: int, count: int, generator: torch.Generator) -> Draw:
        drawn = super().draw(start, count, generator)
        y_B = torch.full((count,), self.label)
        strength_B = torch.full((count,), self.config.strength)
        return replace(drawn, deformation=self.variant.deform(drawn.origin, y_B, strength_B, generator))


class UndeclaredDeformation(Deforming):
    deforms = False


class StrengthWithoutDeformation(Deforming):
    def draw(self, start: int, count: int, generator: torch.Generator) -> Draw:
        drawn = super().draw(start, count, generator)
        return replace(drawn, deformation=Deformation(torch.ones(count, 2, 3, 3)))


@pytest.mark.parametrize("cls", [Around, Edit, Deforming])
def test_sound_samplers_pass(cls: type[Sampler]) -> None:
    check_sampler(cls)


def test_options_are_handed_on() -> None:
    check_sampler(Edit, strength=2.0)
    with pytest.raises(InputError, match="at least 0"):
        check_sampler(Edit, strength=-1.0)


def _drawing(change: Callable[[Draw], Any], base: type[Sampler] = Around) -> type[Sampler]:
    """Return a sampler whose draws are changed."""

    def draw(self: Any, start: int, count: int, generator: torch.Generator) -> Any:
        return change(base.draw(self, start, count, generator))

    return type("Mutant", (base,), {"draw": draw})


def _mapped(function: Callable[[torch.Tensor], torch.Tensor]) -> type[Sampler]:
    """Return a sampler whose latents are changed."""
    return _drawing(lambda draw: replace(draw, latent=tree_map(function, draw.latent)))


def _replaced(base: type[Sampler] = Around, **changes: Any) -> type[Sampler]:
    """Return a sampler whose draws have other values."""
    return _drawing(lambda draw: replace(draw, **changes), base)


class Stateful(Around):
    calls = 0

    def draw(self, start: int, count: int, generator: torch.Generator) -> Draw:
        self.calls += 1
        drawn = super().draw(start, count, generator)
        return replace(drawn, latent=tree_map(lambda leaf: leaf + self.calls, drawn.latent))


class UndeclaredPrior(Sampler):
    name = "undeclared-prior"
    of = 1

    def draw(self, start: int, count: int, generator: torch.Generator) -> Draw:
        return Draw(self.variant.prior(torch.full((count,), self.of), generator), (None,) * count)


class PriorOfAnotherClass(UndeclaredPrior):
    draws_from_prior = True
    of = 0


class InPlace(Around):
    def draw(self, start: int, count: int, generator: torch.Generator) -> Draw:
        for leaf in leaves(self.latents.latent):
            leaf.add_(1)
        return super().draw(start, count, generator)


class NoSuchStrength(Edit):
    strength_option = "power"


class StrengthWithoutEffect(Edit):
    def draw(self, start: int, count: int, generator: torch.Generator) -> Draw:
        state = generator.get_state()
        whole = Around.draw(self, start, count, generator).latent
        generator.set_state(state)
        return replace(super().draw(start, count, generator), latent=whole)


class AllRefused(Around):
    @classmethod
    def unmet_need(cls, latents: Latents) -> str | None:  # noqa: ARG003 (the mutant ignores it)
        return "luck"


class NeedWithoutText(Around):
    @classmethod
    def unmet_need(cls, latents: Latents) -> Any:  # noqa: ARG003 (the mutant ignores it)
        return True


class RefusesTooLate(Around):
    """It takes codes, and makes something else of them."""

    def __init__(self, variant: Any, latents: Latents, label: int, seed: int, device: Any, config: Any = None) -> None:
        self.variant, self.latents, self.label = variant, latents, label


class NoAnswer(Around):
    @classmethod
    def is_recommended_for(cls, case: SamplingCase) -> Any:  # noqa: ARG003 (the mutant ignores it)
        return None


MUTANTS = {
    "no Draw": (_drawing(lambda draw: draw.latent), "must return a vaeaug.Draw"),
    "too few": (_mapped(lambda leaf: leaf[:-1]), "15 latents for 16 samples"),
    "another structure": (_mapped(lambda leaf: leaf.double()), "of structure"),
    "infinite": (_mapped(lambda leaf: leaf / 0), "not finite"),
    "no sources": (_replaced(sources=()), "0 sources for 16 samples"),
    "sources that do not exist": (_replaced(sources=(99,) * 16), "99 is no index of a training image"),
    "state": (Stateful, "depend on the seed, the class and i only"),
    "global randomness": (_mapped(torch.rand_like), "global random state"),
    "no randomness": (_mapped(torch.zeros_like), "ignores the generator"),
    "undeclared prior": (UndeclaredPrior, "set `draws_from_prior = True`"),
    "the prior of another class": (PriorOfAnotherClass, "only self.label"),
    "inputs changed": (InPlace, "in place"),
    "undeclared edits": (_drawing(lambda draw: replace(draw, origin=draw.latent)), "edits = True"),
    "no origin": (_replaced(Edit, origin=None), "an edit has an origin"),
    "another origin": (_drawing(lambda draw: replace(draw, origin=draw.latent), Edit), "not the latent of the sources"),
    "an edit of nothing": (_replaced(Edit, sources=(None,) * 16), "an edit has a source"),
    "a fade out of range": (_replaced(Edit, fade=2.0), "fade is 2.0"),
    "a strength that is none": (NoSuchStrength, "no float option"),
    "a strength without effect": (StrengthWithoutEffect, "scales the change"),
    "undeclared deformations": (UndeclaredDeformation, "set `deforms = True`"),
    "deformations of nothing": (_replaced(Around, deformation=Deformation(torch.zeros(16, 2, 3, 3))), "edits = True"),
    "deformations of other images": (_replaced(Edit, deformation=Deformation(torch.zeros(3, 2, 3, 3))), "has shape"),
    "an infinite displacement": (
        _replaced(Edit, deformation=Deformation(torch.full((16, 2, 3, 3), torch.inf))),
        "is not finite",
    ),
    "a gain of another size": (
        _replaced(Edit, deformation=Deformation(torch.zeros(16, 2, 3, 3), torch.zeros(16, 4, 4))),
        "log_gain_BHW has shape",
    ),
    "a strength that leaves deformations": (StrengthWithoutDeformation, "the deformation changes"),
    "all refused": (AllRefused, "refuses"),
    "a need that is no text": (NeedWithoutText, "a few words or None"),
    "codes that are refused and taken": (RefusesTooLate, "built with latents that it refuses"),
    "a recommendation that is no answer": (NoAnswer, "True or False"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_each_mutant_is_refused_for_what_is_wrong(name: str) -> None:
    cls, message = MUTANTS[name]
    with pytest.raises(AssertionError, match=message):
        check_sampler(cls)


def test_codes_are_refused_with_what_is_missing() -> None:
    codes = Latents(torch.zeros(4, 2, dtype=torch.int64), torch.zeros(4, dtype=torch.int64))
    assert Around.unmet_need(codes) == "continuous latents"
    with pytest.raises(InputError, match="'around' needs continuous latents"):
        Around(None, codes, 0, 0, torch.device("cpu"))  # type: ignore[arg-type]
    assert not Around.is_recommended_for(SamplingCase(True, True, False))
