"""When a cache is built again, and what tells that the images are the same."""

import shutil

import pytest
from dataset_files import build, gray, save
from machine_faults import on_disk
from tiny_data import files


def test_a_second_run_decodes_nothing(data, tmp_path):
    first = build(data, tmp_path)
    before = files(tmp_path / "cache")
    with on_disk("write", str(tmp_path / "cache*")) as written:
        second = build(data, tmp_path)
    assert written == []
    assert files(tmp_path / "cache") == before
    assert second.directory == first.directory
    assert second.files == first.files
    assert (second.pixels_NHWC == first.pixels_NHWC).all()


def test_a_moved_dataset_is_known_again(data, tmp_path):
    first = build(data, tmp_path)
    shutil.copytree(data, tmp_path / "moved")
    with on_disk("write", str(tmp_path / "cache*")) as written:
        assert build(tmp_path / "moved", tmp_path).directory == first.directory
    assert written == []


@pytest.mark.parametrize("change", ["content", "name", "label", "split", "size", "bound"])
def test_what_a_cache_depends_on_is_built_again(data, tmp_path, change):
    first = build(data, tmp_path)
    options = {}
    if change == "content":
        save(data / "train/cat/000.png", gray(99))
    elif change == "name":
        (data / "train/cat/000.png").rename(data / "train/cat/000a.png")  # in the same place of the order
    elif change == "label":
        (data / "train/cat/000.png").rename(data / "train/dog/zzz.png")
    elif change == "split":
        (data / "test/dog/000.png").rename(data / "train/dog/zzz.png")
    elif change == "size":
        options["image_size"] = (12, 11)
    else:
        options["max_side"] = 9
    second = build(data, tmp_path, **options)
    assert second.directory != first.directory
    known_by_content = change in ("name", "size", "bound")
    assert (second.fingerprint == first.fingerprint) == known_by_content
    assert (second.content_hash() == first.content_hash()) == (change in ("size", "bound"))


@pytest.mark.parametrize("change", ["content", "name", "exchange", "more", "other class", "other split"])
def test_a_listing_of_a_class_is_of_its_training_images_and_their_names(data, tmp_path, change):
    before = build(data, tmp_path).content_hash("cat")
    cat = data / "train/cat"
    if change == "content":
        save(cat / "000.png", gray(99))
    elif change == "name":
        (cat / "000.png").rename(cat / "000a.png")
    elif change == "exchange":
        (cat / "000.png").rename(tmp_path / "one.png")
        (cat / "001.png").rename(cat / "000.png")
        (tmp_path / "one.png").rename(cat / "001.png")
    elif change == "more":
        save(cat / "zzz.png", gray(99))
    else:
        save(data / ("train/dog" if change == "other class" else "test/cat") / "zzz.png", gray(99))
    assert (build(data, tmp_path).content_hash("cat") == before) == change.startswith("other")


def test_a_listing_of_a_class_tells_an_image_that_is_called_another_class_now(tmp_path):
    def content_hash(label):
        rows = "".join(f"{n}.png,{'cat' if n else label}\n" for n in range(3)) + "3.png,dog\n4.png,dog\n"
        (tmp_path / "data/metadata.csv").write_text("file_name,label\n" + rows)
        return build(tmp_path / "data", tmp_path).content_hash("dog")

    for number in range(5):
        save(tmp_path / f"data/{number}.png", gray(number))
    assert content_hash("cat") != content_hash("dog")
