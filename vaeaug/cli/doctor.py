"""`vaeaug doctor`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from vaeaug.cli.common import output_options, plugins_dir_option, print_result
from vaeaug.errors import PluginError, VaeaugError
from vaeaug.workflows.doctor import Fact, broken_plugins, examine, works


@click.command(short_help="Report versions, devices, formats, plugins and disk space.")
@plugins_dir_option
@output_options
def command(plugins_dirs: tuple[str, ...], as_json: bool, quiet: bool) -> None:
    """Report versions, devices, image formats, plugins and disk space. Add the output to a bug report.

    Each problem is marked with "!" and has a remedy. The exit code is 0 if vaeaug can work here, 1 if it cannot, and 3
    if only plugins are broken. With --quiet only problems are listed.
    """
    facts = examine(plugins_dirs)
    if as_json:
        print_result(_values(facts), "", as_json=True)
    else:
        shown = [fact for fact in facts if fact.problem or not quiet]
        if shown:
            click.echo("\n".join(_lines(shown)))
    problems = sum(fact.fatal for fact in facts)
    if not works(facts):
        raise VaeaugError(
            f"vaeaug cannot work here: {problems} {'problem' if problems == 1 else 'problems'}, see above"
        )
    broken = broken_plugins(facts)
    if broken:
        raise PluginError(f"{broken} {'plugin is' if broken == 1 else 'plugins are'} broken, see above")


def _values(facts: Sequence[Fact]) -> dict[str, object]:
    values: dict[str, dict[str, object]] = {}
    for fact in facts:
        values.setdefault(fact.topic, {})[fact.name] = fact.value
    problems = [
        {"topic": fact.topic, "name": fact.name, "problem": fact.problem, "fatal": fact.fatal}
        for fact in facts
        if fact.problem
    ]
    return {"works": works(facts), "problems": problems, **values}


def _lines(facts: Sequence[Fact]) -> list[str]:
    topics, names = (max(map(len, column)) for column in zip(*((fact.topic, fact.name) for fact in facts), strict=True))
    return [
        f"{'!' if fact.problem else ' '} {fact.topic:<{topics}}  {fact.name:<{names}}  {fact.text}"
        + (f": {fact.problem}" if fact.problem else "")
        for fact in facts
    ]
