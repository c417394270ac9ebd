"""The bundled sample dataset."""

import io
import zipfile
from importlib.resources import files

import pytest
from machine_faults import no_space, on_disk
from PIL import Image

import vaeaug.dataset.demo
from vaeaug.dataset.cache import build_cache
from vaeaug.dataset.contents import read_contents
from vaeaug.dataset.demo import write_demo
from vaeaug.dataset.scan import scan
from vaeaug.errors import InputError, VaeaugError

CLASSES = ("ankle-boot", "bag", "coat", "dress", "pullover", "sandal", "shirt", "sneaker", "t-shirt", "trouser")


def test_it_is_read_as_a_dataset(tmp_path):
    demo = write_demo(tmp_path / "new" / "shop")
    assert demo.directory == tmp_path / "new" / "shop"
    assert demo.images == {"train": 600, "test": 100}
    index = scan(demo.directory)
    assert index.layout == "splits"
    assert index.classes == demo.classes == CLASSES
    assert index.counts("train") == dict.fromkeys(CLASSES, 60)
    assert index.counts("test") == dict.fromkeys(CLASSES, 10)
    assert index.stray == ()
    cache = build_cache(read_contents(index), cache_dir=tmp_path / "cache")
    assert cache.pixels_NHWC.shape == (700, 28, 28, 1)
    assert len({file.digest for file in cache.files}) == 700
    assert 60 < cache.pixels_NHWC.mean() < 90  # the mean of Fashion-MNIST is 72.9


def test_its_licence_comes_with_it(tmp_path):
    write_demo(tmp_path / "shop")
    licence = (tmp_path / "shop" / "LICENSE.txt").read_text(encoding="utf-8")
    assert "The MIT License (MIT)" in licence
    assert "Copyright (c) 2017 Zalando SE" in licence
    assert "default_rng(20170825)" in (tmp_path / "shop" / "README.md").read_text(encoding="utf-8")


def test_it_is_small():
    archive = files("vaeaug") / "demo" / "fashion-mnist.zip"
    assert len(archive.read_bytes()) < 500_000


def test_an_empty_folder_is_filled_and_stays_the_same_folder(tmp_path):
    (tmp_path / "shop").mkdir(mode=0o700)
    before = (tmp_path / "shop").stat()
    write_demo(tmp_path / "shop")
    after = (tmp_path / "shop").stat()
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    assert sorted(path.name for path in (tmp_path / "shop").iterdir()) == ["LICENSE.txt", "README.md", "test", "train"]


def test_a_folder_that_is_not_empty_is_refused_and_stays(tmp_path):
    (tmp_path / ".hidden").write_text("mine")
    with pytest.raises(InputError, match=r"is not empty \(it contains \.hidden\); name a new or an empty directory"):
        write_demo(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".hidden"]


def test_a_file_is_refused(tmp_path):
    (tmp_path / "shop").write_text("mine")
    with pytest.raises(InputError, match="is a file; name a new directory"):
        write_demo(tmp_path / "shop")
    with pytest.raises(InputError, match="Not a directory; choose a place"):
        write_demo(tmp_path / "shop" / "below")


def archive_of(names) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, b"content of the file")
    return stream.getvalue()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package whose archive a test may choose."""
    (tmp_path / "package" / "demo").mkdir(parents=True)
    monkeypatch.setattr(vaeaug.dataset.demo, "files", lambda _: tmp_path / "package")
    return tmp_path / "package" / "demo" / "fashion-mnist.zip"


@pytest.mark.parametrize("name", ["../evil.png", "/evil.png", "train/../../evil.png", "train\\..\\evil.png"])
def test_no_name_leads_out_of_the_folder(tmp_path, package, name):
    package.write_bytes(archive_of(["train/a/0.png", name]))
    with pytest.raises(VaeaugError, match="unsafe file name"):
        write_demo(tmp_path / "shop")
    assert not (tmp_path / "shop").exists()
    assert not list(tmp_path.glob(".*"))
    assert not list(tmp_path.rglob("evil.png"))


def test_a_damaged_archive_leaves_nothing(tmp_path, package):
    content = bytearray(archive_of(["train/a/0.png", "train/a/1.png"]))
    content[content.rindex(b"content of")] ^= 1
    package.write_bytes(bytes(content))
    with pytest.raises(VaeaugError, match=r"is damaged .*reinstall vaeaug"):
        write_demo(tmp_path / "shop")
    assert not (tmp_path / "shop").exists()
    assert not list(tmp_path.glob(".*"))


def test_a_failure_on_the_last_step_takes_everything_back(tmp_path, package):
    package.write_bytes(archive_of(["LICENSE.txt", "train/a/0.png"]))
    (tmp_path / "shop").mkdir()
    with on_disk("rename", "*/shop/LICENSE.txt", no_space), pytest.raises(VaeaugError, match="the disk is full"):
        write_demo(tmp_path / "shop")
    assert list((tmp_path / "shop").iterdir()) == []
    assert not list(tmp_path.glob(".*"))


def test_the_images_are_those_of_the_original(tmp_path):
    """File names are indices in the original sets, so that anyone can compare; here, one by its known look."""
    write_demo(tmp_path / "shop")
    path = sorted((tmp_path / "shop" / "train" / "trouser").iterdir())[0]
    with Image.open(path) as image:
        assert (image.mode, image.size) == ("L", (28, 28))
        columns = [sum(image.getpixel((x, y)) for y in range(28)) for x in range(28)]
    assert sum(columns[9:19]) > 0.8 * sum(columns)  # trousers stand in the middle
