"""The three commands at the command line: exit codes, what goes to stdout and what to stderr."""

import json
import re
import sys
from pathlib import Path

import pytest
import tiny_data
from machine_faults import on_disk
from tiny_data import QUICK, UNFILTERED, options, run

from vaeaug import plugins
from vaeaug.cli import main
from vaeaug.cli import progress as shown
from vaeaug.progress import Tick

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_data.two_classes(tmp_path_factory)


@pytest.fixture
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_data.model(tmp_path_factory)


def test_json_stands_alone_on_stdout(data: Path, tmp_path: Path, capsys: Capture) -> None:
    assert run("train", data, tmp_path / "model", "--json", *options(QUICK)) == 0
    trained = capsys.readouterr()
    values = json.loads(trained.out)
    assert values["model"] == str(tmp_path / "model")
    assert (values["variant"], values["loss"], values["scope"]) == ("cvae", "gaussian", "per-class")
    assert values["classes"]["ant"]["images"] == 12
    assert "Training" in trained.err

    assert run("augment", data, tmp_path / "out", "--json", "--per-class", 2, *options(UNFILTERED)) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["sampler"] == "residual"
    assert values["classes"][1] == {"label": "bee", "real": 9, "synthetic": 2, "val": 0, "test": 0}
    assert values["out"] == str(tmp_path / "out")

    assert run("sample", tmp_path / "model", tmp_path / "images", "--json", "--class", "bee") == 0
    assert json.loads(capsys.readouterr().out)["classes"][0]["synthetic"] == 9


def test_json_and_quiet_together_say_nothing_but_json(data: Path, tmp_path: Path, capsys: Capture) -> None:
    assert run("augment", data, tmp_path / "out", "--json", "--quiet", "--per-class", 1, *options(UNFILTERED)) == 0
    output = capsys.readouterr()
    assert json.loads(output.out)
    assert output.err == ""


def test_quiet_is_silent(data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("train", data, tmp_path / "model", "--quiet", *options(QUICK)) == 0
    assert run("augment", data, tmp_path / "out", "-q", "--model", tmp_path / "model", "--workers", 1) == 0
    assert run("sample", tmp_path / "model", tmp_path / "images", "-q", "--per-class", 1) == 0
    output = capfd.readouterr()
    assert (output.out, output.err) == ("", "")


def test_in_a_pipe_progress_is_plain_lines_on_stderr(data: Path, tmp_path: Path, capsys: Capture) -> None:
    assert run("augment", data, tmp_path / "out", "--per-class", 70, *options(UNFILTERED)) == 0
    output = capsys.readouterr()
    assert output.out == ""
    assert "\x1b" not in output.err
    assert "\r" not in output.err
    lines = output.err.splitlines()
    stages = [line.removesuffix(" ...") for line in lines if line.endswith(" ...")]
    assert stages[0] == "Reading images"
    assert stages.index("Training on all classes") < stages.index("Writing synthetic images")
    for stage in stages:
        assert any(line.startswith(f"{stage}: done in ") for line in lines)
    assert f"Wrote {tmp_path / 'out'}: 21 real and 140 synthetic images in 2 classes" in output.err
    (page,) = re.findall(r"^Look at (.+);", output.err, flags=re.MULTILINE)
    assert Path(page).is_file()


def test_a_line_tells_how_far_a_stage_is(capsys: Capture) -> None:
    often, seldom = shown.Lines(seconds=0.0), shown.Lines(seconds=60.0)
    for lines in (often, seldom):
        lines.stage("Training")
        lines.tick(Tick(0.25, 1234.0, {"reconstruction": 12.34}))
    begun, told, again = capsys.readouterr().err.splitlines()
    assert begun == again == "Training ..."
    assert told.startswith("Training:  25%  1,234 images/s  reconstruction 12.3  ")
    assert told.endswith(" s left")


def test_on_a_terminal_progress_is_a_bar(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "150")
    progress = shown.make_progress(quiet=False)
    assert isinstance(progress, shown.Bars)
    progress.stage("Reading")
    progress.stage("Training")
    progress.tick(Tick(0.25, 1234.0, {"reconstruction": 12.34}))
    progress.say("a remark in [brackets]")
    progress.close(finished=False)
    error = capsys.readouterr().err
    assert "1,234 images/s" in error
    assert "reconstruction 12.3" in error
    assert "a remark in [brackets]" in error
    assert "Training" in error
    assert "25%" in error.rsplit("1,234 images/s", 1)[0][-40:]  # what was broken off is not drawn as done


def test_a_time_budget_is_kept(tmp_path: Path, capsys: Capture) -> None:
    data = tiny_data.write_dataset(tmp_path / "data", {"ant": 12, "bee": 12})
    words = ["--time-budget", "2s", "--workers", 1, "--set", "width=16", "--batch-size", 8, "--patience", 0]
    assert run("train", data, tmp_path / "model", "--json", *words) == 0
    values = json.loads(capsys.readouterr().out)
    stops = [part["stopped"] for part in (values["metrics"], values["classes"]["ant"], values["classes"]["bee"])]
    budgets = [float(stop.removeprefix("the time budget of ").partition(" s is used up")[0]) for stop in stops]
    # The common start and the classes share what is left of it beside all else, a tenth of it in any case.
    assert 0.1 * 2 <= sum(budgets) <= 2
    rows = [json.loads(line) for line in (tmp_path / "model/history.jsonl").read_text().splitlines()]
    assert {row["training"] for row in rows} == {"all classes", "ant", "bee"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "{tmp}/nothing", "{tmp}/model"], "nothing"),
        (["train", "{data}", "{tmp}/model", "--batch-size", "0"], "--batch-size must be at least 1"),
        (["train", "{data}", "{tmp}/model", "--set", "latent_dim"], "--set must be NAME=VALUE"),
        (["train", "{data}", "{tmp}/model", "--set", "latent_dimension=3"], "did you mean 'latent_dim'"),
        (["train", "{data}", "{tmp}/model", "--latent-dim", "x"], "latent_dim must be int"),
        (["train", "{data}", "{tmp}/model", "--time-budget", "soon"], "--time-budget must be a time"),
        (["train", "{data}", "{tmp}/model", "--plugins-dir", "{tmp}/nowhere"], "nowhere"),
        (["train", "{data}", "{model}"], "is not empty"),
        (["augment", "{data}", "{tmp}/out", "--per-class", "3", "--ratio", "2"], "cannot be combined"),
        (["augment", "{data}", "{tmp}/out", "--ratio", "inf"], "--ratio must be at most"),
        (["augment", "{data}", "{tmp}/out", "--sampler", "priro"], "did you mean 'prior'"),
        (["augment", "{data}", "{data}/out"], "choose an output outside it"),
        (["sample", "{data}", "{tmp}/out"], "is not a model"),
        (
            ["augment", "{data}", "{tmp}/out", "--evaluate", "--time-budget", "9s"],
            "--time-budget and --evaluate cannot be combined",
        ),
        (["sample", "{model}", "{tmp}/out", "--class", "cat"], "no class 'cat'"),
        (["augment", "{data}", "{tmp}/out", "--per-class", "0"], "nothing to make: --per-class 0"),
        (["augment", "{data}", "{tmp}/out", "--ratio", "0.01", "--skip-invalid"], "nothing to make: --ratio 0.01"),
        (["augment", "{data}", "{tmp}/out", "--model", "{tmp}/new", "--ratio", "0"], "give a ratio of at least 0.083"),
        (["sample", "{model}", "{tmp}/out", "--per-class", "0"], "nothing to make"),
        (["sample", "{model}", "{tmp}/out", "--balance", "--class", "ant"], "the class 'ant' is as large as"),
        (["sample", "{model}", "{model}/out"], "choose an output outside it"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    data: Path, model: Path, tmp_path: Path, words: list[str], message: str, capsys: Capture
) -> None:
    before = tiny_data.state(data), tiny_data.state(model)
    filled = [word.format(data=data, model=model, tmp=tmp_path) for word in words]
    assert run(*filled, "--quiet") == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("Error: ")
    assert output.err.count("\n") == 1
    assert message in output.err
    assert (tiny_data.state(data), tiny_data.state(model)) == before
    assert not list(tmp_path.iterdir())


def test_a_failure_is_exit_code_1_and_a_traceback_comes_on_request_only(
    data: Path, tmp_path: Path, capsys: Capture
) -> None:
    def fail(_: list[Path]) -> None:
        raise ZeroDivisionError("something is wrong\ninside")

    words = ("augment", data, tmp_path / "out", "--quiet", *options(UNFILTERED))
    with on_disk("write", "*/manifest.csv", fail), on_disk("rename", "*/manifest.csv", fail):
        assert run(*words) == 1
        output = capsys.readouterr()
        assert "unexpected ZeroDivisionError" in output.err
        assert "--debug shows where" in output.err
        assert "Traceback" not in output.err
        with pytest.raises(ZeroDivisionError):
            main([*map(str, words), "--resume", "--debug"])


BROKEN = """
import vaeaug
raise ImportError("no module named quantum")
"""

NEVER = '''
import vaeaug

class Unstable(vaeaug.ReconstructionLoss):
    """A loss that is never finite."""

    name = "unstable"

    def forward(self, raw_BRHW, x_BCHW):
        return (raw_BRHW - x_BCHW).square().sum(dim=(1, 2, 3)) * float("nan")

    def image(self, raw_BRHW):
        return raw_BRHW.clamp(0, 1)

@vaeaug.hookimpl
def vaeaug_losses():
    """Bring it."""
    return [Unstable]
'''


@pytest.fixture
def plugins_dir(tmp_path: Path):  # type: ignore[no-untyped-def]
    folder = tmp_path / "plugins"
    folder.mkdir()
    yield folder
    assert plugins.load([]) is not None


def test_a_broken_plugin_is_in_nobodys_way_but_its_users(
    data: Path, tmp_path: Path, plugins_dir: Path, capsys: Capture
) -> None:
    (plugins_dir / "quantum.py").write_text(BROKEN)
    words = ("--plugins-dir", plugins_dir, "--quiet", *options(QUICK))
    assert run("train", data, tmp_path / "model", *words) == 0
    assert run("train", data, tmp_path / "other", "--variant", "quantum", *words) in (2, 3)
    assert "quantum" in capsys.readouterr().err


def test_a_loss_that_is_never_finite_ends_with_exit_code_1_and_its_name(
    data: Path, tmp_path: Path, plugins_dir: Path, capsys: Capture
) -> None:
    (plugins_dir / "unstable.py").write_text(NEVER)
    words = ("--plugins-dir", plugins_dir, "--loss", "unstable", "--quiet", *options(UNFILTERED))
    assert run("augment", data, tmp_path / "out", *words) == 1
    error = capsys.readouterr().err
    assert "the loss term 'reconstruction' is not finite" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_plugin_file_is_used_in_workers_and_found_again(
    data: Path, tmp_path: Path, plugins_dir: Path, capsys: Capture
) -> None:
    good = NEVER.replace(' * float("nan")', "").replace("unstable", "stable").replace("never", "always")
    (plugins_dir / "stable.py").write_text(good)
    words = ("--plugins-dir", plugins_dir, "--loss", "stable", "--quiet", *options(QUICK))
    assert run("train", data, tmp_path / "model", *words) == 0
    assert run("sample", tmp_path / "model", tmp_path / "out", "-q", "--plugins-dir", plugins_dir) == 0
    assert run("sample", tmp_path / "model", tmp_path / "again", "-q") == 2
    error = capsys.readouterr().err
    assert "'stable'" in error
    assert "--plugins-dir" in error


def test_a_discrete_variant_is_drawn_from_its_prior(
    data: Path, tmp_path: Path, plugins_dir: Path, capsys: Capture
) -> None:
    (plugins_dir / "discrete.py").write_text(DISCRETE)
    words = (
        "--plugins-dir",
        plugins_dir,
        "--variant",
        "coin",
        "--per-class",
        2,
        "-q",
        *options({**UNFILTERED, "variant_options": {}}),
    )
    assert run("augment", data, tmp_path / "out", *words) == 0
    assert json.loads((tmp_path / "out/vaeaug.json").read_text())["sampler"] == "prior"
    for sampler in ("mixture", "posterior"):
        assert run("augment", data, tmp_path / sampler, "--sampler", sampler, *words) == 2
        assert "--sampler prior" in capsys.readouterr().err
    # Under one model for all classes its prior has no classes, however the sampler was chosen.
    assert run("augment", data, tmp_path / "shared", "--scope", "shared", *words) == 2
    assert "is unconditional" in capsys.readouterr().err


DISCRETE = '''
import torch
import vaeaug
from torch import nn

class Coin(vaeaug.Variant):
    """Three coins an image."""

    name = "coin"

    def __init__(self, spec, config):
        super().__init__(spec, config)
        self.decoder = nn.Linear(3, spec.raw_channels * spec.height * spec.width)

    def encode(self, x_BCHW, y_B, generator=None):
        coins_BD = (x_BCHW.flatten(1)[:, :3] > 0.1).long()
        return vaeaug.Encoded(coins_BD, coins_BD.float(), {})

    def decode(self, latent, y_B):
        return self.decoder(latent.float()).unflatten(1, (self.spec.raw_channels, self.spec.height, self.spec.width))

    def prior(self, y_B, generator):
        return torch.randint(0, 2, (len(y_B), 3), generator=generator)

@vaeaug.hookimpl
def vaeaug_variants():
    """Bring it."""
    return [Coin]
'''
