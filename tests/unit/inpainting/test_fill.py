"""Images of any size and a model of one: what the model is shown, and what is taken from it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from vaeaug import ImageSpec
from vaeaug.inpainting import blend, complete, window
from vaeaug.inpainting.complete import Completion
from vaeaug.inpainting.fill import MAX_BATCH, Filled, fill, model_input
from vaeaug.workflows.inpaint import inpaint_settings

SPEC = ImageSpec(channels=3, height=8, width=8, num_classes=2)
RNG = np.random.default_rng(0)


class Recorder:
    """Completes everything to one colour a sample, and remembers what it was shown."""

    model = SimpleNamespace(spec=SPEC)

    def __init__(self) -> None:
        self.shown: list[tuple[Tensor, Tensor, int | None, int, int]] = []

    def complete(self, x_CHW: Tensor, visible_1HW: Tensor, label: int | None, *, samples: int, seed: int) -> Completion:
        self.shown.append((x_CHW, visible_1HW, label, samples, seed))
        images = torch.linspace(0.2, 0.8, samples).view(-1, 1, 1, 1).expand(-1, 3, 8, 8)
        return Completion(images, images, 1, torch.tensor([0.0, 2.0]) if label is None else None)


def _fill(seen_HWC: np.ndarray, missing_HW: np.ndarray, **settings: Any) -> tuple[Filled, Recorder]:
    recorder = Recorder()
    values: dict[str, Any] = {"native": (8, 8), "samples": 2, "seed": 0, "blending": "none", "label": None, **settings}
    label = values.pop("label")
    return fill(seen_HWC, missing_HW, recorder, label, **values), recorder  # type: ignore[arg-type]


def _picture(height: int, width: int) -> np.ndarray:
    return RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", [(8, 8), (11, 12), (5, 6), (40, 50)])
def test_only_holes_are_filled(size: tuple[int, int]) -> None:
    seen, missing = _picture(*size), RNG.random(size) < 0.2
    done, _ = _fill(seen, missing)
    assert done.images_SHWC.shape == (2, *size, 3)
    for image_HWC, value in zip(done.images_SHWC, (0.2, 0.8), strict=True):
        assert np.array_equal(np.round(image_HWC[~missing] * 255), seen[~missing])
        assert np.allclose(image_HWC[missing], value, atol=1e-5)


@pytest.mark.parametrize("size", [(8, 8), (11, 12), (40, 50)])
def test_nothing_from_a_hole_reaches_the_model(size: tuple[int, int]) -> None:
    missing = np.zeros(size, dtype=bool)
    missing[2:5, 1:5] = True
    seen = _picture(*size)
    other = np.where(missing[..., None], 255 - seen, seen)
    for one, two in zip(_fill(seen, missing)[1].shown, _fill(other, missing)[1].shown, strict=True):
        assert torch.equal(one[0], two[0])
        assert torch.equal(one[1], two[1])


def test_the_models_own_size_is_shown_as_it_is() -> None:
    seen, missing = _picture(8, 8), np.eye(8, dtype=bool)
    ((x_CHW, visible_1HW, *_),) = _fill(seen, missing)[1].shown
    assert torch.equal(visible_1HW[0] == 0, torch.from_numpy(missing))
    shown = (x_CHW.permute(1, 2, 0) * 255).round().numpy()
    assert np.array_equal(shown[~missing], seen[~missing])


def test_a_pixel_counts_as_visible_where_half_of_it_is() -> None:
    missing = np.zeros((16, 16), dtype=bool)
    missing[:2, :1] = missing[4:6, 4:6] = missing[8, 8] = True
    _, visible_1HW = model_input(np.zeros((16, 16, 3), np.float32), missing, SPEC)
    assert torch.nonzero(visible_1HW[0] == 0).tolist() == [[2, 2]]


def test_the_class_of_the_largest_hole_holds_for_all() -> None:
    missing = np.zeros((60, 60), dtype=bool)
    missing[2:4, 2:4] = missing[40:50, 40:50] = True
    done, recorder = _fill(_picture(60, 60), missing)
    assert [shown[2] for shown in recorder.shown] == [None, 1]
    assert recorder.shown[0][4] != recorder.shown[1][4]
    assert done.label == 1
    assert done.evidence_K is not None
    assert done.evidence_K.tolist() == [0, 2]
    assert _fill(_picture(60, 60), missing, label=0)[0].evidence_K is None


def test_without_anything_visible_a_single_completion_is_a_draw() -> None:
    done, recorder = _fill(_picture(8, 8), np.ones((8, 8), dtype=bool), samples=1)
    assert recorder.shown[0][3] == 2
    assert len(done.images_SHWC) == 1


def test_many_completions_are_asked_for_in_groups_and_all_are_draws() -> None:
    done, recorder = _fill(_picture(8, 8), np.eye(8, dtype=bool), samples=MAX_BATCH + 1)
    assert len(done.images_SHWC) == MAX_BATCH + 1
    assert [shown[3] for shown in recorder.shown] == [MAX_BATCH, 2]
    assert [shown[2] for shown in recorder.shown] == [None, 1]
    assert recorder.shown[0][4] != recorder.shown[1][4]


def test_whole_shows_all_of_a_large_image() -> None:
    missing = np.zeros((60, 60), dtype=bool)
    missing[2:4, 2:4] = missing[40:50, 40:50] = True
    assert len(_fill(_picture(60, 60), missing, region="whole")[1].shown) == 1


def test_the_command_line_offers_what_there_is() -> None:
    assert inpaint_settings.METHODS == complete.METHODS
    assert inpaint_settings.BLENDS == blend.BLENDS
    assert inpaint_settings.REGIONS == window.REGIONS
