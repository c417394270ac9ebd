"""The kit is worth what it catches: each variant here breaks one promise, and the check must name it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from vaeaug import Encoded, GaussianVariant, ImageSpec, option
from vaeaug.contracts import Latent, Latents, leaves
from vaeaug.testing import check_variant


class Sound(GaussianVariant):
    name = "sound"


class SoundConditional(GaussianVariant):
    name = "sound-conditional"
    conditional = True


class WrongName(Sound):
    name = "Wrong_Name"


class MutableConfig(Sound):
    Config = dict


class OptionWithoutHelp(Sound):
    @dataclass(frozen=True)
    class Config(GaussianVariant.Config):
        beta: float = 1.0


class AveragesKL(Sound):
    def encode(self, x_BCHW: Tensor, y_B: Tensor, generator: torch.Generator | None = None) -> Encoded:
        encoded = super().encode(x_BCHW, y_B, generator)
        return replace(encoded, penalties={"kl": encoded.penalties["kl"].mean()})


class NegativeKL(Sound):
    def encode(self, x_BCHW: Tensor, y_B: Tensor, generator: torch.Generator | None = None) -> Encoded:
        encoded = super().encode(x_BCHW, y_B, generator)
        return replace(encoded, penalties={"kl": -encoded.penalties["kl"]})


class FeaturesNotFlat(Sound):
    def encode(self, x_BCHW: Tensor, y_B: Tensor, generator: torch.Generator | None = None) -> Encoded:
        encoded = super().encode(x_BCHW, y_B, generator)
        return replace(encoded, features_BD=encoded.features_BD[:, :, None])


class ScaleOfOtherShape(Sound):
    def encode(self, x_BCHW: Tensor, y_B: Tensor, generator: torch.Generator | None = None) -> Encoded:
        encoded = super().encode(x_BCHW, y_B, generator)
        return replace(encoded, scale=encoded.features_BD[:, :1].abs())


class DecodesTooSmall(Sound):
    def decode(self, latent: Latent, y_B: Tensor) -> Tensor:
        return super().decode(latent, y_B)[:, :, :-1]


class SqueezesOneImage(Sound):
    def decode(self, latent: Latent, y_B: Tensor) -> Tensor:
        raw = super().decode(latent, y_B)
        return raw[0] if len(raw) == 1 else raw


class DoublePrecisionInTraining(Sound):
    def decode(self, latent: Latent, y_B: Tensor) -> Tensor:
        raw = super().decode(latent, y_B)
        return raw.double() if self.training else raw


class IgnoresRawChannels(Sound):
    def __init__(self, spec: ImageSpec, config: Any) -> None:
        super().__init__(replace(spec, raw_channels=spec.channels), config)


class DoublePrecision(Sound):
    def decode(self, latent: Latent, y_B: Tensor) -> Tensor:
        return super().decode(latent, y_B).double()


class PriorOfOtherShape(Sound):
    def prior(self, y_B: Tensor, generator: torch.Generator) -> Latent:
        return torch.randn((len(y_B), 3), generator=generator)


class OneDrawForAll(Sound):
    def prior(self, y_B: Tensor, generator: torch.Generator) -> Latent:
        return torch.randn((1, self.config.latent_dim), generator=generator).repeat(len(y_B), 1)


class GlobalRandomness(Sound):
    def prior(self, y_B: Tensor, generator: torch.Generator) -> Latent:
        return torch.randn(len(y_B), self.config.latent_dim)


class GlobalRandomnessInLosses(Sound):
    def losses(self, *args: Any, **kwargs: Any) -> dict[str, dict[str, Tensor]]:
        torch.rand(1)
        return super().losses(*args, **kwargs)


class AlwaysTheMode(Sound):
    def encode(self, x_BCHW: Tensor, y_B: Tensor, generator: torch.Generator | None = None) -> Encoded:
        return super().encode(x_BCHW, y_B, None)


class AlwaysDraws(Sound):
    def encode(self, x_BCHW: Tensor, y_B: Tensor, generator: torch.Generator | None = None) -> Encoded:
        self.calls = getattr(self, "calls", 0) + 1
        return super().encode(x_BCHW, y_B, generator or torch.Generator().manual_seed(self.calls))


class SeesTheBatch(Sound):
    def encode(self, x_BCHW: Tensor, y_B: Tensor, generator: torch.Generator | None = None) -> Encoded:
        return super().encode(x_BCHW - x_BCHW.mean(dim=0), y_B, generator)


class SeesTheBatchDecoding(Sound):
    def decode(self, latent: Latent, y_B: Tensor) -> Tensor:
        raw = super().decode(latent, y_B)
        return raw - raw.mean(dim=0)


class SeesTheBatchInLosses(Sound):
    def losses(self, *args: Any, **kwargs: Any) -> dict[str, dict[str, Tensor]]:
        terms = super().losses(*args, **kwargs)["model"]
        return {"model": {name: value + value.mean() for name, value in terms.items()}}


class BatchStatistics(Sound):
    def __init__(self, spec: ImageSpec, config: Any) -> None:
        super().__init__(spec, config)
        self.normalise = nn.BatchNorm2d(spec.channels, track_running_stats=False)  # the batch's, in eval mode too

    def encode(self, x_BCHW: Tensor, y_B: Tensor, generator: torch.Generator | None = None) -> Encoded:
        return super().encode(self.normalise(x_BCHW), y_B, generator)


class IgnoresLabels(Sound):
    conditional = True

    def __init__(self, spec: ImageSpec, config: Any) -> None:
        super().__init__(replace(spec, num_classes=0), config)


class UsesLabelsUnannounced(Sound):
    def decode(self, latent: Latent, y_B: Tensor) -> Tensor:
        return super().decode(latent, y_B) + y_B[:, None, None, None]


class WrongGroups(Sound):
    def losses(self, *args: Any, **kwargs: Any) -> dict[str, dict[str, Tensor]]:
        return {"other": super().losses(*args, **kwargs)["model"]}


class AveragesLosses(Sound):
    def losses(self, *args: Any, **kwargs: Any) -> dict[str, dict[str, Tensor]]:
        return {"model": {name: value.mean() for name, value in super().losses(*args, **kwargs)["model"].items()}}


class UnusedParameter(Sound):
    def __init__(self, spec: ImageSpec, config: Any) -> None:
        super().__init__(spec, config)
        self.spare = nn.Linear(3, 3)


class DetachedEncoder(Sound):
    def encode(self, x_BCHW: Tensor, y_B: Tensor, generator: torch.Generator | None = None) -> Encoded:
        encoded = super().encode(x_BCHW, y_B, generator)
        return replace(encoded, latent=leaves(encoded.latent)[0].detach(), penalties={})


class ForgottenParameters(Sound):
    def parameter_groups(self) -> dict[str, Any]:
        return {"model": self.encoder.parameters()}


class SharedParameters(Sound):
    def parameter_groups(self) -> dict[str, Any]:
        return {"model": self.parameters(), "again": self.encoder.parameters()}

    def losses(self, *args: Any, **kwargs: Any) -> dict[str, dict[str, Tensor]]:
        terms = super().losses(*args, **kwargs)["model"]
        return {"model": terms, "again": terms}


class UnsavedPrior(Sound):
    spread: float = 1.0

    def fit_prior(self, latents: Latents, generator: torch.Generator) -> None:
        assert isinstance(latents.latent, Tensor)
        self.spread = latents.latent.std().item()

    def prior(self, y_B: Tensor, generator: torch.Generator) -> Latent:
        drawn = super().prior(y_B, generator)
        assert isinstance(drawn, Tensor)
        return drawn * self.spread


class BufferOfNewShape(Sound):
    def fit_prior(self, latents: Latents, generator: torch.Generator) -> None:
        self.register_buffer("fitted", latents.labels_N.float())


class NotFinite(Sound):
    def decode(self, latent: Latent, y_B: Tensor) -> Tensor:
        return super().decode(latent, y_B) / 0


class FitsAtRandom(Sound):
    def fit_prior(self, latents: Latents, generator: torch.Generator) -> None:
        torch.randperm(len(latents.labels_N))


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (WrongName, "lower case"),
        (MutableConfig, "dataclass"),
        (OptionWithoutHelp, r"vaeaug\.option"),
        (AveragesKL, "penalty 'kl' has shape"),
        (NegativeKL, "never negative"),
        (FeaturesNotFlat, "features_BD has shape"),
        (ScaleOfOtherShape, "scale has structure"),
        (DecodesTooSmall, r"decode\(\) gave shape"),
        (SqueezesOneImage, r"decode\(\) gave shape"),
        (IgnoresRawChannels, "spec.raw_channels, which the loss chooses"),
        (DoublePrecision, "use float32"),
        (DoublePrecisionInTraining, "use float32"),
        (NotFinite, "not finite"),
        (PriorOfOtherShape, r"prior\(\) draws latents of structure"),
        (OneDrawForAll, "draw one for each"),
        (GlobalRandomness, "torch's global random state"),
        (GlobalRandomnessInLosses, "torch's global random state"),
        (FitsAtRandom, "torch's global random state"),
        (AlwaysTheMode, "ignores the generator"),
        (AlwaysDraws, "must give the mode"),
        (SeesTheBatch, r"encode\(\) of a batch differs"),
        (SeesTheBatchDecoding, r"decode\(\) of a batch differs"),
        (SeesTheBatchInLosses, "changed with another image"),
        (BatchStatistics, r"encode\(\) of a batch differs"),
        (IgnoresLabels, "`conditional` is true"),
        (UsesLabelsUnannounced, "set `conditional = True`"),
        (WrongGroups, "losses\\(\\) has groups"),
        (AveragesLosses, "leave the mean over the batch to the host"),
        (UnusedParameter, r"no gradient at \['spare"),
        (DetachedEncoder, r"no gradient at \['encoder"),
        (ForgottenParameters, "leaves out"),
        (SharedParameters, "stands in two groups"),
        (UnsavedPrior, r"prior\(\) differs"),
        (BufferOfNewShape, "register every buffer in __init__"),
    ],
)
def test_a_broken_variant_is_caught(broken: type[Sound], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_variant(broken)


@pytest.mark.parametrize("sound", [Sound, SoundConditional])
def test_a_sound_variant_passes(sound: type[GaussianVariant]) -> None:
    check_variant(sound, latent_dim=3, width="16", depth=1)


def test_a_latent_may_be_a_tree() -> None:
    class Ladder(Sound):
        name = "ladder"

        def encode(self, x_BCHW: Tensor, y_B: Tensor, generator: torch.Generator | None = None) -> Encoded:
            flat = super().encode(x_BCHW, y_B, generator)
            return replace(flat, latent=self.split(flat.latent), scale=self.split(flat.scale))

        def decode(self, latent: Latent, y_B: Tensor) -> Tensor:
            assert isinstance(latent, dict)
            return super().decode(torch.cat([latent["top"], *latent["rest"]], dim=1), y_B)

        def prior(self, y_B: Tensor, generator: torch.Generator) -> Latent:
            return self.split(super().prior(y_B, generator))

        @staticmethod
        def split(flat: Any) -> Latent:
            return {"top": flat[:, :4], "rest": (flat[:, 4:8], flat[:, 8:])}

    check_variant(Ladder)


def test_a_layer_that_starts_at_zero_is_no_fault() -> None:
    class ZeroStart(SoundConditional):
        name = "zero-start"

        @dataclass(frozen=True)
        class Config(GaussianVariant.Config):
            scale: float = option(1.0, "Scale of the output.", minimum=0)

        def __init__(self, spec: ImageSpec, config: Any) -> None:
            super().__init__(spec, config)
            nn.init.zeros_(self.decoder.body.outputs.weight)

    check_variant(ZeroStart)


def test_the_random_states_of_the_caller_survive() -> None:
    before = torch.get_rng_state()
    check_variant(Sound)
    assert torch.equal(before, torch.get_rng_state())
