"""Samples: sample i of a class depends on (seed, class, i) alone."""

from pathlib import Path

import numpy as np
import pytest
import tiny_data
import torch

import vaeaug
from vaeaug import plugins
from vaeaug.contracts import Draw
from vaeaug.synthesis.edit import Edit
from vaeaug.synthesis.generate import CHUNK, chunks_of, generate
from vaeaug.training.batches import as_pixels


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_data.model(tmp_path_factory)


@pytest.fixture(scope="module")
def model(path: Path) -> vaeaug.Model:
    return vaeaug.load(path)


@pytest.fixture(scope="module")
def deforming(path: Path, tmp_path_factory: pytest.TempPathFactory) -> vaeaug.Model:
    """A model of the same images, of a variant that deforms."""
    base = tmp_path_factory.mktemp("deforming")
    data = tiny_data.two_classes(tmp_path_factory)
    return vaeaug.train(data, base / "model", variant="warp", **tiny_data.QUICK)


SAMPLERS = {name: provided.cls for name, provided in plugins.load(environ={}).samplers.items()}
DRAWN = sorted(name for name, sampler in SAMPLERS.items() if not sampler.edits)
FILES = {f"{label}/{number:03}.png": Path(f"{label}-{number}") for label in ("ant", "bee") for number in range(12)}


@pytest.mark.parametrize("sampler", DRAWN)
def test_the_first_of_more_samples_are_the_same(model: vaeaug.Model, sampler: str) -> None:
    many = model.sample("ant", 150, sampler=sampler)
    assert many.shape == (150, 8, 8, 1)
    assert many.dtype == np.uint8
    for n in (0, 1, 10, CHUNK, CHUNK + 1):
        assert np.array_equal(model.sample("ant", n, sampler=sampler), many[:n])
    assert len(np.unique(many.reshape(150, -1), axis=0)) > 100


@pytest.mark.parametrize("sampler", sorted(SAMPLERS))
def test_chunks_come_out_the_same_in_any_order_and_company(
    model: vaeaug.Model, deforming: vaeaug.Model, sampler: str
) -> None:
    if SAMPLERS[sampler].deforms:
        model = deforming

    def chunks(numbers: list[int], count: int = 200):  # type: ignore[no-untyped-def]
        drawn = generate(model.stored, "bee", numbers, sampler=SAMPLERS[sampler], seed=5, count=count, originals=FILES)
        return {chunk.start: chunk for chunk in drawn}

    straight = chunks([0, 1, 2, 3])
    assert [len(chunk.pixels_BHWC) for chunk in straight.values()] == [64, 64, 64, 8]
    assert list(straight) == [0, 64, 128, 192]
    for numbers in ([3, 1], [2], [1, 0, 3, 2]):
        for start, chunk in chunks(numbers).items():
            assert np.array_equal(chunk.pixels_BHWC, straight[start].pixels_BHWC)
            assert chunk.sources == straight[start].sources
            assert (chunk.edits is None) == (sampler in DRAWN)
            for edit, same in zip(chunk.edits or (), straight[start].edits or (), strict=True):
                assert (edit.path, edit.fade) == (same.path, same.fade)
                assert np.array_equal(edit.before_HWC, same.before_HWC)
                assert np.array_equal(edit.after_HWC, same.after_HWC)
                _assert_same_parts(edit, same)
    assert np.array_equal(chunks([0], count=7)[0].pixels_BHWC, straight[0].pixels_BHWC[:7])


def _assert_same_parts(edit: Edit, same: Edit) -> None:
    assert (edit.detail is None, edit.deformation is None) == (same.detail is None, same.deformation is None)
    if edit.detail is not None:
        assert (edit.detail.paths, edit.detail.weights) == (same.detail.paths, same.detail.weights)
        assert np.array_equal(edit.detail.decoded_HWC, same.detail.decoded_HWC)
    if edit.deformation is not None:
        assert np.array_equal(edit.deformation.displacement_HW2, same.deformation.displacement_HW2)
        assert np.array_equal(edit.deformation.log_gain_HW, same.deformation.log_gain_HW)


def test_added_detail_is_what_the_decoder_shows_of_those_very_images(model: vaeaug.Model) -> None:
    """Sample i changes training image i, so `before` of the first samples is what the decoder makes of each image."""
    (chunk,) = generate(model.stored, "bee", [0], sampler=SAMPLERS["residual"], seed=5, count=CHUNK, originals=FILES)
    shown = {edit.path: edit.before_HWC for edit in chunk.edits}
    for edit in chunk.edits:
        detail = edit.detail
        assert len(detail.paths) == 4
        expected = sum(weight * shown[path] for path, weight in zip(detail.paths, detail.weights, strict=True))
        np.testing.assert_allclose(detail.decoded_HWC, expected, atol=1e-5)


def test_a_fresh_process_state_changes_nothing(model: vaeaug.Model, path: Path) -> None:
    before = model.sample("ant", 20)
    torch.manual_seed(123)
    np.random.seed(123)
    again = vaeaug.load(path)
    again.sample("bee", 3)  # another class in between
    assert np.array_equal(again.sample("ant", 20), before)


def test_seeds_classes_chunks_and_samplers_have_streams_of_their_own(path: Path, deforming: vaeaug.Model) -> None:
    model = vaeaug.load(path)
    streams: list[int] = []
    for sampler in SAMPLERS.values():
        stored = (deforming if sampler.deforms else model).stored

        class Spy(sampler):  # type: ignore[valid-type,misc]
            """Notes the stream it draws from."""

            def draw(self, start: int, count: int, generator: torch.Generator) -> Draw:
                streams.append(generator.initial_seed())
                return super().draw(start, count, generator)

        for label in ("ant", "bee"):
            for seed in (0, 1):
                list(generate(stored, label, [0, 1], sampler=Spy, seed=seed, count=128, originals=FILES))
    assert len(set(streams)) == len(streams) == len(SAMPLERS) * 2 * 2 * 2


def test_posterior_samples_name_the_images_they_were_drawn_around(model: vaeaug.Model, path: Path) -> None:
    (chunk,) = generate(model.stored, "bee", [0], sampler=SAMPLERS["posterior"], seed=0, count=20)
    assert chunk.sources == tuple(f"bee/{number % 9:03}.png" for number in range(20))
    (chunk,) = generate(model.stored, "bee", [0], sampler=SAMPLERS["mixture"], seed=0, count=5)
    assert chunk.sources == (None,) * 5


def test_pixels_are_rounded_and_not_cut() -> None:
    levels = torch.tensor([0.999, 0.001, 0.5, 254.49 / 255, 254.51 / 255, -0.2, 1.3]).reshape(1, 1, 1, 7)
    assert as_pixels(levels).flatten().tolist() == [255, 0, 128, 254, 255, 0, 255]


def test_every_gray_level_survives() -> None:
    levels_L = torch.arange(256)
    assert as_pixels((levels_L / 255).reshape(1, 1, 16, 16)).flatten().tolist() == levels_L.tolist()


def test_colours_keep_their_channel() -> None:
    x_BCHW = torch.tensor([1.0, 0.0, 0.2]).reshape(1, 3, 1, 1)
    assert as_pixels(x_BCHW).reshape(3).tolist() == [255, 0, 51]


def test_how_many_chunks_a_class_needs() -> None:
    assert [len(chunks_of(count)) for count in (0, 1, CHUNK, CHUNK + 1)] == [0, 1, 1, 2]
