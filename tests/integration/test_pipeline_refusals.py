"""What `vaeaug.augment` refuses, and that nothing is lost or begun by it."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import tiny_data
from tiny_data import UNFILTERED

import vaeaug
from vaeaug.errors import InputError
from vaeaug.progress import Progress


class Stages(Progress):
    """Notes whether a training is begun."""

    trains = False

    def stage(self, name: str) -> None:
        self.trains |= name.startswith("Training")


pytestmark = pytest.mark.usefixtures("untouched")


def test_a_model_that_does_not_know_a_class_of_the_data(model: Path, tmp_path: Path) -> None:
    own = tiny_data.write_dataset(tmp_path / "data", {"ant": 3, "cat": 3})
    with pytest.raises(InputError, match=r"not trained on the class 'cat'.*its classes are ant, bee"):
        vaeaug.augment(own, tmp_path / "out", model=model, workers=1, filter=False)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_model_of_another_variant_or_loss_is_not_taken_for_the_one_asked_for(
    data: Path, model: Path, tmp_path: Path
) -> None:
    for wrong in ({"variant": "vae"}, {"loss": "bce"}):
        with pytest.raises(InputError, match=r"was trained with --(variant cvae|loss gaussian), not (vae|bce)"):
            vaeaug.augment(data, tmp_path / "out", model=model, workers=1, filter=False, **wrong)
    assert not list(tmp_path.iterdir())


def test_a_taken_output_is_refused_before_a_model_is_trained(data: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("precious")
    with pytest.raises(InputError, match="is not empty"):
        vaeaug.augment(data, tmp_path / "out", model=tmp_path / "model", **UNFILTERED)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out/mine.txt").read_text() == "precious"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sampler": "mixtur"}, "did you mean 'mixture'"),
        (
            {"sampler": "prior", "scope": "shared", "variant": "vae"},
            "is unconditional.*use --sampler contrast, interpolate, mixture, posterior or residual, --scope per-class",
        ),
        ({"sampler_options": {"reach": 0.1}}, "--set-sampler requires --sampler"),
        ({"sampler": "interpolate", "sampler_options": {"reech": 0.1}}, "did you mean 'reach'"),
        ({"sampler": "interpolate", "sampler_options": {"neighbours": 0}}, "neighbours must be at least 1"),
        ({"sampler": "prior", "sampler_options": {"reach": 0.1}}, "sampler 'prior' has no option 'reach'"),
        ({"variant": "cvea"}, "did you mean 'cvae'"),
        ({"loss": "bec"}, "did you mean 'bce'"),
        ({"per_class": 1, "balance": True}, "cannot be combined"),
        ({"variant_options": {"latent": 3}}, "no option 'latent'; did you mean 'latent_dim'"),
        ({"image_size": "5"}, "sides from 8 to 256"),
        ({"train_augment": "nowhere.yaml"}, "nowhere.yaml"),
        ({"device": "abacus"}, "use --device auto, cpu"),
        ({"device": "meta"}, "use --device auto, cpu"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_done(
    data: Path, tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    for place in (None, tmp_path / "model"):
        stages = Stages()
        with pytest.raises(InputError, match=message):
            vaeaug.augment(data, tmp_path / "out", model=place, progress=stages, **{**UNFILTERED, **settings})
        assert not stages.trains
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"variant": "vq-vae", "sampler": "mixture"},
            "needs continuous latents, which the variant 'vq-vae' does not have; use --sampler prior",
        ),
        ({"variant": "vq-vae", "sampler": "posterior"}, "does not have; use --sampler prior$"),
        (
            {"variant": "vq-vae", "sampler": "residual"},
            "needs continuous latents, which the variant 'vq-vae' does not have; use --sampler prior",
        ),
        (
            {"variant": "vq-vae", "sampler": "interpolate"},
            "needs continuous latents, which the variant 'vq-vae' does not have; use --sampler prior",
        ),
        ({"variant": "ae", "sampler": "posterior"}, "does not have; use --sampler interpolate, mixture or prior"),
        (
            {"variant": "vq-vae", "consistency": 1.0},
            "--consistency needs a Gaussian posterior, which the variant 'vq-vae' does not have; use --variant .*cvae",
        ),
        ({"variant": "ae", "consistency": 1.0}, "which the variant 'ae' does not have; .* or leave out --consistency$"),
        ({"variant": "vq-vae", "variant_options": {"levels": "2,a"}}, "levels must be a list of integers"),
        ({"variant": "vq-vae", "variant_options": {"prior_width": 97}}, "prior_width must be a multiple of 4, not 97"),
    ],
)
def test_what_only_the_network_can_tell_is_refused_before_the_training(
    data: Path, tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    stages = Stages()
    with pytest.raises(InputError, match=message):
        vaeaug.augment(data, tmp_path / "out", per_class=1, workers=1, filter=False, progress=stages, **settings)
    assert not stages.trains
    assert not list(tmp_path.iterdir())


def test_changing_images_that_are_not_at_hand_is_refused(model: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a model contains none; use: vaeaug augment DATA OUT --model"):
        vaeaug.sample(model, tmp_path / "out", sampler="residual")
    with pytest.raises(InputError, match="a model contains none"):
        vaeaug.load(model).sample("ant", sampler="residual")
    other = tiny_data.write_dataset(tmp_path / "other", {"ant": 3, "bee": 3})
    with pytest.raises(InputError, match="but the data contain others"):
        vaeaug.augment(other, tmp_path / "out", model=model, sampler="residual", workers=1, filter=False)
    assert not (tmp_path / "out").exists()
    result = vaeaug.augment(other, tmp_path / "out", model=model, workers=1, filter=False)
    assert result.sampler == "mixture"  # what is chosen if nobody asks for anything


def test_changing_images_that_have_exchanged_their_names_is_refused(data: Path, model: Path, tmp_path: Path) -> None:
    exchanged = tmp_path / "data"
    shutil.copytree(data, exchanged)
    first, second, *_ = sorted((exchanged / "ant").iterdir())
    first.rename(tmp_path / "first")
    second.rename(first)
    (tmp_path / "first").rename(second)
    with pytest.raises(InputError, match="but the data contain others"):
        vaeaug.augment(exchanged, tmp_path / "out", model=model, sampler="residual", workers=1, filter=False)


def test_a_model_of_gray_images_is_not_taken_for_colour_ones(model: Path, tmp_path: Path) -> None:
    own = tiny_data.write_dataset(tmp_path / "data", {"ant": 3, "bee": 3}, channels=3)
    with pytest.raises(
        InputError, match=r"makes gray images, but the data contain colour images; give another --model directory"
    ):
        vaeaug.augment(own, tmp_path / "out", model=model, workers=1, filter=False)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_bad_input_found_late_does_not_block_the_mended_command(data: Path, tmp_path: Path) -> None:
    pipeline = tmp_path / "crop.json"
    A = pytest.importorskip("albumentations")
    A.save(A.Compose([A.CenterCrop(4, 4)]), pipeline, data_format="json")
    with pytest.raises(InputError, match=r"crop\.json"):
        vaeaug.augment(data, tmp_path / "out", train_augment=pipeline, **UNFILTERED)
    vaeaug.augment(data, tmp_path / "out", **UNFILTERED)
