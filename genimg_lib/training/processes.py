"""Several processes: who they are, gradients averaged, weights and buffers kept equal.

Gradients are averaged in a hook just before an optimiser's step, not while a backward pass runs:
so every way of writing a GAN's step is right, with two passes of one network before their
backwards, or a penalty with a backward of its own.
"""

import os

import torch
from torch import distributed

from genimg_lib.errors import TrainingError

# what launchers that start every process set
_STARTED = ("WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE")
_RANKS = ("RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK")  # of each beside
_NOISE_STEP = 7919  # between the seeds of two processes' noise


def join():
    """Join the processes that a launcher started: accelerate's PartialState.

    Raises TrainingError where `accelerate launch` was asked for several processes on a CPU,
    which it leaves to MPI and, without it, runs as one, without a word; and as `check_launcher`.
    """
    from accelerate import PartialState

    check_launcher()
    asked_on_cpu = os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes")
    several = "MASTER_PORT" in os.environ
    if asked_on_cpu and several and not any(name in os.environ for name in _STARTED):
        raise TrainingError(
            "accelerate launch was asked for several processes on a CPU and started one; "
            "torch's own launcher starts them: torchrun --nproc_per_node=2 notebooks/31_vae.py"
        )
    return PartialState(cpu=not torch.cuda.is_available())  # without cpu=True nobody is averaged


def check_launcher():
    """Raise TrainingError where the environment has what is left of a launcher.

    Its other processes would be waited for.
    """
    for size, rank in zip(_STARTED, _RANKS, strict=True):
        count = os.environ.get(size, "")
        if count.isdigit() and int(count) > 1 and rank not in os.environ:
            raise TrainingError(
                f"{size} is {os.environ[size]}, but no launcher started this process ({rank} is not"
                f" set): unset {size}"
            )


def check(run):
    """Raise TrainingError where this process is one of several, and the run does not know."""
    started = int(os.environ.get("WORLD_SIZE") or 1)
    if started != run.processes:
        raise TrainingError(
            f"this process is one of {started}, but its run was started when there were "
            f"{run.processes}: each would train alone. Call start() in the function that "
            "notebook_launcher is given, and not before"
        )


def mean(values, run):
    """The mean over the processes of a tensor of numbers."""
    if run.processes == 1:
        return values
    values = values.clone()
    distributed.all_reduce(values)
    return values / run.processes


def first_clock(seconds, run):
    """The first process's seconds: if each went by its own, one would wait for ever."""
    if run.processes == 1:
        return seconds
    value = torch.tensor(seconds, dtype=torch.float64, device=run.device)
    distributed.broadcast(value, 0)
    return value.item()


def gather(value, run):
    """[value of each process], for anything that can be pickled."""
    if run.processes == 1:
        return [value]
    values = [None] * run.processes
    distributed.all_gather_object(values, value)
    return values


def begin_equal(modules, run):
    """Give every process the first one's weights and buffers, and noise of its own."""
    for module in modules:
        for tensor in module.state_dict().values():
            distributed.broadcast(tensor, 0)
    rank = run.state.process_index
    if rank > 0:
        torch.manual_seed(run.seed + _NOISE_STEP * rank)


def average_before_steps(optimisers):
    """Average the gradients before each step of these optimisers; returns the hooks."""
    return [optimiser.register_step_pre_hook(_average_gradients) for optimiser in optimisers]


def equalise_buffers(modules, run):
    """Give every process the mean of the processes' buffers, running statistics for one."""
    for module in modules:
        for buffer in module.buffers():
            if buffer.is_floating_point():
                distributed.all_reduce(buffer)
                buffer /= run.processes


def _average_gradients(optimiser, *_):
    groups = optimiser.param_groups
    gradients = [p.grad for group in groups for p in group["params"] if p.grad is not None]
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    parts = flat.split([gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))
