"""Files with a few wrong bytes, or cut: only errors that name the file, and soon.

GENIMG_DAMAGED=N tries N damages of each kind of file in place of a few.
"""

import contextlib
import gzip
import json
import os
import random
import sys
import time

import jupytext
import nbformat
import psutil
import pytest
import torch
from PIL import Image, features
from safetensors.torch import save

from genimg_lib import files, weights
from genimg_lib.apps import films, pictures
from genimg_lib.course import runner
from genimg_lib.data import folder, idx, photos
from genimg_lib.errors import DataError
from genimg_lib.training import saving

resource = pytest.importorskip("resource")  # which Windows has not
TRIES = int(os.environ.get("GENIMG_DAMAGED", "300"))
SECONDS, MIB = 10, 1_024  # at the most, for a file below a MiB
KINDS = ["png", "jpg", "gif", "bmp", "tif", "webp"] + ["avif"] * features.check("avif")


def noise(seed, *shape):
    return torch.randint(
        0, 256, shape, generator=torch.Generator().manual_seed(seed), dtype=torch.uint8
    )


def damaged(content, dice):
    """The bytes with some changed, some left out, or cut short."""
    content = bytearray(content)
    for _ in range(dice.randint(1, 8)):
        if not content:
            break
        place = dice.randrange(len(content))
        way = dice.choice(("flip", "flip", "random", "remove", "ones", "cut"))
        if way == "flip":
            content[place] ^= 1 << dice.randrange(8)
        elif way == "random":
            content[place] = dice.randrange(256)
        elif way == "ones":
            content[place : place + 4] = b"\xff" * len(content[place : place + 4])
        elif way == "remove":
            del content[place : place + dice.randint(1, 9)]
        else:
            del content[max(1, place) :]
    return bytes(content)


def try_all(content, path, *readers):
    """Each reader on damaged copies: what it raises is a DataError that names the file."""
    dice = random.Random(path.name)
    for _ in range(TRIES):
        path.write_bytes(damaged(content, dice))
        for read in readers:
            began = time.monotonic()
            with little_memory():
                try:
                    read(path)
                except DataError as error:
                    assert path.name in str(error), error
                    assert "allocate memory" not in str(error), error
            assert time.monotonic() - began < SECONDS


@contextlib.contextmanager
def little_memory():
    """So many MIB and no more for what is done inside: what wants more gets a MemoryError."""
    limit, held = resource.RLIMIT_AS, psutil.Process().memory_info().vms
    before = resource.getrlimit(limit)
    resource.setrlimit(limit, (held + MIB * 2**20, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(limit, before)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the limit does not hold")
def test_more_memory_is_refused():
    with little_memory(), pytest.raises(RuntimeError, match="memory"):
        torch.empty(2 * MIB * 2**20, dtype=torch.uint8)


def a_picture(path, pages=1):
    images = [Image.fromarray(noise(k, 40, 50, 3).numpy()) for k in range(pages)]
    more = {"save_all": True, "append_images": images[1:], "duration": 90} if pages > 1 else {}
    images[0].save(path, **more)
    return path.read_bytes()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
def test_pictures(kind, tmp_path):
    path = tmp_path / f"damaged.{kind}"
    try_all(a_picture(path), path, photos.open_image, pictures.read, films.read)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["gif", "png", "webp"])
def test_films(kind, tmp_path):
    path = tmp_path / f"damaged.{kind}"
    try_all(a_picture(path, pages=3), path, films.read)


@pytest.mark.filterwarnings("ignore")
def test_a_folder_with_a_damaged_picture(tmp_path):
    path = tmp_path / "class" / "damaged.png"
    path.parent.mkdir()
    try_all(a_picture(path), path, lambda _: folder.load(tmp_path, "train", 16))


@pytest.mark.parametrize("packed", [False, True])
def test_idx_files(packed, tmp_path):
    header = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in (20, 28, 28))
    content = header + noise(0, 20, 28, 28).numpy().tobytes()
    path = tmp_path / ("damaged-idx3-ubyte" + ".gz" * packed)
    try_all(gzip.compress(content, mtime=0) if packed else content, path, idx.read_idx)


@pytest.mark.parametrize("ending", ["safetensors", "pth"])
def test_weights(ending, tmp_path):
    path = tmp_path / f"damaged.{ending}"
    tensors = {"a.weight": torch.ones(8, 8), "a.bias": torch.zeros(8)}
    if ending == "pth":
        torch.save(tensors, path)
    else:
        path.write_bytes(save(tensors))
    assert weights.open_file(path)["a.weight"].equal(tensors["a.weight"])
    try_all(path.read_bytes(), path, weights.open_file)


@pytest.mark.parametrize("zipped", [True, False])
def test_pytorch_files_of_both_formats_are_read(zipped, tmp_path):
    path = tmp_path / "weights.pth"
    torch.save({"a": torch.arange(6.0)}, path, _use_new_zipfile_serialization=zipped)
    found = weights.open_file(path)["a"]
    path.unlink()  # nothing hangs on the file
    assert found.tolist() == [0, 1, 2, 3, 4, 5]


def test_results_files(tmp_path):
    content = json.dumps({"metrics": {"fd": 1.0}, "settings": {"steps": [1, 2, 3]}}, indent=2)
    try_all(content.encode(), tmp_path / "damaged.json", files.read_json)


def test_notebooks(notebooks):
    program, path = notebooks / "11_a.py", notebooks / "11_a.ipynb"
    program.write_text("# %%\nx = 1\nprint(x)\n\n# %% [markdown]\n# Nothing.\n")
    os.utime(program, (1, 1))  # so that what is damaged counts as newer
    notebook = jupytext.read(program)
    content = nbformat.writes(notebook).encode()
    try_all(content, path, lambda _: runner.edited_elsewhere("11_a", notebook))
    path.unlink()
    try_all(program.read_bytes(), program, lambda path: runner.opened(path, jupytext.read))


def test_checkpoints_are_passed_over(tmp_path, capsys):
    saving.save(tmp_path, 1, {"w": torch.ones(4)}, {"step": 1})
    good = {path.name: path.read_bytes() for path in (tmp_path / "step_000000001").iterdir()}
    dice = random.Random(0)
    for _ in range(TRIES):
        name = dice.choice(sorted(good))
        path = tmp_path / "step_000000001" / name
        path.write_bytes(wrong := damaged(good[name], dice))
        found = list(saving.sound(tmp_path))
        assert not found or name == "sums.json" or wrong == good[name]
        path.write_bytes(good[name])
