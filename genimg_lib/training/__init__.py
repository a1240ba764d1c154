"""`start()` gives a `Run`, which keeps the books of a training; the step is the reader's.

    run = start("22_dcgan", steps=(60, 1_500, 60_000), batch=(32, 64, 512))  # quick, cpu, gpu
    batches = run.batches(data.load("portraits"), run.batch)
    for x in run.train(batches, run.steps, ema="G", G=G, D=D, opt_G=opt_G, opt_D=opt_D):
        ...  # losses, backward, optimiser steps
        run.log(loss_D=loss_D, loss_G=loss_G)
    run.report(fd=evaluator.fd(images))
    run.expect(fd=("<", 60))

Several processes (`torchrun --nproc_per_node=2 notebooks/22_dcgan.py`) need no other code: every
process gets other images, starts from the first one's weights, and gradients are averaged just
before an optimiser's step.
"""

from genimg_lib.errors import TrainingError
from genimg_lib.training.machine import describe, has_bf16, peak_memory
from genimg_lib.training.muon import Muon, others
from genimg_lib.training.processes import check_launcher
from genimg_lib.training.run import PROFILES, Run, chosen_profile, start, writable

__all__ = [
    "PROFILES",
    "Muon",
    "Run",
    "TrainingError",
    "check_launcher",
    "chosen_profile",
    "describe",
    "has_bf16",
    "others",
    "peak_memory",
    "start",
    "writable",
]
