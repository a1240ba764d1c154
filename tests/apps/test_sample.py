"""`genimg sample`: pictures of stored generators, and what is refused before any work."""

import pytest
import torch
from PIL import Image

from genimg_lib import pretrained, weights
from genimg_lib.apps import sample
from genimg_lib.cli import main
from genimg_lib.data import portraits
from genimg_lib.errors import DataError

KINDS = "gan", "vae", "codes", "flow_"


def silent(_):
    """Says nothing."""


@pytest.mark.parametrize("name", sample.MODELS)
def test_every_stored_generator_draws_a_grid(name, tmp_path):
    out = tmp_path / "grid.png"
    assert sample.sample_file(name, out, n=5, say=silent) == [out]
    with Image.open(out) as picture:
        model = sample.MODELS[name]
        side = 84 if model.data == "fashion_mnist" else 3 * (model.size or 32)  # scale 3
        gap = round(0.06 * side)
        assert picture.size == (3 * side + 2 * gap, 2 * side + gap)  # 3 columns, 2 rows


def test_every_stored_generator_of_the_course_is_offered():
    stored = {name for name in weights.names() if any(k in name for k in KINDS)}
    stored -= {"inpainting_flow_portraits"}  # it fills holes, and draws nothing by itself
    assert stored <= set(sample.MODELS)
    assert len(sample.listing()) == len(sample.MODELS)


def test_a_name_without_a_suffix_is_a_folder_with_a_picture_each(tmp_path):
    paths = sample.sample_file("gan_portraits", tmp_path / "faces", n=3, say=silent)
    assert [path.name for path in paths] == ["0001.png", "0002.png", "0003.png"]
    with Image.open(paths[0]) as picture:
        assert picture.size == (32, 32)


@pytest.mark.parametrize("name", sample.MODELS)
def test_the_seed_decides(name, tmp_path):
    contents = []
    for k, seed in enumerate((3, 3, 4)):
        out = tmp_path / f"{k}.png"
        sample.sample_file(name, out, n=4, seed=seed, say=silent)
        contents.append(out.read_bytes())
    assert contents[0] == contents[1] != contents[2]


def test_what_is_asked_for_is_drawn(tmp_path, capsys):
    call = ["sample", "conditional_gan_portraits", "-n", "4", "-o", str(tmp_path / "x.png")]
    assert main([*call, "--given", "a bald head and square glasses", "--measure"]) == 0
    said = capsys.readouterr().out
    shares = {
        line.split()[0]: float(line.split(": ")[1].split("%")[0])
        for line in said.splitlines()
        if line.startswith("  ")
    }
    assert set(shares) == {"hair", "glasses"}
    assert min(shares.values()) > 90


def test_measure_says_distance_precision_recall_and_floors(tmp_path, capsys):
    assert main(["sample", "gan_portraits", "-o", str(tmp_path / "x.png"), "--measure"]) == 0
    said = capsys.readouterr().out
    for word in ("fd", "precision", "recall", "ms each"):
        assert word in said


@pytest.mark.parametrize(
    ("changed", "value"),
    [
        ({"name": "gan"}, "gan"),
        ({"n": 0}, "0"),
        ({"n": 1_000_000}, "1,000,000"),
        ({"scale": 0}, "0"),
        ({"name": "gan_portraits", "given": "smiling"}, "conditional_gan_portraits"),
        ({"given": "purple hair"}, "purple"),
        ({"given": "red hair and black hair"}, "black"),
        ({"given": ""}, "nothing"),
        ({"out": "x.jpg"}, "x.jpg"),
        ({"out": "nowhere/x.png"}, "nowhere"),
        ({"out": "taken.png"}, "taken.png"),
        ({"out": "full"}, "full"),
        ({"out": "full.png"}, "folder"),
    ],
)
def test_bad_calls_are_refused_before_any_work(changed, value, tmp_path, monkeypatch):
    def loaded(*_):
        raise AssertionError("the network was loaded")

    monkeypatch.setattr(pretrained, "load_generator", loaded)
    (tmp_path / "taken.png").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "one").touch()
    (tmp_path / "full.png").mkdir()
    before = sorted(tmp_path.rglob("*"))
    call = {"name": "conditional_gan_portraits", "out": "x.png"} | changed
    with pytest.raises(ValueError, match=value):
        sample.sample_file(call.pop("name"), tmp_path / call.pop("out"), say=silent, **call)
    assert sorted(tmp_path.rglob("*")) == before


def test_what_is_there_is_written_over_only_if_told(tmp_path):
    out = tmp_path / "taken.png"
    out.touch()
    sample.sample_file("gan_portraits", out, n=1, overwrite=True, say=silent)
    assert out.stat().st_size > 0


def test_weights_of_another_version_are_said_and_not_loaded(tmp_path, monkeypatch):
    other = {"nothing.weight": torch.zeros(1)}
    monkeypatch.setattr(weights, "read", lambda name: other)
    with pytest.raises(DataError, match="genimg make gan_portraits"):
        sample.sample_file("gan_portraits", tmp_path / "x.png", say=silent)
    assert not (tmp_path / "x.png").exists()


def test_the_command_lists_and_explains(capsys):
    assert main(["sample", "--list"]) == 0
    assert "conditional_gan_portraits" in capsys.readouterr().out
    assert main(["sample", "gan_portraits"]) == 1
    assert "-o" in capsys.readouterr().err


# ------------------------------------------------------------------ descriptions


def test_every_caption_is_understood_as_what_it_was_made_from():
    factors = portraits.sample(500, seed=9)
    for k, caption in enumerate(portraits.caption(factors, seed=2)):
        found = portraits.factors_of(caption)
        assert found
        assert all(factors[name][k] == value for name, value in found.items()), caption


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("red hair, round glasses", {"hair_color": "red", "glasses": "round"}),
        ("LONG black hair", {"hair": "long", "hair_color": "black"}),
        ("a sun hat, no glasses", {"hat": "sun hat", "glasses": "none"}),
        ("a blue cap", {"hat": "cap", "outfit": "blue"}),
        ("smile", {"mouth": "smile"}),
        ("dark brown skin and brown eyes", {"skin": "dark brown", "eyes": "brown"}),
    ],
)
def test_a_few_words_are_enough(text, expected):
    found = {name: portraits.FACTORS[name][k] for name, k in portraits.factors_of(text).items()}
    assert found == expected
