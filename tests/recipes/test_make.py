"""`genimg make`: one way to train and store what ships; wrong calls end before any training."""

import importlib
import inspect

import pytest
import torch

from genimg_lib import files, recipes, weights
from genimg_lib.cli import main


@pytest.mark.parametrize("name", recipes.RECIPES)
def test_every_recipe_names_a_function_that_takes_its_options(name):
    recipe = recipes.RECIPES[name]
    module = importlib.import_module(f"genimg_lib.recipes.{recipe.module}")
    signature = inspect.signature(getattr(module, recipe.function))
    signature.bind("run", recipe.minutes, **recipe.options)


def test_without_a_name_all_are_listed(capsys):
    assert main(["make"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in recipes.RECIPES)


@pytest.mark.parametrize(
    "call",
    [
        ["no_such_weights"],
        ["features", "--minutes", "0"],
        ["gan_portraits", "--change", "width"],
        ["gan_portraits", "--change", "depth=3"],
    ],
)
def test_a_wrong_call_ends_with_a_sentence_and_writes_nothing(call, tmp_path, capsys):
    assert main(["make", *call, "--out", str(tmp_path / "made")]) == 1
    assert "genimg: " in capsys.readouterr().err
    assert not (tmp_path / "made").exists()


def test_a_few_seconds_give_weights_and_facts_that_fit(tmp_path, capsys):
    call = ["make", "features", "--minutes", "0.03", "--out", str(tmp_path / "made")]
    assert main([*call, "--change", "drawn=90"]) == 0
    stored = weights.open_file(tmp_path / "made" / "features.safetensors")
    assert stored.keys() == weights.read("features").keys()
    assert all(value.dtype == torch.float16 for value in stored.values())
    facts = files.read_json(tmp_path / "made" / "features.json")
    assert facts["steps"] > 0 and 0 <= facts["accuracy"] <= 1
    assert {"data", "minutes", "device", "seed", "parameters"} <= set(facts)
