"""A notebook as a plain program: on two processes, and on other data by changing one word."""

import json

import torch
from programs.launch import launch


def test_notebook_31_trains_on_two_processes_and_other_data_by_changing_one_word(
    real_data_folder, tmp_path
):
    """On the data that it comes with, where there is no other."""
    others = {"GENIMG_DATA": real_data_folder} if real_data_folder else {}
    name = "fashion_mnist" if others else "portraits"
    done = launch("notebook_31", tmp_path, name, processes=2, GENIMG_PROFILE="quick", **others)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    folder = tmp_path / "31_vae" / "quick"
    one, other = (torch.load(folder / f"rank_{rank}.pt", weights_only=True) for rank in range(2))
    for name, weights in one["weights"].items():
        for key, value in weights.items():
            assert torch.equal(value, other["weights"][name][key]), (
                f"{name}.{key} differs between the processes"
            )
    assert not torch.equal(one["batch"], other["batch"])
    result = json.loads((folder / "results.json").read_text())
    assert result["processes"] == 2
    metrics = result["metrics"]
    assert metrics["fd"] > metrics["fd_floor"]
    assert metrics.get("mnist_test_images") == (50 if others else None)
    pictures = [line for line in done.stdout.splitlines() if line.startswith("figure: ")]
    assert len(pictures) == len(set(pictures)) == len(list((folder / "figures").glob("*.png"))) > 10
