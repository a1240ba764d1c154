"""Several processes: what they share, and averaging, right for every way to write a step.

Against DistributedDataParallel to the bit, on all that it can do; on what it cannot, against one
process that sees the batches of both.
"""

import json
import subprocess
import sys

import pytest
import torch
from programs.launch import launch
from programs.patterns import DDP_CAN
from safetensors.torch import load_file

from genimg_lib.errors import TrainingError
from genimg_lib.training import start

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

ONE = ("linear", "patterns")  # of tests/programs, in one launch each
TWO = ("two_processes", "linear", "minutes", "patterns")


@pytest.fixture(scope="module")
def launched(tmp_path_factory):
    """{processes: (the folder of their output, the launch that ended)}, for one and for two."""
    ends = {}
    for world, names in ((1, ONE), (2, TWO)):
        folder = tmp_path_factory.mktemp(f"processes_{world}")
        done = launch("several", folder, *names, processes=world)
        assert done.returncode == 0, done.stderr
        ends[world] = folder, done
    return ends


def written(folder, name):
    """What each of two processes wrote in a program of that name, and where."""
    (own,) = (folder / name).iterdir()
    ranks = sorted(path.name for path in own.glob("rank_*.pt"))
    assert ranks == ["rank_0.pt", "rank_1.pt"], "the processes did not find each other"
    return own, [torch.load(own / rank) for rank in ranks]


# ------------------------------------------------------------------ averaging


@pytest.fixture(scope="module")
def found(launched):
    """{processes: [what each process ended with]}, for one process and for two."""
    return {
        world: [
            torch.load(folder / f"patterns_{world}_{rank}.pt", weights_only=True)
            for rank in range(world)
        ]
        for world, (folder, _) in launched.items()
    }


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


# ------------------------------------------------------------------ one training, two processes


@pytest.fixture(scope="module")
def pair(launched):
    """The folder of a training in two processes, what they printed, what each of them wrote."""
    folder, done = launched[2]
    printed = done.stdout.partition("program: two_processes")[2].partition("program: ")[0]
    own, states = written(folder, "two_processes")
    return printed, own, states


def test_two_processes_see_different_images_and_noise(pair):
    *_, (one, other) = pair
    for epoch in range(2):  # twelve steps of four images in each of two processes: two epochs of 48
        assert sorted(
            one["seen"][24 * epoch : 24 * epoch + 24] + other["seen"][24 * epoch : 24 * epoch + 24]
        ) == list(range(48))
    assert not set(one["noise"]) & set(other["noise"])


@pytest.mark.parametrize("name", ["net", "ema"])
def test_two_processes_end_with_the_same_weights_averages_and_buffers(pair, name):
    _, folder, (one, other) = pair
    torch.testing.assert_close(one[name], other[name], rtol=0, atol=0)
    saved = load_file(folder / "train.safetensors")
    torch.testing.assert_close(
        {k: saved[f"{'ema_' * (name == 'ema')}net.{k}"] for k in one[name]},
        one[name],
        rtol=0,
        atol=0,
    )


def test_two_processes_log_their_mean(pair):
    *_, states = pair
    for state in states:
        assert state["ranks"] == [0.5] * 12


def test_two_processes_write_one_report_and_one_set_of_figures(pair):
    printed, folder, _ = pair
    assert json.loads((folder / "results.json").read_text())["processes"] == 2
    assert len(list((folder / "figures").iterdir())) == 1
    assert printed.count("profile ") == 1
    assert printed.count("figure: ") == 1
    assert sorted(p.name for p in folder.iterdir()) == [
        "checkpoints",
        "figures",
        "rank_0.pt",
        "rank_1.pt",
        "results.json",
        "train.safetensors",
    ]


def test_two_processes_take_the_steps_of_one_with_batches_twice_as_large(launched):
    results, weights = [], []
    for out, _ in launched.values():
        (folder,) = (out / "linear").iterdir()
        results.append(json.loads((folder / "results.json").read_text()))
        weights.append(load_file(folder / "train.safetensors"))
    assert [r["processes"] for r in results] == [1, 2]
    torch.testing.assert_close(*weights, rtol=1e-6, atol=1e-6)
    losses = [r["metrics"]["losses"] for r in results]
    torch.testing.assert_close(*losses, rtol=1e-4, atol=1e-6)


def test_two_processes_by_the_clock_stop_at_the_same_step(launched):
    _, (one, other) = written(launched[2][0], "minutes")
    assert one == other


def test_two_processes_killed_and_started_again_end_bit_identical(pair, tmp_path):
    _, _, whole = pair
    killed = launch("two_processes", tmp_path, processes=2, KILL_AT=8)
    assert killed.returncode != 0
    ended = launch("two_processes", tmp_path, processes=2)
    assert ended.returncode == 0, ended.stderr
    assert "goes on from step" in ended.stdout
    _, again = written(tmp_path, "two_processes")
    for one, other in zip(whole, again, strict=True):
        for name in ("net", "ema"):
            torch.testing.assert_close(one[name], other[name], rtol=0, atol=0)
        assert one["seen"][-len(other["seen"]) :] == other["seen"]


# ------------------------------------------------------------------ wrong launches


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


@pytest.mark.parametrize("size", ["WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE"])
def test_what_a_launcher_left_is_named(size, monkeypatch):
    for rank in ("RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK"):
        monkeypatch.delenv(rank, raising=False)
    monkeypatch.setenv(size, "2")
    with pytest.raises(TrainingError, match=f"{size} is 2, but no launcher.*unset {size}"):
        start("left_over")
