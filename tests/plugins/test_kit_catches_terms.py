"""The kit is worth what it catches: each variant here breaks a promise of its terms, and the check must name it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from vaeaug import Encoded, GaussianVariant, ImageSpec, Term, TrainingSet
from vaeaug.contracts import Latent
from vaeaug.nn import standard_normal
from vaeaug.testing import check_variant

MMD = Term(over_batch=True)


class MMDVAE(GaussianVariant):
    """A sound one: the InfoVAE (Zhao et al. 2019) with a maximum mean discrepancy to the prior, one value per batch."""

    name = "mmd-vae"
    terms: Mapping[str, Term] = {"mmd": MMD}

    def losses(self, x_BCHW: Tensor, y_B: Tensor, reconstruction: Any, generator: Any = None) -> Any:
        encoded = self.encode(x_BCHW, y_B, generator)
        error_B = reconstruction(self.decode(encoded.latent, y_B), x_BCHW)
        z_BD = encoded.latent
        drawn_BD = standard_normal(tuple(z_BD.shape), generator or torch.Generator().manual_seed(0))
        return {"model": {"reconstruction": error_B, **encoded.penalties, "mmd": self.mmd(z_BD, drawn_BD)}}

    def mmd(self, z_BD: Tensor, drawn_BD: Tensor) -> Tensor:
        def kernel(one_BD: Tensor, other_BD: Tensor) -> Tensor:
            return (-(one_BD[:, None] - other_BD).square().mean(dim=2)).exp().mean()

        return kernel(z_BD, z_BD) + kernel(drawn_BD, drawn_BD) - 2 * kernel(z_BD, drawn_BD)


class NotDeclared(MMDVAE):
    terms: Mapping[str, Term] = {}


class OneValuePerImage(MMDVAE):
    def mmd(self, z_BD: Tensor, drawn_BD: Tensor) -> Tensor:
        return super().mmd(z_BD, drawn_BD).expand(len(z_BD))


class FakedPerImage(OneValuePerImage):
    """What a term over the batch had to look like before it could be declared."""

    terms: Mapping[str, Term] = {}


class NotFiniteForOneImage(MMDVAE):
    def mmd(self, z_BD: Tensor, drawn_BD: Tensor) -> Tensor:
        return super().mmd(z_BD, drawn_BD) * len(z_BD) / (torch.tensor(float(len(z_BD))) - 1)


class PenaltyOverBatch(MMDVAE):
    terms: Mapping[str, Term] = {"mmd": MMD, "kl": Term(over_batch=True)}


class Misspelt(MMDVAE):
    terms: Mapping[str, Term] = {"mmd": MMD, "mdm": MMD}


class NoTerm(MMDVAE):
    terms: ClassVar = {"mmd": "over_batch"}


class NoTermInInit(MMDVAE):
    def __init__(self, spec: ImageSpec, config: Any) -> None:
        super().__init__(spec, config)
        self.terms = {"mmd": True}  # type: ignore[dict-item]


class NegativeDivergence(GaussianVariant):
    name = "negative-divergence"
    terms: Mapping[str, Term] = {"rate": Term(annealed=True)}

    def encode(self, x_BCHW: Tensor, y_B: Tensor, generator: torch.Generator | None = None) -> Encoded:
        encoded = super().encode(x_BCHW, y_B, generator)
        return replace(encoded, penalties={"rate": -encoded.penalties["kl"]})


class PartOfTheDivergence(GaussianVariant):
    name = "part-of-the-divergence"
    terms: Mapping[str, Term] = {"kl": Term(annealed=True), "rest": Term()}

    def encode(self, x_BCHW: Tensor, y_B: Tensor, generator: torch.Generator | None = None) -> Encoded:
        encoded = super().encode(x_BCHW, y_B, generator)
        halved = encoded.penalties["kl"] / 2
        return replace(encoded, penalties={"kl": halved, "rest": halved})


class ForgetsTheTrainingSet(GaussianVariant):
    name = "forgets-the-training-set"
    images = 1

    def begin_training(self, data: TrainingSet) -> None:
        self.images = len(data.labels_N)

    def prior(self, y_B: Tensor, generator: torch.Generator) -> Latent:
        return super().prior(y_B, generator) / self.images


class DrawsAtTheBeginning(GaussianVariant):
    name = "draws-at-the-beginning"

    def begin_training(self, data: TrainingSet) -> None:
        torch.randperm(len(data.labels_N))


class SmallOptionsOfNoConfig(GaussianVariant):
    name = "small-options-of-no-config"
    small_options: ClassVar = {"widht": 8}


class SmallOptionsOutOfRange(GaussianVariant):
    name = "small-options-out-of-range"
    small_options: ClassVar = {"width": 1}


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (NotDeclared, r"loss model/mmd has shape \(\).*declared: terms = {'mmd': Term\(over_batch=True\)}"),
        (OneValuePerImage, r"has shape \(6,\); `terms` declares it over the batch: return one value for the batch"),
        (FakedPerImage, r"loss model/mmd of an image changed with another image.*Term\(over_batch=True\)"),
        (NotFiniteForOneImage, "loss model/mmd is not finite on a batch of one image"),
        (PenaltyOverBatch, "a penalty is one value per image"),
        (Misspelt, r"terms declares \['mdm'\], which neither losses\(\)"),
        (NoTerm, "has terms that are not a mapping of names to vaeaug.Term"),
        (NoTermInInit, "terms must map names to vaeaug.Term"),
        (NegativeDivergence, "penalty 'rate' is .* never negative"),
        (PartOfTheDivergence, "log_ratio averages to"),
        (ForgetsTheTrainingSet, r"prior\(\) differs"),
        (DrawsAtTheBeginning, r"begin_training\(\) drew from torch's global random state"),
        (SmallOptionsOfNoConfig, "has no option 'widht'.*correct small_options"),
        (SmallOptionsOutOfRange, "width must be at least 8, not 1; correct small_options"),
    ],
)
def test_a_broken_variant_is_caught(broken: type[GaussianVariant], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_variant(broken, **GaussianVariant.small_options)


def test_a_term_over_the_batch_is_no_fault() -> None:
    check_variant(MMDVAE, **GaussianVariant.small_options)


def test_a_divergence_may_have_any_name() -> None:
    class Rate(GaussianVariant):
        name = "rate"
        terms: Mapping[str, Term] = {"rate": Term(annealed=True)}

        def encode(self, x_BCHW: Tensor, y_B: Tensor, generator: torch.Generator | None = None) -> Encoded:
            encoded = super().encode(x_BCHW, y_B, generator)
            return replace(encoded, penalties={"rate": encoded.penalties["kl"]})

    check_variant(Rate, **GaussianVariant.small_options)
