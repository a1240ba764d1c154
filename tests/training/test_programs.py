"""Notebooks as plain programs: on two processes, and on real data by changing one word."""

import json
import os
import subprocess
import sys
from pathlib import Path

import torch
from programs.launch import free_port

ROOT = Path(__file__).resolve().parents[2]


def run_program(command, folder, **variables):
    environment = (
        os.environ
        | {
            "GENIMG_OUT": str(folder),
            "GENIMG_PROFILE": "quick",
            "OMP_NUM_THREADS": "1",
            "CUDA_VISIBLE_DEVICES": "",
        }
        | variables
    )
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done


def test_notebook_31_trains_on_two_processes(tmp_path):
    program = ROOT / "tests" / "programs" / "notebook_31.py"
    launcher = [
        "-m",
        "torch.distributed.run",
        "--nproc_per_node=2",
        f"--master_port={free_port()}",
    ]
    done = run_program([*launcher, program], tmp_path)
    folder = tmp_path / "31_vae" / "quick"
    one, other = (torch.load(folder / f"rank_{rank}.pt", weights_only=True) for rank in range(2))
    for name, weights in one["weights"].items():
        for key, value in weights.items():
            assert torch.equal(value, other["weights"][name][key]), (
                f"{name}.{key} differs between the processes"
            )
    assert not torch.equal(one["batch"], other["batch"])
    assert json.loads((folder / "results.json").read_text())["processes"] == 2
    pictures = [line for line in done.stdout.splitlines() if line.startswith("figure: ")]
    assert len(pictures) == len(set(pictures)) == len(list((folder / "figures").glob("*.png"))) > 10


def test_notebook_31_runs_on_fashion_mnist_by_changing_one_word(real_data, tmp_path):
    source = (ROOT / "notebooks" / "31_vae.py").read_text(encoding="utf-8")
    assert source.count('DATA = "portraits"') == 1
    program = tmp_path / "31_vae.py"
    program.write_text(
        source.replace('DATA = "portraits"', 'DATA = "fashion_mnist"'), encoding="utf-8"
    )
    run_program([program], tmp_path / "out", GENIMG_DATA=str(real_data))
    metrics = json.loads((tmp_path / "out" / "31_vae" / "quick" / "results.json").read_text())[
        "metrics"
    ]
    assert metrics["fd"] > metrics["fd_floor"] and metrics["mnist_test_images"] == 50
