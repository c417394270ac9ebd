"""Runs that are killed at any moment and taken up again end with the same files, byte for byte."""

import json
import signal
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import tiny_data
from child_process import Child, changes_on_disk
from tiny_data import QUICK, UNFILTERED

import vaeaug
from vaeaug.errors import InputError
from vaeaug.staging import Staging

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks and kills")

KILLED = -signal.SIGKILL
LONG: dict[str, Any] = {"steps": 40, "batch_size": 128}
"""A training that is validated, and leaves a checkpoint, before it ends."""

SETTINGS: dict[str, Any] = {**UNFILTERED, **LONG, "per_class": 70, "sampler": "posterior"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes in train and a test split."""
    root = tmp_path_factory.mktemp("resume") / "data"
    tiny_data.write_dataset(root / "train", {"ant": 6, "bee": 5})
    tiny_data.write_dataset(root / "test", {"ant": 2})
    return root


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The files of a run that nothing disturbed."""
    out = tmp_path_factory.mktemp("whole") / "out"
    vaeaug.augment(data, out, **SETTINGS)
    return tiny_data.files(out)


def test_augment_killed_at_any_change_on_disk(data: Path, tmp_path: Path, whole: dict[str, str]) -> None:
    def work(place: Path) -> None:
        vaeaug.augment(data, place / "out", **SETTINGS)

    before = tiny_data.state(data)
    changes = changes_on_disk(partial(work, tmp_path / "counted"), tmp_path / "errors")
    assert changes > 300  # 140 images are written and moved into place
    stages = set()
    early = list(range(2, 62, 9))  # training
    late = [changes - k for k in range(12)]  # manifest, record, card, publishing
    for dies_at in sorted({*early, *range(80, changes, 90), *late}):
        place = tmp_path / f"killed-{dies_at}"
        child = Child(partial(work, place), tmp_path / "errors", dies_at)
        assert child.wait() == KILLED, child.errors.read_text()
        out, unfinished = place / "out", place / ".out.partial"
        if out.exists():  # published: nothing is missing
            assert tiny_data.files(out) == whole
            stages.add("published")
            continue
        if (unfinished / "request.json").exists():
            with pytest.raises(InputError, match=r"add --resume to continue it, or remove .*\.out\.partial"):
                vaeaug.augment(data, out, **SETTINGS)
        made = len(list(unfinished.rglob("synthetic-*.png")))
        checkpoints = list(unfinished.rglob("checkpoint.safetensors"))
        stages.add("writing" if made else "training" if checkpoints else "beginning")
        vaeaug.augment(data, out, resume=True, **SETTINGS)
        assert tiny_data.files(out) == whole, f"killed at {dies_at}"
        assert [path.name for path in place.iterdir()] == ["out"]
    assert stages == {"beginning", "training", "writing", "published"}
    assert tiny_data.state(data) == before


def test_augment_killed_again_and_again(data: Path, tmp_path: Path, whole: dict[str, str]) -> None:
    out = tmp_path / "again/out"
    for number in range(40):
        dies_at = 25 + 7 * number

        def work() -> None:
            vaeaug.augment(data, out, resume=True, **SETTINGS)

        if Child(work, tmp_path / "errors", dies_at).wait() != KILLED:
            break
    else:
        pytest.fail("it makes no progress")
    assert number > 3
    assert tiny_data.files(out) == whole


@pytest.mark.usefixtures("warm_workers")
def test_train_and_sample_killed_and_resumed(data: Path, tmp_path: Path) -> None:
    vaeaug.train(data, tmp_path / "whole", **QUICK)
    vaeaug.sample(tmp_path / "whole", tmp_path / "images", per_class=70, workers=1)
    for dies_at in (10, 15, 20):
        model, out = tmp_path / f"model-{dies_at}", tmp_path / f"images-{dies_at}"

        def train(model: Path = model) -> None:
            vaeaug.train(data, model, **QUICK)

        assert Child(train, tmp_path / "errors", dies_at).wait() == KILLED
        assert not model.exists()
        vaeaug.train(data, model, resume=True, **QUICK)
        assert tiny_data.files(model) == tiny_data.files(tmp_path / "whole")

        def sample(model: Path = model, out: Path = out) -> None:
            vaeaug.sample(model, out, per_class=70, workers=1)

        assert Child(sample, tmp_path / "errors", 3 * dies_at).wait() == KILLED
        assert not out.exists()
        vaeaug.sample(model, out, per_class=70, workers=2, resume=True)
        assert tiny_data.files(out / "train") == tiny_data.files(tmp_path / "images/train")


@pytest.fixture
def unfinished(data: Path, tmp_path: Path) -> Path:
    """An output whose making was killed in the middle of writing."""
    out = tmp_path / "unfinished/out"
    child = Child(lambda: vaeaug.augment(data, out, **SETTINGS) and None, tmp_path / "errors", dies_at=250)
    assert child.wait() == KILLED
    assert list((out.parent / ".out.partial").rglob("synthetic-*.png"))
    return out


OTHER: list[tuple[dict[str, Any], str]] = [
    ({"per_class": 71}, r"per_class = 70, this one 71"),
    ({"seed": 1}, r"seed = 0, this one 1"),
    ({"steps": 41}, r"steps = 40, this one 41"),
    ({"variant_options": {"width": 16, "latent_dim": 5}}, r"variant_options = .*4.*, this one .*5"),
    ({"sampler": "interpolate", "sampler_options": {"reach": 1}}, r'sampler = "posterior", this one "interpolate"'),
    ({"sampler": "mixture"}, r'sampler = "posterior", this one "mixture"'),
]


def test_a_run_is_not_resumed_with_other_options(data: Path, unfinished: Path, whole: dict[str, str]) -> None:
    before = tiny_data.files(unfinished.parent)
    for change, message in OTHER:
        with pytest.raises(InputError, match=message):
            vaeaug.augment(data, unfinished, resume=True, **{**SETTINGS, **change})
        assert tiny_data.files(unfinished.parent) == before  # nothing is lost
    vaeaug.augment(data, unfinished, resume=True, **{**SETTINGS, "workers": 2})  # this changes no result
    assert tiny_data.files(unfinished) == whole


def test_a_run_is_not_resumed_with_other_data(tmp_path: Path) -> None:
    data = tiny_data.write_dataset(tmp_path / "data", {"ant": 6})
    out = tmp_path / "out"

    def work() -> None:
        vaeaug.augment(data, out, **SETTINGS)

    assert Child(work, tmp_path / "errors", dies_at=100).wait() == KILLED
    original = (data / "ant/003.png").read_bytes()
    tiny_data.image("ant", 99).save(data / "ant/003.png")
    before = tiny_data.files(tmp_path / ".out.partial")
    with pytest.raises(InputError, match=r"the dataset has changed since .*remove .*\.out\.partial"):
        vaeaug.augment(data, out, resume=True, **SETTINGS)
    assert tiny_data.files(tmp_path / ".out.partial") == before
    (data / "ant/003.png").unlink()
    (data / "ant/010.png").write_bytes(original)  # the same images in another order
    with pytest.raises(InputError, match=r"the names of the images have changed since .*remove .*\.out\.partial"):
        vaeaug.augment(data, out, resume=True, **SETTINGS)
    assert tiny_data.files(tmp_path / ".out.partial") == before
    (data / "ant/010.png").rename(data / "ant/003.png")
    vaeaug.augment(data, out, resume=True, **SETTINGS)
    assert len(list(out.rglob("synthetic-*.png"))) == 70


def test_a_run_is_not_resumed_with_another_model(data: Path, tmp_path: Path) -> None:
    """Else one dataset would come from two models."""
    model, out = tmp_path / "model", tmp_path / "out"
    vaeaug.train(data, model, **QUICK)

    def work() -> None:
        vaeaug.augment(data, out, model=model, per_class=70, workers=1, filter=False)

    assert Child(work, tmp_path / "errors", dies_at=100).wait() == KILLED
    assert list((tmp_path / ".out.partial").rglob("synthetic-*.png"))
    model.rename(tmp_path / "first")
    vaeaug.train(data, model, seed=1, **QUICK)
    with pytest.raises(InputError, match="the model has changed since"):
        vaeaug.augment(data, out, model=model, per_class=70, workers=1, filter=False, resume=True)


def test_nothing_to_resume_starts_afresh(data: Path, tmp_path: Path, whole: dict[str, str]) -> None:
    vaeaug.augment(data, tmp_path / "out", resume=True, **SETTINGS)
    assert tiny_data.files(tmp_path / "out") == whole


def test_bad_input_leaves_nothing_behind_that_is_in_the_way(data: Path, tmp_path: Path) -> None:
    vaeaug.train(data, tmp_path / "model", scope="shared", variant="vae", **QUICK)
    settings: dict[str, Any] = {"model": tmp_path / "model", "per_class": 1, "workers": 1}
    with pytest.raises(InputError, match="is unconditional"):
        vaeaug.augment(data, tmp_path / "out", sampler="prior", **settings)
    assert not (tmp_path / ".out.partial").exists()
    vaeaug.augment(data, tmp_path / "out", sampler="mixture", **settings)


def test_two_runs_never_work_on_one_output(data: Path, unfinished: Path) -> None:
    request = json.loads((unfinished.parent / ".out.partial/request.json").read_text())
    with Staging(unfinished, request, resume=True), pytest.raises(InputError, match="another process is writing"):
        vaeaug.augment(data, unfinished, resume=True, **SETTINGS)
    assert (unfinished.parent / ".out.partial").exists()
