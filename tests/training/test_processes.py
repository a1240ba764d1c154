"""Several processes: averaging before a step is right for every way of writing one.

Against DistributedDataParallel to the bit, on all that it can do; on what it cannot, against one
process that sees the batches of both.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from programs.launch import free_port

from genimg_lib.errors import TrainingError
from genimg_lib.training import start

PROGRAM = Path(__file__).resolve().parents[1] / "programs" / "patterns.py"

# where DistributedDataParallel, with its defaults, is right; with two passes before two backwards
# it is silently wrong, and a penalty's own backward stops it (torch 2.13)
DDP_CAN = ("vae", "dcgan", "summed", "r1_in_the_sum", "conditional")
# batch norm sees one process's share only, so that one process alone differs by design
LIKE_ONE = (
    "vae",
    "summed",
    "two_passes_two_backwards",
    "r1_in_the_sum",
    "r1_by_its_own_backward",
    "lazy_r1",
)
ALL = ("dcgan", "conditional", *LIKE_ONE)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """{processes: [what each process ended with]}, for one process and for two."""
    folder = tmp_path_factory.mktemp("patterns")
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    ends = {}
    for world in (1, 2):
        out = folder / str(world)
        out.mkdir()
        launcher = [f"--nproc_per_node={world}", f"--master_port={free_port()}"]
        command = [sys.executable, "-m", "torch.distributed.run", *launcher, PROGRAM, *DDP_CAN]
        subprocess.run(command, env=environment | {"GENIMG_OUT": str(out)}, check=True, timeout=300)
        ends[world] = [
            torch.load(out / f"patterns_{world}_{rank}.pt", weights_only=True)
            for rank in range(world)
        ]
    return ends


def apart(a, b):
    """The largest difference of two sets of weights, buffers of batch norm left out."""
    keys = [key for key in a if "running" not in key and "num_batches" not in key]
    return max((a[key] - b[key]).abs().max().item() for key in keys)


@pytest.mark.parametrize("pattern", ALL)
def test_the_processes_keep_the_same_weights_and_without_averaging_they_would_not(found, pattern):
    one, other = found[2]
    assert apart(one[f"{pattern} hook"], other[f"{pattern} hook"]) == 0
    assert apart(one[f"{pattern} nothing"], other[f"{pattern} nothing"]) > 1e-3


@pytest.mark.parametrize("pattern", DDP_CAN)
def test_averaging_is_that_of_distributed_data_parallel_to_the_bit(found, pattern):
    for end in found[2]:
        assert apart(end[f"{pattern} hook"], end[f"{pattern} ddp"]) == 0


@pytest.mark.parametrize("pattern", LIKE_ONE)
def test_two_processes_end_where_one_with_both_batches_ends(found, pattern):
    ((alone,), (shared, _)) = found[1], found[2]
    assert apart(shared[f"{pattern} hook"], alone[f"{pattern} hook"]) < 2e-4
    assert apart(shared[f"{pattern} nothing"], alone[f"{pattern} hook"]) > 1e-3


@pytest.mark.parametrize("pattern", ALL)
@pytest.mark.parametrize("processes", [1, 2])
def test_an_interrupted_training_ends_as_an_uninterrupted_one(found, pattern, processes):
    for end in found[processes]:
        hook, resumed = end[f"{pattern} hook"], end[f"{pattern} resumed"]
        assert all(torch.equal(hook[key], resumed[key]) for key in hook)


def test_a_launcher_that_starts_one_of_several_is_refused_with_what_to_do(monkeypatch):
    for name in ("WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ACCELERATE_USE_CPU", "True")
    start("a")  # one process was asked for
    monkeypatch.setenv("MASTER_PORT", "29500")
    with pytest.raises(TrainingError, match="torchrun"):
        start("a")


def test_processes_started_after_the_run_are_refused(monkeypatch):
    run = start("a")
    net = torch.nn.Linear(2, 2)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(TrainingError, match=r"start\(\)"):
        run.train(run.batches(torch.zeros(8, 2), 2), 1, net=net)


def test_accelerates_launcher_on_a_cpu_ends_with_the_sentence(tmp_path):
    program = tmp_path / "a.py"
    program.write_text(
        "from genimg_lib.training import start\nstart('a')\nprint('trained alone')\n"
    )
    command = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes=2"]
    done = subprocess.run([*command, program], capture_output=True, text=True, timeout=120)
    assert done.returncode != 0 and "torchrun --nproc_per_node=2" in done.stderr
    assert "trained alone" not in done.stdout
