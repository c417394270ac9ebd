"""Write `docs/reference/cli.md`, every command's `--help` as it is: `python docs/make_cli_reference.py`."""

from collections.abc import Iterator
from pathlib import Path

import click

from vaeaug.cli import cli

REFERENCE = Path(__file__).parent / "reference" / "cli.md"
WIDTH = 100


def commands(command: click.Command, path: str) -> Iterator[tuple[str, str]]:
    """Yield (name, help) of a command and of those below it, in the order in which they are listed."""
    context = click.Context(
        command, info_name=path, terminal_width=WIDTH, max_content_width=WIDTH, help_option_names=["-h", "--help"]
    )
    yield path, command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None:
                yield from commands(found, f"{path} {name}")


def reference() -> str:
    """Return the page."""
    sections = [f"## {path}\n\n```\n{text.rstrip()}\n```\n" for path, text in commands(cli, "vaeaug")]
    note = "Made by `python docs/make_cli_reference.py` from `--help`; a test checks that it is up to date."
    return "\n".join(["# Command line\n", f"{note}\n", *sections])


if __name__ == "__main__":
    REFERENCE.parent.mkdir(exist_ok=True)
    REFERENCE.write_text(reference(), encoding="utf-8")
