"""Kills a training at random moments, again and again, and compares what it ends with.

    python tests/programs/kills.py two_processes --processes 2 --kills 100 --seed 1

A training is killed at most five times (SIGKILL: all its processes, or one of them first), then
runs to its end. Its weights must be those of a training that nothing stopped, to the bit; the
program exits with 1 where they are not. Processes are forks of this one, which has imported torch
already, and are told by their environment who they are, as torchrun does.
"""

import argparse
import hashlib
import multiprocessing
import os
import random
import runpy
import sys
import tempfile
import time
from pathlib import Path

import torch
from launch import free_port

import genimg_lib.training  # noqa: F401 (imported once, for all forks)

AT_MOST = 5  # kills of one training
ONE_FIRST = 0.3  # share of the kills that hit one process of several, the others a second later


class Training:
    """A program of this folder while it runs.

    out: GENIMG_OUT; what it says is appended to the file `said` in it.
    """

    def __init__(self, program, out, processes, steps):
        out.mkdir(parents=True, exist_ok=True)
        self.said = out / "said"
        self.said.write_text("")
        common = {"GENIMG_OUT": out, "STEPS": steps, "OMP_NUM_THREADS": 1, "MPLBACKEND": "agg"}
        if processes > 1:
            common |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
            common |= {"WORLD_SIZE": processes, "LOCAL_WORLD_SIZE": processes}
        fork = multiprocessing.get_context("fork").Process
        self.processes = []
        for rank in range(processes):
            who = {"RANK": rank, "LOCAL_RANK": rank} if processes > 1 else {}
            process = fork(target=_become, args=(program, self.said, common | who))
            process.start()
            self.processes.append(process)

    def ends(self, seconds=None):
        """True if all processes end by themselves within so many seconds."""
        until = None if seconds is None else time.monotonic() + seconds
        for process in self.processes:
            process.join(until and max(until - time.monotonic(), 0))
        return not any(process.is_alive() for process in self.processes)

    def kill(self, draw):
        """SIGKILL to all processes, or to one of them a second before the others."""
        if len(self.processes) > 1 and draw.random() < ONE_FIRST:
            draw.choice(self.processes).kill()
            time.sleep(1)
        for process in self.processes:
            process.kill()
            process.join()


def _become(program, said, variables):
    os.environ.update({name: str(value) for name, value in variables.items()})
    for stream in (sys.stdout, sys.stderr):
        os.dup2(os.open(said, os.O_WRONLY | os.O_APPEND), stream.fileno())
    torch.set_num_threads(1)
    sys.argv = [f"{program}.py"]
    runpy.run_path(str(Path(__file__).with_name(f"{program}.py")), run_name="__main__")


def killed_until_it_ends(start, seconds, at_most, draw):
    """Starts a training anew until one start is let run to its end; gives (kills, its output).

    start: gives a running `Training`. seconds: what a whole one takes.
    """
    kills = 0
    while True:
        training = start()
        if training.ends(draw.uniform(0, seconds) if kills < at_most else None):
            break
        training.kill(draw)
        kills += 1
    output = training.said.read_text()
    if any(process.exitcode for process in training.processes):
        sys.exit(f"after {kills} kills a training ended with an error:\n{output}")
    return kills, output


def weights(out, program):
    """A digest of each network that a run has left: {(file, its name there): digest}."""
    (folder,) = (out / program).iterdir()
    found = {}
    for path in folder.glob("*.safetensors"):
        found[path.name, ""] = hashlib.sha256(path.read_bytes()).hexdigest()
    for path in folder.glob("rank_*.pt"):  # what each of several processes wrote
        kept = torch.load(path, weights_only=True)
        for name in ("net", "ema"):
            held = b"".join(value.numpy().tobytes() for value in kept[name].values())
            found[path.name, name] = hashlib.sha256(held).hexdigest()
    return found


def main(program, processes, wanted, seed, steps):
    """Kill trainings `wanted` times; True if one of them ended with other weights."""
    draw, began = random.Random(seed), time.monotonic()
    kills = trainings = resumed = wrong = 0
    with tempfile.TemporaryDirectory(prefix="genimg-kills-") as folder:
        whole = Path(folder) / "whole"
        killed_until_it_ends(lambda: Training(program, whole, processes, steps), 0, 0, draw)
        seconds = time.monotonic() - began
        expected = weights(whole, program)
        print(f"a whole training: {seconds:.1f} s, {len(expected)} networks", flush=True)
        while kills < wanted:
            out = Path(folder) / str(trainings)
            more, output = killed_until_it_ends(
                lambda out=out: Training(program, out, processes, steps),
                seconds,
                min(AT_MOST, wanted - kills),
                draw,
            )
            kills += more
            trainings += 1
            resumed += "goes on from step" in output
            wrong += weights(out, program) != expected
            print(
                f"{program}, processes {processes}, seed {seed}: {kills} kills in {trainings} "
                f"trainings, of which {resumed} went on from a checkpoint; {wrong} ended with "
                f"other weights; {time.monotonic() - began:.0f} s",
                flush=True,
            )
    return wrong > 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", choices=["train_vae", "train_gan", "two_processes"])
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=200, help="of the training")
    asked = parser.parse_args()
    sys.exit(main(asked.program, asked.processes, asked.kills, asked.seed, asked.steps))
