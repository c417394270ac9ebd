"""Where plugins are found, in which order they claim names, and what is never looked at."""

import importlib
import os
from pathlib import Path

import pytest

from vaeaug.errors import InputError, PluginError
from vaeaug.plugins import find_sources, load
from vaeaug.plugins.sources import file_module_name

VARIANT = """
from vaeaug import GaussianVariant, hookimpl
class Thing(GaussianVariant):
    name = {name!r}
@hookimpl
def vaeaug_variants():
    return [Thing]
"""


class Site:
    """A directory on `sys.path` into which distributions are put, as an installer would."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def install(self, distribution: str, version: str, entry_points: str, **modules: str) -> None:
        info = self.path / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(entry_points)
        for name, text in modules.items():
            (self.path / f"{name}.py").write_text(text)
        importlib.invalidate_caches()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    path = tmp_path / "site"
    path.mkdir()
    monkeypatch.syspath_prepend(path)
    return Site(path)


def test_what_we_ship_is_found_through_real_entry_points() -> None:
    shipped = [source for source in find_sources(environ={}) if source.distribution == "vaeaug"]
    assert {"vae", "cvae", "beta-vae", "bce", "mse", "gaussian"} <= {source.plugin for source in shipped}
    assert all(source.origin == "entry-point" and source.module.startswith("vaeaug_plugins.") for source in shipped)


def test_a_strangers_distribution_is_found_with_its_version(site: Site) -> None:
    site.install("vaeaug-x", "1.2", "[vaeaug]\nxx = host_test_x\n", host_test_x=VARIANT.format(name="xx"))
    provided = load(environ={}).variant("xx")
    assert (provided.plugin, provided.distribution, provided.version) == ("xx", "vaeaug-x", "1.2")
    assert provided.origin == "host_test_x"


def test_ours_come_first_then_entry_points_by_name_then_files_in_the_order_of_their_directories(
    site: Site, tmp_path: Path
) -> None:
    site.install("zz-dist", "1", "[vaeaug]\naa = host_test_zz\n")
    site.install("aa-dist", "1", "[vaeaug]\nbb = host_test_aa\n")
    for directory, stem in [("one", "b"), ("one", "a"), ("two", "a"), ("three", "c")]:
        (tmp_path / directory).mkdir(exist_ok=True)
        (tmp_path / directory / f"{stem}.py").write_text("")
    environ = {"VAEAUG_PLUGINS_DIR": os.pathsep.join([str(tmp_path / "three"), str(tmp_path / "one")])}

    sources = find_sources([tmp_path / "two", tmp_path / "one"], environ)

    ours = [source for source in sources if source.distribution == "vaeaug"]
    assert sources[: len(ours)] == ours
    others = [source for source in sources if source not in ours]
    files = [tmp_path / name for name in ("two/a.py", "one/a.py", "one/b.py", "three/c.py")]
    assert [source.plugin for source in others if source.origin == "entry-point"] == ["aa", "bb"]
    assert [source.file for source in others if source.origin == "file"] == files
    assert others[-1].origin == "file"


def test_the_first_keeps_a_name_and_the_other_is_listed_as_shadowed(site: Site, tmp_path: Path) -> None:
    site.install("zz-dist", "1", "[vaeaug]\naa = host_test_first\n", host_test_first=VARIANT.format(name="same"))
    site.install("aa-dist", "1", "[vaeaug]\nbb = host_test_second\n", host_test_second=VARIANT.format(name="same"))
    (tmp_path / "cc.py").write_text(VARIANT.format(name="same"))
    registry = load([tmp_path], environ={})
    assert registry.variant("same").distribution == "zz-dist"
    assert [(problem.plugin, problem.kind) for problem in registry.problems] == [("bb", "shadowed"), ("cc", "shadowed")]


def test_two_files_of_one_name_in_two_directories_are_two_modules(tmp_path: Path) -> None:
    for directory in ("one", "two"):
        (tmp_path / directory).mkdir()
        (tmp_path / directory / "my-plugin.py").write_text(VARIANT.format(name=directory))
    registry = load([tmp_path / "one", tmp_path / "two"], environ={})
    one, two = registry.variant("one").cls, registry.variant("two").cls
    assert not registry.problems
    assert one.__module__ != two.__module__
    assert one.__module__ == file_module_name(tmp_path / "one" / "my-plugin.py")
    assert importlib.import_module(one.__module__).Thing is one  # dataclasses and worker processes look it up so


def test_only_py_files_without_underscore_are_plugins(tmp_path: Path) -> None:
    for name in ("_helper.py", "__init__.py", ".hidden.py", "notes.txt", "real.py"):
        (tmp_path / name).write_text("")
    (tmp_path / "package.py").mkdir()
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "deeper.py").write_text("")
    assert [source.plugin for source in find_sources([tmp_path], {}) if source.origin == "file"] == ["real"]


def test_a_directory_that_is_missing_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere.*--plugins-dir"):
        find_sources([tmp_path / "nowhere"], {})
    with pytest.raises(InputError, match="VAEAUG_PLUGINS_DIR"):
        load(environ={"VAEAUG_PLUGINS_DIR": str(tmp_path / "nowhere")})


def test_a_blocked_plugin_is_listed_and_not_imported(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(VARIANT.format(name="hidden") + "raise SystemExit")
    registry = load([tmp_path], environ={"VAEAUG_BLOCK_PLUGINS": "bad, vae"})
    assert not registry.problems
    assert {source.plugin for source in registry.sources if source.blocked} == {"bad", "vae"}
    assert "vae" not in registry.variants
    with pytest.raises(InputError, match="remove vae from VAEAUG_BLOCK_PLUGINS"):
        registry.variant("vae")
    with pytest.raises(InputError, match="remove bad from VAEAUG_BLOCK_PLUGINS"):
        registry.variant("hidden")


def test_what_a_model_needs_and_is_not_installed_is_named() -> None:
    with pytest.raises(InputError, match="pip install vaeaug-far"):
        load(environ={}).variant("far", distribution="vaeaug-far")


def test_a_loss_asked_for_as_a_variant_is_told_apart() -> None:
    registry = load(environ={})
    with pytest.raises(InputError, match="'bce' is a loss, not a variant"):
        registry.variant("bce")
    with pytest.raises(InputError, match="'vae' is a variant, not a loss"):
        registry.loss("vae")


@pytest.mark.parametrize(
    ("entry_point", "kind", "says"),
    [
        ("lost = host_test_nowhere", "missing-module", "there is no host_test_nowhere"),
        ("lost = vaeaug_plugins.variants.nowhere", "missing-module", "there is no vaeaug_plugins.variants.nowhere"),
        ("lost = vaeaug_plugins.variants.vae:nothing", "missing-module", "has no 'nothing'"),
        ("lost = not a module!", "metadata", "names no module"),
        ("lost =", "metadata", "names no module"),
    ],
)
def test_an_entry_point_that_leads_nowhere_is_listed(site: Site, entry_point: str, kind: str, says: str) -> None:
    site.install("vaeaug-lost", "0.9", f"[vaeaug]\n{entry_point}\n")
    registry = load(environ={})
    [problem] = registry.problems
    assert (problem.plugin, problem.kind) == ("lost", kind)
    assert says in problem.cause
    assert "vaeaug-lost 0.9" in str(problem)
    with pytest.raises(PluginError, match="lost"):
        registry.variant("lost")


def test_an_entry_point_may_name_an_object_of_a_module(site: Site) -> None:
    body = (
        VARIANT.format(name="of-an-object")
        .replace("@hookimpl\ndef", "class Hooks:\n  @hookimpl\n  def")
        .replace("variants():", "variants(self):")
    )
    body = body.replace("    return [Thing]", "      return [Thing]") + "plugin = Hooks()\n"
    site.install("vaeaug-object", "1", "[vaeaug]\nobj = host_test_object:plugin\n", host_test_object=body)
    registry = load(environ={})
    assert not registry.problems
    assert registry.variant("of-an-object").distribution == "vaeaug-object"


def test_a_malformed_file_of_another_distribution_disturbs_nobody(site: Site) -> None:
    site.install("unrelated", "1", "[console_scripts]\nthis line has no equals sign\n")
    site.install("related", "1", "[vaeaug]\nthis line has no equals sign\n")
    registry = load(environ={})
    assert "vae" in registry.variants
    assert [(problem.plugin, problem.kind) for problem in registry.problems] == [("related", "metadata")]


def test_of_two_installed_copies_the_one_that_imports_see_counts(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.install("vaeaug-twice", "1", "[vaeaug]\nold = host_test_old\n")
    newer = tmp_path / "newer"
    newer.mkdir()
    monkeypatch.syspath_prepend(newer)
    Site(newer).install("vaeaug-twice", "2", "[vaeaug]\nnew = host_test_new\n")
    found = [source for source in find_sources(environ={}) if source.distribution == "vaeaug-twice"]
    assert [(source.plugin, source.version) for source in found] == [("new", "2")]
