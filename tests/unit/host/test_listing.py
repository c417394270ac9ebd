"""What is listed from a plugin's source, and what is left unknown."""

from pathlib import Path

import pytest

from vaeaug import hookspecs
from vaeaug.hookspecs import HOOKS
from vaeaug.plugins import find_sources, load
from vaeaug.plugins.listing import list_plugins, read


def entries(directory: Path, text: str) -> list[tuple[str | None, str | None]]:
    """Return (kind, name) of what a plugin file is listed to bring."""
    (directory / "plugin.py").write_text(text)
    return [(entry.kind, entry.name) for entry in list_plugins(find_sources([directory], {})) if entry.origin == "file"]


def test_every_hook_is_known() -> None:
    assert set(HOOKS) == {name for name in vars(hookspecs) if name.startswith("vaeaug_")}


def test_source_tells_of_what_we_ship_what_loading_tells() -> None:
    registry = load(environ={})
    listed = list_plugins(find_sources(environ={}))
    assert {(entry.kind, entry.name) for entry in listed if entry.distribution == "vaeaug"} == {
        (kind, name)
        for kind, names in registry.classes.items()
        for name, provided in names.items()
        if provided.distribution == "vaeaug"
    }
    for entry in listed:
        if entry.distribution == "vaeaug":
            assert entry.note is None
            assert entry.help
            assert entry.hooks


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("    return [A]", [("variant", "a")]),
        ("    return (A, B)", [("variant", "a"), ("variant", "b")]),
        ("    'Help.'\n    return [A]", [("variant", "a")]),
        ("    yield A\n    yield B", [("variant", None)]),
        ("    return BOTH", [("variant", None)]),
        ("    return [Child]", [("variant", None)]),
        ("    return [Constant]", [("variant", None)]),
        ("    return [Annotated]", [("variant", "annotated")]),
        ("    return [Computed]", [("variant", None)]),
        ("    return make()", [("variant", None)]),
        ("    return [A, make()]", [("variant", "a"), ("variant", None)]),
        ("    return [*BOTH]", [("variant", None)]),
        ("    if x:\n        return [A]\n    return [B]", [("variant", None)]),
        ("    return []", [(None, None)]),
    ],
)
def test_names_that_stand_in_the_source_are_read_and_others_are_unknown(
    tmp_path: Path, body: str, expected: list[tuple[str | None, str | None]]
) -> None:
    text = f"""
from typing import ClassVar
from vaeaug import GaussianVariant, hookimpl
NAME = "constant"
class A(GaussianVariant):
    name = "a"
class B(GaussianVariant):
    name = "b"
class Child(A):
    pass
class Constant(GaussianVariant):
    name = NAME
class Annotated(GaussianVariant):
    name: ClassVar[str] = "annotated"
class Computed(GaussianVariant):
    name = "com" + "puted"
BOTH = [A, B]
@hookimpl
def vaeaug_variants():
{body}
"""
    assert entries(tmp_path, text) == expected


@pytest.mark.parametrize("mark", ["@hookimpl", "@vaeaug.hookimpl", "@hookimpl()", "@hookimpl(tryfirst=True)"])
def test_a_mark_is_known_in_each_spelling(tmp_path: Path, mark: str) -> None:
    text = f"class L:\n    name = 'l'\n{mark}\ndef vaeaug_losses():\n    return [L]\n"
    assert entries(tmp_path, text) == [("loss", "l")]


def test_specname_names_the_hook(tmp_path: Path) -> None:
    text = "class L:\n    name = 'l'\n@hookimpl(specname='vaeaug_losses')\ndef mine():\n    return [L]\n"
    assert entries(tmp_path, text) == [("loss", "l")]


def test_only_the_module_of_the_entry_point_is_read_and_nothing_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "host_read_package"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "deep" / "__init__.py").write_text("raise RuntimeError('imported')")
    hooks = "'What it is for.'\nfrom .model import Model\nclass M:\n    'The help.'\n    name = 'stated'\n"
    hooks += "@hookimpl\ndef vaeaug_variants():\n    return [M, Model]\n"
    (package / "deep" / "hooks.py").write_text(hooks)
    (package / "deep" / "model.py").write_text("class Model:\n    name = 'not-followed'\n")
    info = tmp_path / "host_read-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: host-read\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[vaeaug]\nfollow = host_read_package.deep.hooks\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = [entry for entry in list_plugins(find_sources(environ={})) if entry.distribution == "host-read"]
    assert [(entry.name, entry.help) for entry in found] == [("stated", "The help."), (None, "What it is for.")]
    assert found[0].file == str(package / "deep" / "hooks.py")
    assert "only known when it runs" in (found[1].note or "")


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("def (:", "syntax error, line 1"),
        ("x = '\0'", "null"),
        ("x = 1", "no hook"),
        ("VAEAUG_API = 7", "plugin API 7"),
    ],
)
def test_what_keeps_a_plugin_from_being_read_is_noted(tmp_path: Path, text: str, note: str) -> None:
    (tmp_path / "plugin.py").write_text(text)
    [entry] = [entry for entry in list_plugins(find_sources([tmp_path], {})) if entry.origin == "file"]
    assert entry.name is None
    assert note in (entry.note or "")


def test_shadowing_is_seen_without_loading(tmp_path: Path) -> None:
    text = "class V:\n    name = 'vae'\n@hookimpl\ndef vaeaug_variants():\n    return [V]\n"
    (tmp_path / "mine.py").write_text(text)
    sources = find_sources([tmp_path], {})
    assert [entry.shadowed_by for entry in list_plugins(sources) if entry.origin == "file"] == ["vae"]
    blocked = find_sources([tmp_path], {"VAEAUG_BLOCK_PLUGINS": "vae"})
    assert [entry.shadowed_by for entry in list_plugins(blocked) if entry.origin == "file"] == [None]


def test_reading_never_raises(tmp_path: Path) -> None:
    (tmp_path / "plugin.py").write_bytes(bytes(range(256)))
    [source] = [source for source in find_sources([tmp_path], {}) if source.origin == "file"]
    assert read(source).note
