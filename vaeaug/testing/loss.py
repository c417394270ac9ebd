"""The checks of a reconstruction loss."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vaeaug.contracts import ImageSpec, ReconstructionLoss
from vaeaug.nn.adamw import AdamW
from vaeaug.testing.cases import (
    SPECS,
    build,
    check_declaration,
    global_randomness_untouched,
    images,
    is_close,
    reload_into,
    seeded,
)

if TYPE_CHECKING:
    from collections.abc import Callable


MAX_ERROR = 0.08
"""Mean distance of a pixel from the image's after a descent."""


def check_loss(cls: type[ReconstructionLoss], /, **options: Any) -> None:
    """Check that a reconstruction loss keeps the contract, on gray and RGB images of several sizes.

    - **declaration**: `name` is set, `Config` is a frozen dataclass whose options have a default and a line of help.
    - **shapes**: `raw_channels` is at least 1; `forward` gives one float32 value an image, (B,), a batch of one too,
      in train and in eval mode; `image` gives (B, C, H, W) in [0, 1].
    - **sums**: two images side by side cost what they cost apart, and a gray image in three channels costs three
      times as much (within a fifth, so that a loss may look at neighbourhoods). An average fails.
    - **alone**: in eval mode an image's loss does not depend on the other images of its batch.
    - **extremes**: pixels of exactly 0 and 1, and raw output of -30 and 30, give finite losses and gradients.
    - **descent**: following the gradient on the raw output brings `image(raw)` to the image.
    - **deterministic**: the same input gives the same loss, and no global random state is drawn from.
    - **saved**: written as safetensors and loaded into a new instance, it gives identical losses.

    Args:
        cls: the class the hook `vaeaug_losses` returns.
        **options: options of its `Config`; the defaults where not given.

    Raises:
        AssertionError: what is wrong and how to mend it.
    """
    check_declaration("loss", cls)
    for spec in SPECS:
        case = _Case(cls, spec, options)
        for check in CHECKS:
            check(case)


@dataclass(frozen=True)
class _Case:
    cls: type[ReconstructionLoss]
    spec: ImageSpec
    options: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.cls.name} on {self.spec.channels}x{self.spec.height}x{self.spec.width}"

    def build(self, **changes: Any) -> ReconstructionLoss:
        return build(self.cls, replace(self.spec, **changes), self.options).eval()

    @cached_property
    def _raw_channels(self) -> int:
        return self.build().raw_channels(self.spec.channels)

    def batch(self, count: int = 4, seed: int = 1) -> tuple[Tensor, Tensor]:
        """Return raw output (B, R, H, W) and images (B, C, H, W)."""
        raw = torch.randn((count, self._raw_channels, self.spec.height, self.spec.width), generator=seeded(seed))
        return raw, images(self.spec, count, seed)[0]


def _check_shapes(case: _Case) -> None:
    loss = case.build()
    for channels in (1, 3):
        raw_channels = loss.raw_channels(channels)
        assert isinstance(raw_channels, int), f"{case.name}: raw_channels({channels}) must be an int"
        assert raw_channels >= 1, f"{case.name}: raw_channels({channels}) must be at least 1"
    for count in (4, 1):
        raw, x = case.batch(count)
        for mode in (True, False):
            value = loss.train(mode)(raw, x)
            assert tuple(value.shape) == (count,), (
                f"{case.name}: forward gave shape {tuple(value.shape)} for {count} images; give one value per image, "
                f"({count},): sum over channels and pixels, never over the batch"
            )
            assert value.dtype == torch.float32, f"{case.name}: forward gave {value.dtype}; use float32"
            assert value.isfinite().all(), f"{case.name}: forward gave a value that is not finite on an ordinary image"
        shape = tuple(loss.image(raw).shape)
        assert shape == tuple(x.shape), (
            f"{case.name}: image() gave shape {shape}; it must be (B, C, H, W), {tuple(x.shape)}"
        )


def _check_sums(case: _Case) -> None:
    raw, x = case.batch()
    loss, wide = case.build(), case.build(width=2 * case.spec.width)
    separate = loss(raw[:2], x[:2]) + loss(raw[2:], x[2:])
    together = wide(torch.cat([raw[:2], raw[2:]], dim=3), torch.cat([x[:2], x[2:]], dim=3))
    assert ((together - separate).abs() <= 0.2 * separate.abs() + 1e-3).all(), (
        f"{case.name}: two images side by side cost {together[0]:.4g}, apart {separate[0]:.4g}; sum over pixels, do "
        "not average: otherwise a KL weight means something else under this loss than under others"
    )
    if case.spec.channels == 1 and (loss.raw_channels(1), loss.raw_channels(3)) == (1, 3):
        colour = case.build(channels=3)(raw.repeat(1, 3, 1, 1), x.repeat(1, 3, 1, 1))
        gray = loss(raw, x)
        assert ((colour - 3 * gray).abs() <= 0.6 * gray.abs() + 1e-3).all(), (
            f"{case.name}: a gray image in three channels costs {colour[0]:.4g}, in one {gray[0]:.4g}; "
            "sum over channels"
        )


def _check_batch_independence(case: _Case) -> None:
    loss, (raw, x) = case.build(), case.batch()
    separate = torch.cat([loss(raw[i : i + 1], x[i : i + 1]) for i in range(len(x))])
    assert is_close(loss(raw, x), separate), (
        f"{case.name}: in eval mode an image's loss depends on the other images of its batch; use statistics kept from "
        f"training (buffers) instead of the batch's"
    )


def _check_extremes(case: _Case) -> None:
    loss, (raw, x) = case.build(), case.batch()
    signs = torch.where(raw > 0, 30.0, -30.0)
    for mode in (True, False):
        for pixels in (torch.zeros_like(x), torch.ones_like(x)):
            leaf = signs.clone().requires_grad_()
            value = loss.train(mode)(leaf, pixels)
            value.sum().backward()
            remedy = "work on logits, and keep logarithms and divisions away from zero"
            assert value.isfinite().all(), f"{case.name}: the loss is not finite at raw output of 30; {remedy}"
            assert leaf.grad is not None, f"{case.name}: the loss has no gradient towards the raw output"
            assert leaf.grad.isfinite().all(), f"{case.name}: the gradient is not finite at raw output of 30; {remedy}"
    for output in (raw, signs):
        image = loss.eval().image(output)
        inside = bool(image.isfinite().all()) and bool(image.min() >= 0) and bool(image.max() <= 1)
        assert inside, f"{case.name}: image() left [0, 1]; end it with a sigmoid or a clamp"


def _check_descent(case: _Case) -> None:
    loss, (raw, x) = case.build(), case.batch(count=2)
    raw = (0.01 * raw).requires_grad_()
    optimizer = AdamW([raw])
    for step in range(1, 101):
        optimizer.zero_grad()
        loss(raw, x).sum().backward()
        optimizer.step(0.1)
        error = (loss.image(raw) - x).abs().mean().item() if step % 10 == 0 else 1.0
        if error < MAX_ERROR / 2:
            return
    assert error < MAX_ERROR, (
        f"{case.name}: following the gradient left image(raw) {error:.2g} from the image on average (limit "
        f"{MAX_ERROR}); image() must return the image at which forward() is smallest"
    )


def _check_deterministic(case: _Case) -> None:
    loss, (raw, x) = case.build(), case.batch()
    with global_randomness_untouched(f"{case.name}: the loss"):
        first, second = loss(raw, x), loss(raw, x)
        loss.image(raw)
    assert torch.equal(first, second), f"{case.name}: the same input gave two losses in eval mode; keep no state there"


def _check_saved(case: _Case) -> None:
    loss, (raw, x) = case.build(), case.batch()
    for step in range(3):
        loss.train()(*case.batch(seed=10 + step))  # a loss may keep running statistics
    loaded = reload_into(loss.eval(), build(case.cls, case.spec, case.options, seed=1), case.name)
    assert torch.equal(loss(raw, x), loaded(raw, x)), (
        f"{case.name}: after saving and loading the loss differs; keep what training changes in parameters or buffers"
    )


CHECKS: tuple[Callable[[_Case], None], ...] = (
    _check_shapes,
    _check_deterministic,
    _check_sums,
    _check_batch_independence,
    _check_extremes,
    _check_descent,
    _check_saved,
)
