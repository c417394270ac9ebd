"""The command line: a thin skin over `vaeaug.workflows`. A command's module is imported only when that command runs."""

from __future__ import annotations

import sys
import time
from importlib import import_module
from pathlib import Path

import click

from vaeaug import __version__
from vaeaug.errors import SettingError, VaeaugError, nearest

STARTED = "vaeaug.started"
"""Key in a context's `meta`: when the command began. A time budget counts from then, for torch takes long to import."""

COMMANDS = {
    "demo": "Write the bundled sample dataset of real images.",
    "augment": "Extend a dataset with synthetic images, and write a report.",
    "train": "Train a model on a dataset.",
    "sample": "Sample synthetic images from a trained model.",
    "evaluate": "Test whether synthetic images help a classifier.",
    "inpaint": "Fill holes in images without changing the visible pixels.",
    "score": "Score how anomalous images are, and find suspicious labels.",
    "encode": "Write the latent features of images.",
    "interpolate": "Draw the path between two images in latent space.",
    "traverse": "Show what each latent dimension changes.",
    "plugins": "List, check, show or create plugins.",
    "doctor": "Report versions, devices, formats, plugins and disk space.",
}
"""Command -> its one-line help; it is `command` in the module `vaeaug.cli.<command>`."""

RESUMABLE = frozenset(
    {"augment", "train", "sample", "evaluate", "inpaint", "score", "encode", "interpolate", "traverse"}
)
"""Commands that can be continued with `--resume`."""


class LazyGroup(click.Group):
    """A group that lists its commands by name and imports each one only when it runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names, in the order in which a user meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command; for an unknown name, suggest the nearest one."""
        if cmd_name not in COMMANDS:
            if not ctx.resilient_parsing and not cmd_name.startswith("-"):
                ctx.fail(f"No such command {cmd_name!r}; {nearest(cmd_name, COMMANDS)}")
            return None
        command: click.Command = import_module(f"vaeaug.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="vaeaug")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Extend a small image dataset with synthetic images from variational autoencoders.

    Start with:  vaeaug demo fashion && vaeaug augment fashion fashion-extended
    """
    ctx.meta[STARTED] = time.monotonic()


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 usage or bad input, 3 a plugin is broken, 130 interrupted."""
    arguments = sys.argv[1:] if args is None else args
    if "" in arguments:  # as a path it would mean the working directory
        click.echo("Error: an argument is empty; is a shell variable unset?", err=True)
        sys.exit(2)
    sys.exit(_run(arguments))


def _run(arguments: list[str]) -> int:
    """Run the command line and return its exit code; no traceback reaches a user unless `--debug`."""
    try:
        code = cli.main(args=arguments, prog_name="vaeaug", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        resumable = bool(RESUMABLE.intersection(arguments[:1]))
        if arguments[:1] == ["evaluate"]:  # its work is kept beside its output
            resumable = any(word.partition("=")[0] == "--out" for word in arguments)
        click.echo(f"Interrupted{'; add --resume to the same command to continue' if resumable else ''}.", err=True)
        return 130
    except Exception as error:
        if "--debug" in arguments:
            raise
        if isinstance(error, VaeaugError):
            message = error.on_command_line() if isinstance(error, SettingError) else str(error)
            click.echo(f"Error: {message}", err=True)
            return error.exit_code
        if isinstance(error, FileNotFoundError) and not _has_working_directory():
            click.echo("Error: the working directory no longer exists; change to another one (cd)", err=True)
            return 2
        click.echo(f"Error: unexpected {type(error).__name__}: {error} (--debug shows where)", err=True)
        return 1


def _has_working_directory() -> bool:
    try:
        return Path.cwd().is_dir()
    except FileNotFoundError:
        return False
