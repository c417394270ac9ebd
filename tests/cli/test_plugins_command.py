"""`vaeaug plugins`: what it prints, what it writes, its exit codes, and what it does not import."""

import ast
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from machine_faults import no_space, on_disk

from vaeaug.cli import main
from vaeaug.cli.plugins import describe
from vaeaug.hookspecs import HOOKS
from vaeaug.plugins.listing import Listed
from vaeaug.plugins.registry import load

THING = """
from dataclasses import dataclass
from vaeaug import GaussianVariant, hookimpl, option

class Thing(GaussianVariant):
    "A thing to show.\\n\\n    With more to say."
    name = "thing"
    conditional = True
    reference = "Someone, 2020"

    @dataclass(frozen=True)
    class Config(GaussianVariant.Config):
        mode: str = option("fast", "How it works.", choices=("fast", "slow"))
        flag: bool = option(True, "Whether.")

@hookimpl
def vaeaug_variants():
    return [Thing]
"""


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VAEAUG_PLUGINS_DIR", "VAEAUG_BLOCK_PLUGINS", "VAEAUG_STRICT"):
        monkeypatch.delenv(name, raising=False)


class Output:
    """What a command left: its exit code, stdout and stderr."""

    def __init__(self, code: object, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


def run(capsys: pytest.CaptureFixture[str], *args: object) -> Output:
    with pytest.raises(SystemExit) as exit_:
        main(["plugins", *map(str, args)])
    return Output(exit_.value.code, *capsys.readouterr())


@pytest.fixture
def thing(tmp_path: Path) -> Path:
    (tmp_path / "thing_file.py").write_text(THING)
    return tmp_path


@pytest.mark.parametrize("args", [["plugins"], ["plugins", "--json"], ["plugins", "new", "quick-thing"], ["--help"]])
def test_no_torch_and_no_plugin_is_imported(tmp_path: Path, args: list[str]) -> None:
    (tmp_path / "loud.py").write_text("raise SystemExit('imported')")
    code = (
        "import sys\nfrom vaeaug.cli import main\n"
        "try:\n    main(sys.argv[1:])\nfinally:\n"
        "    assert not {'torch', 'numpy', 'PIL', 'sklearn', 'vaeaug_plugins'} & set(sys.modules), 'heavy imports'\n"
    )
    environ = {**os.environ, "VAEAUG_PLUGINS_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code, *args], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_list_has_every_documented_key(capsys: pytest.CaptureFixture[str], thing: Path) -> None:
    output = run(capsys, "--json", "--plugins-dir", thing)
    entries = json.loads(output.out)
    assert output.code == 0
    assert {entry["name"] for entry in entries} >= {"vae", "cvae", "beta-vae", "bce", "mse", "gaussian", "thing"}
    [entry] = [entry for entry in entries if entry["name"] == "thing"]
    assert entry == {
        "name": "thing",
        "kind": "variant",
        "help": "A thing to show.",
        "plugin": "thing_file",
        "distribution": None,
        "version": None,
        "origin": "file",
        "module": None,
        "file": str(thing / "thing_file.py"),
        "hooks": ["vaeaug_variants"],
        "blocked": False,
        "shadowed_by": None,
        "note": None,
    }
    guide = (Path(__file__).parents[2] / "docs" / "writing-a-plugin.md").read_text(encoding="utf-8")
    for key in Listed._fields:
        assert f"`{key}`" in guide, f"docs/writing-a-plugin.md does not tell what {key} is"


def test_the_table_is_aligned_and_says_what_each_is(capsys: pytest.CaptureFixture[str], thing: Path) -> None:
    (thing / "broken.py").write_text("def (:")
    lines = run(capsys, "--plugins-dir", thing).out.splitlines()
    column = lines[0].index("DESCRIPTION")
    [shown] = [line for line in lines if " thing " in line]
    assert shown[column:] == "A thing to show."
    assert shown.startswith("variant")
    [unknown] = [line for line in lines if "broken.py" in line]
    assert unknown.startswith("?")
    assert "syntax error, line 1" in unknown


def test_a_blocked_plugin_is_shown_so_and_a_misspelt_block_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAEAUG_BLOCK_PLUGINS", "vae,msee")
    output = run(capsys, "--json")
    assert [entry["name"] for entry in json.loads(output.out) if entry["blocked"]] == ["vae"]
    assert "did you mean 'mse'?" in output.err
    rows = {row["plugin"]: row for row in json.loads(run(capsys, "check", "--json").out)}
    assert (rows["vae"]["status"], rows["vae"]["variants"]) == ("blocked", [])


def test_directories_of_the_option_come_before_those_of_the_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for directory in ("option", "environment"):
        (tmp_path / directory).mkdir()
        (tmp_path / directory / f"{directory}.py").write_text(THING)
    monkeypatch.setenv("VAEAUG_PLUGINS_DIR", str(tmp_path / "environment"))
    entries = json.loads(run(capsys, "--json", "--plugins-dir", tmp_path / "option").out)
    assert {entry["plugin"]: entry["shadowed_by"] for entry in entries if entry["name"] == "thing"} == {
        "option": None,
        "environment": "option",
    }


def test_a_missing_directory_exits_with_2(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    output = run(capsys, "--plugins-dir", tmp_path / "nowhere")
    assert output.code == 2
    assert "nowhere" in output.err


def test_check_says_ok_where_all_is_well(capsys: pytest.CaptureFixture[str], thing: Path) -> None:
    output = run(capsys, "--plugins-dir", thing, "check")  # an option before the subcommand counts too
    assert output.code == 0
    assert output.err == ""
    [line] = [line for line in output.out.splitlines() if "thing_file.py" in line]
    assert line.startswith("ok ")
    assert line.endswith("variant thing")
    before, after = (
        run(capsys, *args, "--plugins-dir", thing).out for args in (["--json", "check"], ["check", "--json"])
    )
    assert json.loads(before) == json.loads(after)


def test_check_lists_all_problems_even_when_strict(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "one.py").write_text("1 / 0")
    (tmp_path / "two.py").write_text("def (:")
    monkeypatch.setenv("VAEAUG_STRICT", "1")
    output = run(capsys, "check", "--plugins-dir", tmp_path)
    assert output.code == 3
    assert "ZeroDivisionError" in output.out
    assert "SyntaxError" in output.out
    assert "2 of " in output.err
    assert run(capsys, "show", "vae", "--plugins-dir", tmp_path).code == 3  # strict: the first problem is fatal


def test_show_tells_options_range_paper_and_origin(capsys: pytest.CaptureFixture[str], thing: Path) -> None:
    shown = json.loads(run(capsys, "show", "thing", "--json", "--plugins-dir", thing).out)
    assert (shown["kind"], shown["reference"], shown["conditional"]) == ("variant", "Someone, 2020", True)
    assert shown["docstring"] == "A thing to show.\n\nWith more to say."
    assert shown["origin"] == str(thing / "thing_file.py")
    options = {option["name"]: option for option in shown["options"]}
    assert options["latent_dim"]["type"] == "int"
    assert options["latent_dim"]["minimum"] == 1
    assert options["width"]["type"] == "int or none"
    assert options["mode"] == {
        "name": "mode",
        "type": "str",
        "default": "fast",
        "help": "How it works.",
        "minimum": None,
        "maximum": None,
        "choices": ["fast", "slow"],
    }
    text = run(capsys, "show", "thing", "--plugins-dir", thing).out
    for fact in ("thing (variant)", "With more to say.", "Someone, 2020", "fast, slow", "1 to 4096", "true"):
        assert fact in text
    assert "--variant thing --set flag=true" in run(capsys, "show", "thing", "--plugins-dir", thing).err


def test_show_of_an_unknown_name_offers_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    output = run(capsys, "show", "betavae")
    assert "there is no variant, loss or sampler 'betavae'" in output.err
    assert output.code == 2
    assert "did you mean 'beta-vae'?" in output.err


def test_a_name_of_both_kinds_needs_the_kind(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "both.py").write_text(THING.replace('name = "thing"', 'name = "mse"'))
    output = run(capsys, "show", "mse", "--plugins-dir", tmp_path)
    assert output.code == 2
    assert "--kind loss" in output.err
    assert run(capsys, "show", "vae", "--kind", "loss").code == 2
    shown = json.loads(run(capsys, "show", "mse", "--kind", "loss", "--json", "--plugins-dir", tmp_path).out)
    assert shown["distribution"] == "vaeaug"


def test_every_shipped_class_can_be_described() -> None:
    registry = load(environ={})
    for names in registry.classes.values():
        for provided in names.values():
            described = describe(provided)
            assert described["reference"], f"{provided.name} cites nothing"
            assert all(option["help"] for option in described["options"])
            json.dumps(described, allow_nan=False)


@pytest.mark.parametrize("kind", HOOKS.values())
def test_new_writes_a_package_whose_files_parse(capsys: pytest.CaptureFixture[str], tmp_path: Path, kind: str) -> None:
    target = tmp_path / "deep" / "package"
    written = json.loads(run(capsys, "new", "vaeaug-odd-one", target, "--kind", kind, "--json").out)
    assert written["name"] == "odd-one"
    files = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    module, test = "src/vaeaug_odd_one/__init__.py", "tests/test_odd_one.py"
    assert files == set(written["files"]) == {"pyproject.toml", "README.md", ".gitignore", module, test}
    project = tomllib.loads((target / "pyproject.toml").read_text())
    assert project["project"]["entry-points"]["vaeaug"] == {"odd-one": "vaeaug_odd_one"}
    for file in (module, test):
        ast.parse((target / file).read_text())
    assert [path.name for path in target.parent.iterdir()] == ["package"]  # nothing half-written lies beside it


def test_every_template_and_package_is_shipped() -> None:
    root = Path(__file__).parents[2]
    setuptools = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]
    [pattern] = setuptools["package-data"]["vaeaug.workflows"]
    templates = {path for path in (root / "vaeaug" / "workflows").rglob("*") if path.suffix not in {".py", ".pyc"}}
    assert {path for path in templates if path.is_file()} == set((root / "vaeaug" / "workflows").glob(pattern))
    assert "vaeaug.plugins" in setuptools["packages"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("MyVAE", "'my-vae'"),
        ("my_vae", "'my-vae'"),
        ("2-vae", "'vae'"),
        ("-x", "'x'"),
        ("a b", "'a-b'"),
        ("ünique", "a name must be lower case words"),
        ("", "an argument is empty"),
        ("vae", "taken by a plugin of vaeaug"),
        ("vaeaug-mse", "taken by a plugin of vaeaug"),
        ("plugins", "vaeaug_plugins"),
    ],
)
def test_new_refuses_a_name_that_cannot_work(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str, says: str
) -> None:
    output = run(capsys, "new", "--", name, tmp_path / "package")
    assert output.code == 2
    assert says in output.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["none", "true", "variant", "gaussian-variant", "tensor", "class", "import"])
def test_new_finds_a_class_name_that_hides_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert run(capsys, "new", name, tmp_path / "package", "--quiet").code == 0
    tree = ast.parse((tmp_path / "package" / "src" / f"vaeaug_{name.replace('-', '_')}" / "__init__.py").read_text())
    classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    imported = {alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert len(classes) == 1
    assert not classes & imported


def test_new_leaves_what_is_there_alone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("mine")
    for taken in ("full", "file"):
        output = run(capsys, "new", "fresh", tmp_path / taken)
        assert output.code == 2
        assert "directory: vaeaug plugins new fresh DIRECTORY" in output.err
    assert run(capsys, "new", "fresh", tmp_path / "empty").code == 0
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]
    assert (tmp_path / "file").read_text() == "mine"


def test_new_fills_the_working_directory(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    here = tmp_path / "my plugin"
    here.mkdir()
    monkeypatch.chdir(here)
    output = run(capsys, "new", "fresh", ".")
    assert output.code == 0
    assert Path("pyproject.toml").is_file()
    assert here.samefile(".")
    assert "Next: pip install" in output.err
    output = run(capsys, "new", "other", ".")
    assert output.code == 2
    assert "is not empty (it contains .gitignore)" in output.err


def test_new_writes_nothing_when_it_cannot_write_all(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with on_disk("write", "*/README.md", no_space):
        output = run(capsys, "new", "fresh", tmp_path / "package")
    assert output.code == 1
    assert "No space left on device; free some space or choose another place; nothing was written" in output.err
    assert not list(tmp_path.iterdir())
