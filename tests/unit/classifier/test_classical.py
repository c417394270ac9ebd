"""Classical pipelines: their names, and that each keeps shape, repeats itself and leaves colours of a palette alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vaeaug.classifier.classical import POLICIES, ClassicalPipeline, base_pipelines, parse_pipeline, with_additions
from vaeaug.errors import InputError

PIPELINES = st.builds(ClassicalPipeline, st.sampled_from(list(POLICIES)), st.booleans(), st.booleans(), st.booleans())


@given(PIPELINES)
def test_a_name_says_all_but_the_flip(pipeline: ClassicalPipeline) -> None:
    named = parse_pipeline(pipeline.name)
    assert ClassicalPipeline(named.policy, pipeline.flip, named.erasing, named.mixup) == pipeline


@settings(max_examples=25, deadline=None)
@given(
    pipeline=PIPELINES,
    shape=st.tuples(st.integers(4, 20), st.integers(4, 20), st.sampled_from([1, 3])),
    seeds=st.lists(st.integers(0, 2**32 - 1), min_size=2, max_size=5, unique=True),
)
def test_an_image_and_its_seed_determine_the_result(
    pipeline: ClassicalPipeline, shape: tuple[int, int, int], seeds: list[int]
) -> None:
    x_BHWC = np.random.default_rng(0).integers(0, 256, (len(seeds), *shape), dtype=np.uint8)
    before = x_BHWC.copy()
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    augment = pipeline.build(x_BHWC)
    whole = augment(x_BHWC, seeds)
    assert torch.rand(1) == expected  # the random state of torch, which dropout uses, is as it was
    assert whole.shape == x_BHWC.shape
    assert whole.dtype == np.uint8
    reversed_ = augment(x_BHWC[::-1], seeds[::-1])
    np.testing.assert_array_equal(reversed_[::-1], whole)
    np.testing.assert_array_equal(x_BHWC, before)


def test_gaps_are_filled_with_the_colour_of_the_borders() -> None:
    """White images stay white under every geometric operation; only erasing darkens them, to the mean colour."""
    white = np.full((200, 16, 16, 1), 255, np.uint8)
    white[:, 6:10, 6:10] = 155
    for policy in ("mild", "full"):
        out = ClassicalPipeline(policy).build(white)(white, range(200))
        assert out.min() >= 155
    # Solarize and posterize darken; no other operation of TrivialAugment makes black from light gray and white.
    black = (ClassicalPipeline("trivialaugment").build(white)(white, range(200)) == 0).mean(axis=(1, 2, 3))
    assert np.mean(black > 0.2) < 0.3
    erased = ClassicalPipeline("mild", erasing=True).build(white)(white, range(200))
    mean = round(float(white.mean()))
    assert 0.3 < np.mean((erased == mean).any(axis=(1, 2, 3))) < 0.7


def test_colours_of_a_palette_are_neither_changed_nor_mixed() -> None:
    palette = np.array([[0, 0, 0], [255, 0, 0], [0, 80, 255]], np.uint8)
    x_BHWC = palette[np.random.default_rng(1).integers(0, 3, (60, 12, 12))]
    for pipeline in base_pipelines((False, True), indexed=True):
        out_BHWC = pipeline.build(x_BHWC, indexed=True)(x_BHWC, range(60))
        assert {tuple(colour) for colour in out_BHWC.reshape(-1, 3).tolist()} <= {tuple(c) for c in palette.tolist()}
        assert (out_BHWC != x_BHWC).any()


def test_additions_are_one_or_both() -> None:
    assert [pipeline.name for pipeline in with_additions(ClassicalPipeline("full", flip=True))] == [
        "full+erasing",
        "full+mixup",
        "full+erasing+mixup",
    ]
    assert with_additions(ClassicalPipeline("full", flip=True))[2].description == (
        "full crop and affine + flip + random erasing + mixup"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trivialagument", "there is no classical augmentation 'trivialagument'; did you mean 'trivialaugment'"),
        ("mild+flip", "flips have their own option; use --classical mild --flip yes"),
        ("mild+mixpu", "'mixpu' cannot be added to mild; did you mean 'mixup'"),
    ],
)
def test_a_name_with_a_mistake_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_pipeline(text)
