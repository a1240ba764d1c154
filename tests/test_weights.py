"""Trained weights: stored in one way, read back, and nothing broken is used."""

import pytest
import torch
from torch import nn

from genimg_lib import files, weights
from genimg_lib.errors import DataError, unknown


def test_what_is_stored_comes_back_as_it_was_judged(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "shipped", lambda: tmp_path)
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    net(torch.randn(5, 3))
    stored = weights.halved(net)
    judged = {key: value.clone() for key, value in weights.as_stored(net).state_dict().items()}
    weights.store("mine", stored, {"seed": 3})
    again = weights.read("mine")
    assert again.keys() == judged.keys()
    assert all(torch.equal(again[key], judged[key]) for key in again)
    assert again["1.num_batches_tracked"].dtype == torch.int64
    assert weights.facts("mine") == {"seed": 3} and weights.names() == ["mine"]


def test_weights_that_half_precision_cannot_hold_are_not_written(tmp_path):
    net = nn.Linear(1, 1)
    nn.init.constant_(net.weight, 1e6)
    with pytest.raises(ValueError, match="weight"):
        weights.halved(net)


def test_missing_weights_are_named_with_the_command_that_makes_them(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "shipped", lambda: tmp_path)
    with pytest.raises(DataError, match="genimg make embedded"):
        weights.read("embedded")


def test_every_file_that_ships_has_its_facts_and_a_recipe():
    from genimg_lib import recipes

    assert set(weights.names()) == set(recipes.RECIPES)
    for name in weights.names():
        assert {"minutes", "device", "seed"} <= set(weights.facts(name))


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "folder" / "a.json"
    files.write_json(path, {"a": 1})
    assert files.read_json(path) == {"a": 1}

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError):
        files.write_json(path, {"a": 2})
    assert files.read_json(path) == {"a": 1} and list(path.parent.iterdir()) == [path]


def test_an_unknown_name_is_said_with_the_known_ones():
    error = unknown("colour", "bleu", ("blue", "red"))
    assert isinstance(error, ValueError)
    for part in ("colour", "'bleu'", "blue, red"):
        assert part in str(error)
