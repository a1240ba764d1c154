"""Kills a training at random moments, again and again, and compares what it ends with.

    python tests/programs/kills.py two_processes --processes 2 --kills 100 --seed 1

A training is killed at most five times (SIGKILL: the whole of it, or one of its processes), then
runs to its end. Its weights must be those of a training that nothing stopped, to the bit; the
program exits with 1 where they are not.
"""

import argparse
import hashlib
import random
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import psutil
import torch
from launch import launched

AT_MOST = 5  # kills of one training
ONE_OF_ALL = 0.3  # share of the kills that hit one process of several
PATIENCE = 40  # seconds that torchrun has to end when one of its workers is gone


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


def kill(process, draw):
    """SIGKILL to a training, or to one of torchrun's processes first; ends when all are gone."""
    started = psutil.Process(process.pid)
    workers = started.children(recursive=True)
    if workers and draw.random() < ONE_OF_ALL:
        draw.choice(workers).kill()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            pass
    for each in (started, *workers):
        try:
            each.kill()
        except psutil.NoSuchProcess:
            pass
    process.wait()


def killed_until_it_ends(start, seconds, at_most, draw):
    """Starts a training anew until one start is let run to its end; gives (kills, its output).

    start: gives a running training. seconds: what a whole one takes.
    """
    kills = 0
    while True:
        with start() as (process, out, err):
            try:
                moment = draw.uniform(0.3, 1) * seconds if kills < at_most else None
                process.wait(moment)
            except subprocess.TimeoutExpired:
                kill(process, draw)
                kills += 1
                continue
            out.seek(0), err.seek(0)
            if process.returncode:
                sys.exit(f"after {kills} kills a training ended with an error:\n{err.read()}")
            return kills, out.read()


def main(program, processes, wanted, seed, steps):
    draw = random.Random(seed)
    began = time.monotonic()
    kills = trainings = resumed = wrong = 0
    with tempfile.TemporaryDirectory(prefix="genimg-kills-") as folder:
        whole = Path(folder) / "whole"
        start = partial(launched, program, processes=processes, STEPS=steps)
        killed_until_it_ends(partial(start, whole), 1, 0, draw)
        seconds = time.monotonic() - began
        expected = weights(whole, program)
        print(f"a whole training: {seconds:.1f} s, {len(expected)} networks", flush=True)
        while kills < wanted:
            out = Path(folder) / str(trainings)
            more, output = killed_until_it_ends(
                partial(start, out), seconds, min(AT_MOST, wanted - kills), draw
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
    parser.add_argument("--steps", type=int, default=300, help="of the training")
    asked = parser.parse_args()
    sys.exit(main(asked.program, asked.processes, asked.kills, asked.seed, asked.steps))
