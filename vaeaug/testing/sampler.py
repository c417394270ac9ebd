"""The checks of a sampler."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from vaeaug.contracts import Deformation, Draw, Latent, Latents, Sampler, SamplingCase, leaves, parse_options, tree_map
from vaeaug.errors import InputError
from vaeaug.testing.cases import check_declaration, global_randomness_untouched, is_close, is_equal, seeded, structure
from vaeaug.testing.deformation import deformation_faults
from vaeaug.testing.reference import FixedPrior

if TYPE_CHECKING:
    from collections.abc import Callable

COUNTS = (1, 2, 40)
"""Training images of the class: a sampler copes with few."""

CHUNK = 16
LABEL = 1


def check_sampler(cls: type[Sampler], /, **options: Any) -> None:
    """Check that a sampler keeps the contract, on latents of several structures and classes of several sizes.

    - **declaration**: `name` is set, `Config` is a frozen dataclass whose options have a default and a line of help,
      and `strength_option` names one of them.
    - **needs**: `unmet_need` gives a few words or None; latents with a need are refused, and one kind can be drawn.
    - **shapes**: `draw` gives as many finite latents as are requested, structured as those of the training images,
      and one source per sample: an index of a training image or None.
    - **class**: it draws from the prior of its own class only, and only if `draws_from_prior` says so.
    - **edits**: with `edits`, each sample has a source, and `origin` is its latent; detail has weights that sum to 0,
      of as many images as `shares_detail_of` says; only with `deforms` it asks the variant for deformations; a lower
      `strength_option` changes latents, detail and deformations less.
    - **deterministic**: a chunk depends on its generator and the fitting seed only, not on what was drawn before, and
      no global random state is drawn from. Another seed gives other samples.
    - **inputs**: the latents of the training images are left as they are.

    Args:
        cls: the class the hook `vaeaug_samplers` returns.
        **options: options of its `Config`; the defaults where not given.

    Raises:
        AssertionError: if the contract is broken; the message says how to fix it.
    """
    check_declaration("sampler", cls)
    _check_strength_option(cls)
    _check_recommendation(cls)
    drawn = 0
    for kind in LATENTS:
        for count in COUNTS:
            case = _Case(cls, kind, count, options)
            if _check_need(case):
                drawn += 1
                for check in CHECKS:
                    check(case)
    assert drawn, f"{cls.name}: unmet_need() refuses vectors, ladders and codes alike; return None for what it can draw"


def _vectors(count: int) -> Latents:
    mode = torch.randn((count, 5), generator=seeded(1))
    return _latents(mode, torch.full_like(mode, 0.3))


def _ladder(count: int) -> Latents:
    """Two groups, of which no posterior is known."""
    top, bottom = (torch.randn((count, *shape), generator=seeded(2)) for shape in ((3,), (2, 2, 2)))
    return _latents((top, bottom), None)


def _codes(count: int) -> Latents:
    return _latents(torch.randint(8, (count, 2, 2), generator=seeded(3)), None)


def _latents(latent: Latent, scale: Latent | None) -> Latents:
    return Latents(latent, torch.full((len(leaves(latent)[0]),), LABEL), scale)


LATENTS: dict[str, Callable[[int], Latents]] = {"vectors": _vectors, "ladders": _ladder, "codes": _codes}


@dataclass(frozen=True)
class _Case:
    cls: type[Sampler]
    kind: str
    count: int
    options: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.cls.name} on {self.kind} of {self.count} image{'s' if self.count > 1 else ''}"

    @property
    def latents(self) -> Latents:
        return LATENTS[self.kind](self.count)

    def build(self, latents: Latents | None = None, prior: FixedPrior | None = None, **changes: Any) -> Sampler:
        latents = latents or self.latents
        config = parse_options(self.cls.Config, {**self.options, **changes}, self.cls.name)
        return self.cls(prior or FixedPrior(latents.latent), latents, LABEL, 0, torch.device("cpu"), config)

    def draw(self, seed: int = 0, start: int = 0, **changes: Any) -> Draw:
        with torch.inference_mode():
            return self.build(**changes).draw(start, CHUNK, seeded(seed))


def _check_strength_option(cls: type[Sampler]) -> None:
    option = cls.strength_option
    if option is not None:
        assert cls.edits, f"{cls.name}: strength_option is for samplers that edit real images; set `edits = True`"
        default = getattr(cls.Config(), option, None)
        assert isinstance(default, float), f"{cls.name}: strength_option {option!r} is no float option of its Config"


def _check_recommendation(cls: type[Sampler]) -> None:
    for case in (SamplingCase(*facts) for facts in ((True, True, False), (True, False, True), (False, True, True))):
        value = cls.is_recommended_for(case)
        assert isinstance(value, bool), f"{cls.name}: is_recommended_for() gave {value!r}; return True or False"


def _check_need(case: _Case) -> bool:
    """Check `unmet_need`, and return whether the sampler can draw such latents."""
    need = case.cls.unmet_need(case.latents)
    if need is None:
        return True
    assert isinstance(need, str), f"{case.name}: unmet_need() gave {need!r}; return a few words or None"
    assert len(need.splitlines()) == 1, f"{case.name}: unmet_need() gave {need!r}; return a few words on one line"
    try:
        case.build()
    except InputError:
        return False
    raise AssertionError(f"{case.name}: built with latents that it refuses; call super().__init__, and fit in fit()")


def _check_latent(case: _Case, latent: Latent, what: str) -> None:
    expected = structure(case.latents.latent)
    assert structure(latent) == expected, (
        f"{case.name}: draw() gave a {what} of structure {structure(latent)}; it must be that of the training images' "
        f"latents, {expected}"
    )
    for leaf in leaves(latent):
        assert len(leaf) == CHUNK, f"{case.name}: draw() gave {len(leaf)} {what}s for {CHUNK} samples"
        assert leaf.isfinite().all(), f"{case.name}: draw() gave a {what} that is not finite"


def _check_shapes(case: _Case) -> None:
    for start in (0, CHUNK):
        draw = case.draw(start=start)
        assert isinstance(draw, Draw), f"{case.name}: draw() must return a vaeaug.Draw"
        _check_latent(case, draw.latent, "latent")
        assert len(draw.sources) == CHUNK, (
            f"{case.name}: {len(draw.sources)} sources for {CHUNK} samples; give one each"
        )
        for source in draw.sources:
            assert source is None or (isinstance(source, int) and 0 <= source < case.count), (
                f"{case.name}: source {source!r} is no index of a training image; give 0 to {case.count - 1}, or None"
            )


def _check_class(case: _Case) -> None:
    prior = FixedPrior(case.latents.latent)
    case.draw(prior=prior)
    if not case.cls.draws_from_prior:
        assert not prior.labels, f"{case.name}: it draws from the variant's prior; set `draws_from_prior = True`"
    assert prior.labels <= {LABEL}, (
        f"{case.name}: it drew from the prior of class {sorted(prior.labels)}; give prior() only self.label, {LABEL}"
    )


def _check_edits(case: _Case) -> None:
    draw = case.draw()
    if not case.cls.edits:
        assert draw.origin is None, f"{case.name}: origin is for samplers that edit real images; set `edits = True`"
        assert draw.detail is None, f"{case.name}: detail is for samplers that edit real images; set `edits = True`"
        assert draw.deformation is None, f"{case.name}: deformations are of real images; set `edits = True`"
        return
    sources = [source for source in draw.sources if source is not None]
    assert len(sources) == CHUNK, f"{case.name}: an edit has a source; give the index of a training image for each"
    assert draw.origin is not None, f"{case.name}: an edit has an origin: the latents of its sources"
    _check_latent(case, draw.origin, "origin")
    source_latent: Latent = tree_map(lambda leaf: leaf[sources], case.latents.latent)
    same = all(is_close(a, b, 1e-5) for a, b in zip(leaves(draw.origin), leaves(source_latent), strict=True))
    assert same, f"{case.name}: origin is not the latent of the sources; give latents.latent[source] for each"
    assert 0 <= draw.fade <= 1, f"{case.name}: fade is {draw.fade}; it is a change of brightness, 0 to 1"
    max_shared = case.cls.shares_detail_of(case.build().config)
    if draw.detail is not None:
        indices, weights = draw.detail.sources_BK, draw.detail.weights_BK
        assert indices.shape == weights.shape, f"{case.name}: detail has other shapes of sources_BK and weights_BK"
        assert len(indices) == CHUNK, f"{case.name}: detail has {len(indices)} rows for {CHUNK} samples"
        inside = bool(((indices >= 0) & (indices < case.count)).all())
        assert inside, f"{case.name}: detail names training images that do not exist; give 0 to {case.count - 1}"
        assert weights.sum(dim=1).abs().max() < 1e-4, f"{case.name}: the weights of a sample's detail must sum to 0"
    shared = 0 if draw.detail is None else draw.detail.sources_BK.shape[1]
    assert shared <= max_shared, (
        f"{case.name}: detail of {shared} images is added; shares_detail_of() says {max_shared}"
    )
    _check_deformation(case, draw.deformation)


def _check_deformation(case: _Case, deformation: Deformation | None) -> None:
    prior = FixedPrior(case.latents.latent)
    case.draw(prior=prior)
    if prior.deformed:
        assert case.cls.deforms, f"{case.name}: it calls the variant's deform(); set `deforms = True`"
    if deformation is not None:
        for fault in deformation_faults(deformation, CHUNK):
            raise AssertionError(f"{case.name}: {fault}")


def _check_strength(case: _Case) -> None:
    option = case.cls.strength_option
    if option is None or option in case.options:
        return
    default = getattr(case.build().config, option)
    full, weak = (case.draw(**{option: factor * default}) for factor in (1.0, 0.25))
    for part, size in CHANGES.items():
        assert size(weak) <= 0.5 * size(full) + 1e-6, (
            f"{case.name}: at a quarter of {option} {part} changes by {size(weak):.3g}, at all of it by "
            f"{size(full):.3g}; a strength_option scales the change"
        )


def _latent_change(draw: Draw) -> float:
    origin = draw.latent if draw.origin is None else draw.origin
    pairs = zip(leaves(draw.latent), leaves(origin), strict=True)
    return math.sqrt(sum(float((a - b).square().sum()) for a, b in pairs))


def _detail_change(draw: Draw) -> float:
    return 0.0 if draw.detail is None else float(draw.detail.weights_BK.square().sum().sqrt())


def _deformation_change(draw: Draw) -> float:
    return 0.0 if draw.deformation is None else float(draw.deformation.displacement_B2HW.square().sum().sqrt())


CHANGES: dict[str, Callable[[Draw], float]] = {
    "the latent": _latent_change,
    "the detail": _detail_change,
    "the deformation": _deformation_change,
}


def _check_deterministic(case: _Case) -> None:
    fix = "sample i may depend on the seed, the class and i only: keep no state in draw(), and fit with `seed`"
    with torch.inference_mode(), global_randomness_untouched(case.name):
        sampler = case.build()
        later = sampler.draw(CHUNK, CHUNK, seeded(1))
        first = sampler.draw(0, CHUNK, seeded(0))
    again = case.draw()
    assert is_equal(first.latent, again.latent), f"{case.name}: the first chunk changed after another was drawn; {fix}"
    assert _detail_change(first) == _detail_change(again), f"{case.name}: the first chunk's detail changed; {fix}"
    assert _deformation_change(first) == _deformation_change(again), f"{case.name}: its deformations changed; {fix}"
    assert first.sources == again.sources, f"{case.name}: sources of the first chunk changed after another; {fix}"
    assert is_equal(later.latent, case.draw(1, CHUNK).latent), f"{case.name}: two draws of one chunk differ; {fix}"
    if case.count > 2:
        other = case.draw(seed=5)
        pairs = [(size(first), size(other)) for size in CHANGES.values()]
        varies = not is_equal(first.latent, other.latent) or any(a != b for a, b in pairs)
        assert varies, f"{case.name}: draw() ignores the generator that is passed in"


def _check_inputs(case: _Case) -> None:
    latents = case.latents
    case.draw(latents=latents)
    same = is_equal(latents.latent, case.latents.latent)
    assert same, f"{case.name}: it changed the training images' latents in place; work on a copy"


CHECKS: tuple[Callable[[_Case], None], ...] = (
    _check_shapes,
    _check_class,
    _check_edits,
    _check_strength,
    _check_inputs,
    _check_deterministic,
)
