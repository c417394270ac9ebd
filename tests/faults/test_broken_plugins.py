"""Every way we know of breaking a plugin: it is listed with its cause, and nothing else is disturbed."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from vaeaug.cli import main
from vaeaug.errors import InputError, PluginError
from vaeaug.plugins import load

GOOD = """
from vaeaug import GaussianVariant, hookimpl

class Good(GaussianVariant):
    "A variant that works."
    name = "good"

@hookimpl
def vaeaug_variants():
    return [Good]
"""

START = """
from dataclasses import dataclass
from vaeaug import GaussianVariant, ReconstructionLoss, Variant, hookimpl, option

class Mine(GaussianVariant):
    "Mine."
    name = "mine"

class MyLoss(ReconstructionLoss):
    "My loss."
    name = "my-loss"
    def forward(self, raw, x):
        return raw
    def image(self, raw):
        return raw
"""

HOOK = """
@hookimpl
def vaeaug_variants():
    return [Mine]
"""


@dataclass(frozen=True)
class Broken:
    """A plugin file, and what is to be said of it."""

    id: str
    body: str
    kind: str
    says: tuple[str, ...]
    start: str = START


BROKEN = [
    Broken(
        "absent import", "import no_such_package_xyz", "import-error", ("no_such_package_xyz", "line 16", "install")
    ),
    Broken("raises", "1 / 0", "import-error", ("ZeroDivisionError", "line 16")),
    Broken("syntax", "def vaeaug_variants(:", "syntax-error", ("invalid syntax", "line 16")),
    Broken("exits", "import sys; sys.exit(0)", "exit", ("sys.exit(0)", "line 16", "while it is imported")),
    Broken(
        "cancels", "import asyncio; raise asyncio.CancelledError('x')", "import-error", ("CancelledError", "line 16")
    ),
    Broken("exits in the hook", "@hookimpl\ndef vaeaug_variants():\n    raise SystemExit(7)", "exit", ("sys.exit(7)",)),
    Broken("hook raises", "@hookimpl\ndef vaeaug_variants():\n    return [1 / 0]", "hook-raised", ("Zero", "line 18")),
    Broken(
        "half-way",
        "@hookimpl\ndef vaeaug_variants():\n    yield Mine\n    raise OSError('no\\ndisk')",
        "hook-raised",
        ("OSError: no disk", "line 19"),
    ),
    Broken(
        "misspelt",
        "@hookimpl\ndef vaeaug_variant():\n    return [Mine]",
        "unknown-hook",
        ("'vaeaug_variant'", "did you mean 'vaeaug_variants'", "line 16"),
    ),
    Broken(
        "misspelt specname",
        "@hookimpl(specname='vaeaug_loses')\ndef mine():\n    return [MyLoss]",
        "unknown-hook",
        ("'vaeaug_loses'", "did you mean 'vaeaug_losses'"),
    ),
    Broken("unmarked", "def vaeaug_variants():\n    return [Mine]", "unmarked-hook", ("@hookimpl", "line 16")),
    Broken(
        "another project's mark",
        "import pluggy\n@pluggy.HookimplMarker('other')\ndef vaeaug_losses():\n    return [MyLoss]",
        "unmarked-hook",
        ("@hookimpl", "vaeaug_losses"),
    ),
    Broken(
        "unmarked and misspelt",
        "def vaeaug_loss():\n    return [MyLoss]",
        "no-hook",
        ("did you mean 'vaeaug_losses'", "@hookimpl"),
    ),
    Broken("no hook", "", "no-hook", ("vaeaug_variants", "starts with _")),
    Broken(
        "a wrapper",
        "@hookimpl(wrapper=True)\ndef vaeaug_variants():\n    yield\n    return []",
        "unknown-hook",
        ("wraps",),
    ),
    Broken(
        "asks for arguments",
        "@hookimpl\ndef vaeaug_variants(spec):\n    return [Mine]",
        "hook-arguments",
        ("spec", "no arguments"),
    ),
    Broken("nothing", "@hookimpl\ndef vaeaug_variants():\n    [Mine]", "wrong-return", ("nothing", "return [MyClass]")),
    Broken("one class", "@hookimpl\ndef vaeaug_variants():\n    return Mine", "wrong-return", ("return [Mine]",)),
    Broken("a number", "@hookimpl\ndef vaeaug_variants():\n    return 3", "wrong-return", ("int 3", "list of classes")),
    Broken("a string", "@hookimpl\ndef vaeaug_variants():\n    return 'Mine'", "wrong-return", ("str 'Mine'",)),
    Broken(
        "strings", "@hookimpl\ndef vaeaug_variants():\n    return ['Mine']", "wrong-return", ("'Mine'", "not a class")
    ),
    Broken(
        "an instance",
        "@hookimpl\ndef vaeaug_losses():\n    return [MyLoss(None, None)]",
        "wrong-return",
        ("an instance of MyLoss", "the class itself"),
    ),
    Broken("of no base", "class Mine:\n    name = 'x'\n" + HOOK, "wrong-class", ("not a subclass of vaeaug.Variant",)),
    Broken(
        "a loss as a variant",
        "@hookimpl\ndef vaeaug_variants():\n    return [MyLoss]",
        "wrong-class",
        ("is a loss", "vaeaug_losses"),
    ),
    Broken(
        "no name",
        "class TinyVAE(GaussianVariant):\n    pass\n@hookimpl\ndef vaeaug_variants():\n    return [TinyVAE]",
        "wrong-class",
        ("TinyVAE", "line 16", "name = 'tiny-vae'"),
    ),
    Broken("bad name", "Mine.name = 'My_Variant'" + HOOK, "wrong-class", ("'My_Variant'", "name = 'my-variant'")),
    Broken("name is no string", "Mine.name = 3" + HOOK, "wrong-class", ("name = 'mine'",)),
    Broken(
        "abstract",
        "class Bare(Variant):\n    name = 'b'\n    def decode(self, latent, y):\n        return latent\nMine = Bare\n"
        + HOOK,
        "wrong-class",
        ("does not implement encode, prior", "line 16"),
    ),
    Broken(
        "losses without generator",
        "class Mine(GaussianVariant):\n    name = 'mine'\n"
        "    def losses(self, x, y, reconstruction):\n        return {}\n" + HOOK,
        "wrong-class",
        ("losses(self, x, y, reconstruction)", "generator"),
    ),
    Broken(
        "generator by another name",
        "class Mine(GaussianVariant):\n    name = 'mine'\n    def prior(self, y, rng):\n        return y\n" + HOOK,
        "wrong-class",
        ("prior", "generator"),
    ),
    Broken(
        "init",
        "class Mine(GaussianVariant):\n    name = 'mine'\n    def __init__(self):\n        pass\n" + HOOK,
        "wrong-class",
        ("__init__", "spec, config"),
    ),
    Broken(
        "terms of another kind",
        "class Mine(GaussianVariant):\n    name = 'mine'\n    terms = {'kl': 'annealed'}\n" + HOOK,
        "wrong-class",
        ("vaeaug.Term", "Term(annealed=True)"),
    ),
    Broken(
        "plain config",
        "class Mine(GaussianVariant):\n    name = 'mine'\n    class Config:\n        beta = 3\n" + HOOK,
        "wrong-class",
        ("Config", "@dataclass(frozen=True)"),
    ),
    Broken(
        "undecorated config",
        "class Mine(GaussianVariant):\n    name = 'mine'\n    class Config(GaussianVariant.Config):\n"
        "        beta: float = 3.0\n" + HOOK,
        "wrong-class",
        ("options are not seen", "@dataclass(frozen=True)"),
    ),
    Broken(
        "option without default",
        "class Mine(Variant):\n    name = 'mine'\n    encode = decode = prior = lambda self, *a, **k: None\n"
        "    @dataclass(frozen=True)\n    class Config:\n        beta: float\n" + HOOK,
        "wrong-class",
        ("'beta'", "default"),
    ),
    Broken(
        "option of an unknown type",
        "class Mine(GaussianVariant):\n    name = 'mine'\n    @dataclass(frozen=True)\n"
        "    class Config(GaussianVariant.Config):\n        beta: 'Nowhere' = 3\n" + HOOK,
        "wrong-class",
        ("Nowhere",),
    ),
    Broken(
        "newer API", "VAEAUG_API = 2\nimport no_such_package_xyz" + HOOK, "newer-api", ("API 2", "has 1", "upgrade")
    ),
    Broken("newer API, hidden", "VAEAUG_API = 1 + 1" + HOOK, "newer-api", ("API 2", "upgrade")),
    Broken("odd API", "VAEAUG_API = '1'" + HOOK, "newer-api", ("whole number", "VAEAUG_API = 1")),
    Broken("shadows ours", "Mine.name = 'vae'" + HOOK, "shadowed", ("'vae'", "vaeaug 0", "another name")),
    Broken(
        "shadows itself", "@hookimpl\ndef vaeaug_variants():\n    return [Mine, type('B', (Mine,), {})]", "shadowed", ()
    ),
    Broken(
        "a metaclass that raises",
        "class Meta(type(GaussianVariant)):\n    def __getattribute__(cls, name):\n"
        "        if name == 'name':\n            raise OSError('metaclass')\n"
        "        return super().__getattribute__(name)\n"
        "class Odd(GaussianVariant, metaclass=Meta):\n    pass\n"
        "@hookimpl\ndef vaeaug_variants():\n    return [Odd]",
        "wrong-class",
        ("OSError: metaclass", "while its class is checked"),
    ),
    Broken(
        "a repr that raises",
        "class Odd:\n    def __repr__(self):\n        1 / 0\n@hookimpl\ndef vaeaug_variants():\n    return Odd()",
        "wrong-return",
        ("an object of Odd",),
    ),
    Broken(
        "a repr of many lines",
        "import torch\n@hookimpl\ndef vaeaug_losses():\n    return [torch.eye(9)]",
        "wrong-return",
        ("tensor([[1., 0.", "not a class"),
    ),
    Broken("relative import", "from . import neighbour" + HOOK, "import-error", ("ImportError", "line 16")),
]


def ids(broken: Broken) -> str:
    return broken.id


def write(directory: Path, stem: str, text: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / f"{stem}.py"
    file.write_text(dedent(text), encoding="utf-8")
    return file


@pytest.mark.parametrize("broken", BROKEN, ids=ids)
def test_a_broken_plugin_is_listed_with_its_cause_and_the_others_work(tmp_path: Path, broken: Broken) -> None:
    write(tmp_path, "aaa", broken.start + broken.body)
    write(tmp_path, "good", GOOD)

    registry = load([tmp_path], environ={})

    assert [problem.plugin for problem in registry.problems] == ["aaa"]
    problem = registry.problems[0]
    assert problem.kind == broken.kind
    assert "\n" not in str(problem)
    for fragment in (*broken.says, str(tmp_path / "aaa.py")):
        assert fragment in str(problem)
    assert registry.variant("good").cls.__doc__ == "A variant that works."
    assert registry.variant("vae").distribution == "vaeaug"


@pytest.mark.parametrize("broken", BROKEN, ids=ids)
def test_check_prints_the_cause_and_exits_with_3(
    tmp_path: Path, broken: Broken, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "aaa", broken.start + broken.body)
    with pytest.raises(SystemExit) as exit_:
        main(["plugins", "check", "--plugins-dir", str(tmp_path), "--json"])
    assert exit_.value.code == 3
    output = capsys.readouterr()
    [row] = [row for row in json.loads(output.out) if row["plugin"] == "aaa"]
    assert row["status"] == ("shadowed" if broken.kind == "shadowed" else "broken")
    assert [problem["kind"] for problem in row["problems"]] == [broken.kind]
    assert "1 of" in output.err


@pytest.mark.parametrize("broken", BROKEN, ids=ids)
def test_listing_survives_it_and_strict_makes_it_fatal(tmp_path: Path, broken: Broken) -> None:
    write(tmp_path, "aaa", broken.start + broken.body)
    with pytest.raises(PluginError, match="VAEAUG_STRICT is set"):
        load([tmp_path], environ={"VAEAUG_STRICT": "1"})
    from vaeaug.plugins import find_sources
    from vaeaug.plugins.listing import list_plugins

    entries = list_plugins(find_sources([tmp_path], {}))
    assert [entry.plugin for entry in entries if entry.origin == "file"][:1] == ["aaa"]


def test_what_the_contract_allows_is_not_refused(tmp_path: Path) -> None:
    body = """
class Static(MyLoss):
    name = "static"
    raw_channels = staticmethod(lambda channels: 2 * channels)

class Loose(GaussianVariant):
    name = "loose"
    def prior(self, *args, **kwargs):
        return super().prior(*args, **kwargs)
    def losses(self, x, y, reconstruction, generator=None, extra=1):
        return super().losses(x, y, reconstruction, generator)

@hookimpl(specname="vaeaug_losses")
def one():
    return (MyLoss,)

@hookimpl(specname="vaeaug_losses")
def two():
    yield Static

@hookimpl
def vaeaug_variants():
    return {Loose}
"""
    write(tmp_path, "fine", START + body)
    registry = load([tmp_path], environ={})
    assert not registry.problems
    assert {registry.loss("my-loss").plugin, registry.loss("static").plugin, registry.variant("loose").plugin} == {
        "fine"
    }


def test_ctrl_c_in_a_plugin_is_the_users_and_is_not_caught(tmp_path: Path) -> None:
    write(tmp_path, "slow", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        load([tmp_path], environ={})


def test_one_wrong_class_does_not_take_the_plugins_others_along(tmp_path: Path) -> None:
    body = (
        "class Nameless(GaussianVariant):\n    pass\n@hookimpl\ndef vaeaug_variants():\n    return [Nameless, Mine]\n"
    )
    write(tmp_path, "two", START + body + "@hookimpl\ndef vaeaug_losses():\n    1 / 0")
    registry = load([tmp_path], environ={})
    assert sorted(problem.kind for problem in registry.problems) == ["hook-raised", "wrong-class"]
    assert registry.variant("mine").plugin == "two"


def test_asking_for_what_a_broken_plugin_brings_tells_its_cause(tmp_path: Path) -> None:
    write(tmp_path, "odd_file", START + HOOK + "1 / 0")
    registry = load([tmp_path], environ={})
    with pytest.raises(PluginError, match="ZeroDivisionError") as by_source:
        registry.variant("mine")  # the file is not called so, but its source says that it brings it
    assert by_source.value.exit_code == 3
    with pytest.raises(PluginError, match="ZeroDivisionError"):
        registry.loss("odd_file")
    with pytest.raises(InputError, match="did you mean 'vae'"):
        registry.variant("vea")


def test_a_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin.py").write_bytes("size = 'Gr\xf6\xdfe'\n".encode("latin-1"))
    [problem] = load([tmp_path], environ={}).problems
    assert problem.kind == "syntax-error"
    assert str(tmp_path / "latin.py") in problem.cause


def test_a_neighbour_cannot_be_imported_and_the_mend_is_a_package(tmp_path: Path) -> None:
    write(tmp_path, "_shared", "x = 1")
    write(tmp_path, "uses", "import _shared")
    [problem] = load([tmp_path], environ={}).problems
    assert "cannot import the file _shared next to it" in problem.cause


def test_a_failed_file_leaves_no_half_module_and_no_cache_behind(tmp_path: Path) -> None:
    write(tmp_path, "fails", "1 / 0")
    before = set(sys.modules)
    load([tmp_path], environ={})
    assert not [name for name in set(sys.modules) - before if "fails" in name]
    write(tmp_path, "fails", GOOD)
    assert load([tmp_path], environ={}).variant("good").plugin == "fails"
    assert [path.name for path in tmp_path.iterdir()] == ["fails.py"]


def test_what_a_plugin_prints_does_not_reach_stdout(tmp_path: Path) -> None:
    noisy = "print('at import')\n" + GOOD.replace("    return", "    print('in the hook')\n    return")
    write(tmp_path, "noisy", noisy)
    call = "from vaeaug.cli import main; main()"
    command = [sys.executable, "-c", call, "plugins", "check", "--json", "--plugins-dir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert {row["plugin"]: row["status"] for row in json.loads(done.stdout)}["noisy"] == "ok"
    assert "at import" in done.stderr
    assert "in the hook" in done.stderr
