"""Help: fast, complete, and the same wherever it is told."""

import json
import subprocess
import sys

import click
import pytest
import tiny_data

from vaeaug.cli import COMMANDS, cli

SCRIPT = """
import contextlib, io, json, sys
from vaeaug.cli import COMMANDS, _run
pages = {}
for words in ([], *([name] for name in COMMANDS)):
    with contextlib.redirect_stdout(io.StringIO()) as page:
        assert _run([*words, "--help"]) == 0
    pages[" ".join(words)] = page.getvalue()
heavy = sorted({"torch", "sklearn", "albumentations", "torchvision"} & sys.modules.keys())
print(json.dumps([pages, heavy]))
"""


@pytest.fixture(scope="module")
def told() -> tuple[dict[str, str], list[str]]:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    pages, heavy = json.loads(done.stdout)
    return pages, heavy


def test_no_help_imports_torch(told: tuple[dict[str, str], list[str]]) -> None:
    assert told[1] == []


def test_the_list_of_commands_says_what_each_command_says_of_itself() -> None:
    context = click.Context(cli)
    for name, text in COMMANDS.items():
        command = cli.get_command(context, name)
        assert command is not None
        assert command.get_short_help_str(limit=200) == text


def test_the_first_page_lists_every_command(told: tuple[dict[str, str], list[str]]) -> None:
    for name, text in COMMANDS.items():
        assert any(line.split()[:1] == [name] and text in line for line in told[0][""].splitlines())


@pytest.mark.parametrize("command", ["train", "augment", "sample"])
def test_every_option_is_explained_with_its_default(told: tuple[dict[str, str], list[str]], command: str) -> None:
    page = told[0][command]
    found = cli.get_command(click.Context(cli), command)
    assert found is not None
    for option in found.params:
        if isinstance(option, click.Option):
            assert option.help, option.name
            assert option.help.rstrip().endswith((".", "]")), option.name
            assert option.opts[0] in page
    plain = " ".join(page.split())
    for words in ("--json", "--quiet", "--config", "--seed", "--device", "--debug", "[default: auto]", "[default: 0]"):
        assert words in plain, words
    assert ("It is never modified" in plain) is (command != "sample")


@pytest.mark.parametrize("words", [["--step", "5"], ["--per-clas=5"], ["--nonsense"]])
def test_an_unknown_option_is_refused_with_the_nearest(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert tiny_data.run("augment", "data", "out", *words) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "No such option" in output.err
    assert words[0].split("=")[0] in output.err
    nearest = {"--step": "--steps", "--per-clas=5": "--per-class"}.get(words[0], "")
    assert nearest in output.err
    assert "Traceback" not in output.err


def test_missing_arguments_and_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert tiny_data.run("augment", "data") == 2
    assert "Missing argument 'OUT'" in capsys.readouterr().err
    assert tiny_data.run("augmnt") == 2
    assert "No such command 'augmnt'; did you mean 'augment'?" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["augment", "sample"])
def test_help_begins_with_how_many_images_and_ends_with_the_knobs(
    told: tuple[dict[str, str], list[str]], command: str
) -> None:
    options = [word for word in told[0][command].split("Options:")[1].split() if word.startswith("--")]
    assert options[0] == "--per-class"
    assert command == "sample" or options.index("--variant") < options.index("--epochs")


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    import vaeaug

    assert tiny_data.run("--version") == 0
    assert vaeaug.__version__ in capsys.readouterr().out
