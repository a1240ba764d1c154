"""`start()` gives a `Run`: a seed, a profile, a device, a folder, and what a training needs."""

import argparse
import math
import os
import platform
import sys
import weakref
from pathlib import Path

import numpy as np
import torch

from genimg_lib import plots
from genimg_lib.data.image_set import ImageSet
from genimg_lib.errors import TrainingError, unknown
from genimg_lib.files import out_folder, write_json
from genimg_lib.training import processes, saving
from genimg_lib.training.batches import Batches, StreamedBatches
from genimg_lib.training.loop import Training
from genimg_lib.training.loop_source import loop_source
from genimg_lib.training.machine import describe, has_bf16, peak_memory

PROFILES = ("quick", "cpu", "gpu")
PRECISIONS = ("no", "bf16", "auto")
_COMPARE = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def start(name, seed=0, precision=("no", "no", "auto"), **settings):
    """Begin the run of a notebook: a `Run` with a seed, a profile, a device and a folder.

    name: the notebook's, "31_vae".
    seed: for weights, noise and the order of images.
    precision: what `run.autocast()` does: "no" (float32), "bf16", or "auto", which is bf16 where
        the device computes with it in hardware.
    settings: what the run needs to know; a tuple of three holds one value a profile, in the
        order quick, cpu, gpu.
    The profile is the command line's --profile, else GENIMG_PROFILE, else gpu where there is
    one, else cpu.
    Raises ValueError for an unknown profile, TrainingError where the run's folder cannot be
    written, where a launcher has not started the processes that it was asked for, or where
    torch's default device is not the CPU.
    """
    if (default := torch.get_default_device()).type != "cpu":
        raise TrainingError(
            f"torch's default device is {default}; the course's programs put networks and images"
            " on run.device themselves: torch.set_default_device('cpu') before start()"
        )
    asked = _command_line(name)
    state = processes.join()
    profile = asked.profile or chosen_profile()
    if profile not in PROFILES:
        raise unknown("profile", profile, PROFILES)
    for value in (precision,) if isinstance(precision, str) else precision:
        if value not in PRECISIONS:
            raise unknown("precision", value, PRECISIONS)
    seed = seed if asked.seed is None else asked.seed
    torch.manual_seed(seed)
    folder = writable(out_folder() / name / profile)
    run = Run(name, profile, seed, state, folder, {"precision": precision, **settings})
    plots.output(run.folder, run.is_main)
    return run


def chosen_profile():
    """GENIMG_PROFILE, else gpu where there is one, else cpu; not checked."""
    return os.environ.get("GENIMG_PROFILE") or ("gpu" if torch.cuda.is_available() else "cpu")


def _command_line(name):
    about = f"Runs the notebook {name} as a program."
    parser = argparse.ArgumentParser(prog=f"{name}.py", description=about)
    parser.add_argument("--profile", help=", ".join(PROFILES))
    parser.add_argument("--seed", type=int)
    program = Path(sys.argv[0])
    if program.name == f"{name}.py":
        return parser.parse_args(sys.argv[1:])
    if program.name.endswith(f"_{name}.py"):  # a copy, my_31_vae.py, maybe with options of its own
        return parser.parse_known_args(sys.argv[1:])[0]
    given = {"--profile", "--seed"} & {argument.partition("=")[0] for argument in sys.argv[1:]}
    is_other = program.suffix == ".py" and program.name != "__main__.py"
    if is_other and given and not name.startswith("bench_") and os.environ.get("RANK", "0") == "0":
        print(
            f"{', '.join(sorted(given))}: if they are meant for the run {name}, it reads them in"
            f" programs called {name}.py or ..._{name}.py; else GENIMG_PROFILE names a profile,"
            " start(seed=...) a seed"
        )
    return parser.parse_args([])


def writable(folder):
    """The folder, made if need be. Raises TrainingError where nothing can be written to it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise TrainingError(
            f"the run cannot write to {folder} ({error.strerror}); "
            "name another folder in GENIMG_OUT"
        ) from None
    return folder


class Run:
    """One run of one notebook. Settings are attributes: `run.steps` is the profile's value.

    name, profile, seed, device, folder: what `start` was told, and found.
    is_main: True in the first process. processes: how many there are.
    ema: {name: module with averaged weights}.
    history: {"step": [...], metric: [...]} of the training that ran last.
    """

    def __init__(self, name, profile, seed, state, folder, settings):
        self.name, self.profile, self.seed = name, profile, seed
        self.state, self.folder = state, folder
        self.device = torch.device("cpu") if state.device.type == "mps" else state.device
        self.is_main, self.processes = state.is_main_process, state.num_processes
        self.settings = {key: self.by_profile(value) for key, value in settings.items()}
        if self.settings.get("precision") == "auto":
            self.settings["precision"] = "bf16" if has_bf16(self.device) else "no"
        self.ema, self.history, self.results = _Averages(), {}, {}
        self._trainings, self._training, self._seconds = {}, None, {}
        self._rates = weakref.WeakKeyDictionary()  # each optimiser's settings when first seen
        if taken := [key for key in settings if hasattr(Run, key) or key in self.__dict__]:
            raise ValueError(
                f"a setting cannot be called {taken[0]!r}, which a Run has already; "
                "give it another name"
            )

    def __getattr__(self, name):
        settings = self.__dict__.get("settings", {})
        if name in settings:
            return settings[name]
        raise AttributeError(f"this run has no setting {name!r}; it has {', '.join(settings)}")

    def __repr__(self):
        shown = ", ".join(f"{k}={v}" for k, v in self.settings.items())
        where = f"profile {self.profile}, {describe(self.device)}, seed {self.seed}"
        return f"Run({self.name}, {where}: {shown})"

    def by_profile(self, value):
        """The value in force: of three, the profile's; anything else is itself."""
        if isinstance(value, (tuple, list)) and len(value) == 3:
            return value[PROFILES.index(self.profile)]
        return value

    def autocast(self):
        """The context for forward passes in the run's precision."""
        enabled = self.precision == "bf16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=enabled)

    def fast(self, net):
        """net on the run's device; on a GPU channels last and compiled, both in place.

        For networks whose gradients are taken once: a compiled network has no gradient of a
        gradient, as penalties need.
        """
        net = net.to(self.device)
        if self.device.type == "cuda":
            net.to(memory_format=torch.channels_last).compile()
        return net

    def batches(self, images, size, seed=None):
        """Random batches for ever, in another order each epoch, on the run's device.

        images: an ImageSet; or uint8 images [N, C, H, W]; or a tuple of tensors of the same
            length, then a tuple comes back; or a torch Dataset, which is streamed.
        size: of a batch, in each process.
        Returns an iterator; uint8 images come as floats in [-1, 1].
        Raises ValueError where one round of batches needs more images than there are.
        """
        if isinstance(images, ImageSet):
            images = images.images
        seed = self.seed if seed is None else seed
        images = _as_tensors(images)
        known = (torch.Tensor, tuple, torch.utils.data.Dataset)
        if not isinstance(images, known) or images == ():
            raise TypeError(
                "expected an ImageSet, a tensor, a tuple of tensors or a Dataset, got"
                f" {type(images).__name__}; a DataLoader goes to run.train as it is"
            )
        kind = StreamedBatches if isinstance(images, torch.utils.data.Dataset) else Batches
        rank, world = self.state.process_index, self.processes
        return kind(images, size, self.device, seed, rank, world)

    def train(
        self,
        batches,
        steps=None,
        minutes=None,
        *,
        ema=(),
        ema_decay=0.999,
        preview=None,
        preview_every=None,
        checkpoint_every=None,
        label="train",
        **objects,
    ):
        """Yield batches until the steps or the minutes are over; between two, keep the books.

        batches: what `run.batches` gives, or any iterator.
        steps, minutes: when to stop, whichever comes first; one of them has to be given.
        objects: by name, the modules, optimisers, schedulers and torch.Generators that change:
            they are saved, resumed, and kept equal in several processes.
        ema: the name (or names) of modules to average over time, `run.ema[name]`, by
            avg <- decay avg + (1 - decay) weights.
        preview: gives images [N, C, H, W] to show every preview_every steps.
        checkpoint_every: in steps; left out, once a minute (with several processes, whose
            clocks differ, ten times in all).
        label: of the training, in its files' names.
        Leaving the loop by `break` or `return` ends the training, with the weights as they are.
        An interrupted training that is started again goes on from its last sound checkpoint,
        and ends, on the same CPU, with the same weights as an uninterrupted one. The loop's
        own local variables are not saved: what has to survive belongs into objects.
        Raises ValueError for no end, or for a name in ema that is no module; TypeError for
        objects of other kinds; TrainingError where several processes were started after the
        run was.
        """
        averaged = (ema,) if isinstance(ema, str) else tuple(ema)
        _check_training(steps, minutes, averaged, ema_decay, objects)
        processes.check(self)
        training = Training(
            self,
            self._free(label),
            batches if hasattr(batches, "__next__") else again(batches),
            steps,
            minutes,
            averaged,
            ema_decay,
            objects,
            checkpoint_every,
            loop_source(sys._getframe(1)),
        )
        return training.loop(preview, preview_every or max(1, (steps or 1000) // 4))

    def _free(self, label):
        """The label, or label_2 ... where trainings of that label have ended in this run."""
        candidate, k = label, 1
        while self._trainings.get(candidate) == "done":
            k += 1
            candidate = f"{label}_{k}"
        return candidate

    @property
    def progress(self):
        """How much of the training is behind: 0 at its first step, 1 at its end."""
        return self._training.progress if self._training else 0.0

    @property
    def minutes_trained(self):
        """{label: minutes} of the trainings that this run has done."""
        return {label: seconds / 60 for label, seconds in self._seconds.items()}

    def anneal(self, *optimisers, warmup=0):
        """Set learning rates for this step: constant for the first half, then falling to 0.

        To be called once a step. The rate of the first half is the one that each optimiser was made
        with.
        warmup: steps over which it rises to that from 0, at the start.
        """
        step = self._training.step if self._training else 0
        factor = min(1.0, 2 * (1 - self.progress))
        factor *= min(1.0, (step + 1) / warmup) if warmup else 1.0
        for group in [group for optimiser in optimisers for group in optimiser.param_groups]:
            group["lr"] = group.setdefault("initial_lr", group["lr"]) * factor

    def log(self, **metrics):
        """Note numbers for this step; with several processes their mean is kept.

        metrics: floats, or tensors of one element.
        Raises TrainingError at the first NaN or infinity.
        """
        given = [_scalar(name, value, self.device) for name, value in metrics.items()]
        # one wait for the device, not one for each
        values = processes.mean(torch.stack(given), self).tolist() if given else []
        steps = self.history.setdefault("step", [])
        step = self._training.step if self._training else len(steps)
        steps.append(step)
        for name, value in zip(metrics, values, strict=True):
            if not math.isfinite(value):
                raise TrainingError(self.not_finite(name, value, step))
            column = self.history.setdefault(name, [])
            column.extend([math.nan] * (len(steps) - 1 - len(column)) + [value])

    def not_finite(self, name, value, step):
        """The sentence for a metric that is no finite number, with what to go back to."""
        good = saving.newest(self._training.folder) if self._training else None
        where = f"the last good checkpoint is {good}" if good else "there is no checkpoint yet"
        causes = "too high a learning rate, log or division of 0, bf16 where float32 is needed"
        return (
            f"{name} is {value} at step {step}; training stopped, {where}. Usual causes: {causes}"
        )

    def report(self, **metrics):
        """Write the run's figures to `results.json` in its folder, and show them.

        metrics: numbers by name; later calls add to earlier ones. Device, versions and seed
        are written with them.
        """
        self.results |= {k: v.item() if hasattr(v, "item") else v for k, v in metrics.items()}
        on_gpu = self.device.type == "cuda"
        gpu_bytes = torch.cuda.max_memory_allocated() if on_gpu else 0
        result = {
            "notebook": self.name,
            "profile": self.profile,
            "seed": self.seed,
            "device": describe(self.device),
            "processes": self.processes,
            "versions": {"python": platform.python_version(), "torch": torch.__version__},
            "settings": self.settings,
            "train_minutes": {k: round(v, 2) for k, v in self.minutes_trained.items()},
            "peak_memory_mib": peak_memory(),
            "gpu_memory_mib": round(gpu_bytes / 2**20),
            "metrics": {k: _for_json(v) for k, v in self.results.items()},
        }
        if self.is_main:
            write_json(self.folder / "results.json", result)
            where = f"{result['device']}, seed {self.seed}, {result['peak_memory_mib']:,} MiB"
            print(f"{self.name}, profile {self.profile}, {where}")
            width = max((len(k) for k in self.results), default=0)
            for name, value in self.results.items():
                shown = f"{value:.4g}" if isinstance(value, float) else value
                print(f"  {name:<{width}}  {shown}")

    def expect(self, **floors):
        """Fail unless reported figures are as good as promised: expect(fd=("<", 60)).

        floors: (sign, bound) by the figure's name; the bound may be a tuple of one a profile,
        None for no promise: expect(fd=("<", (None, 60, 20))).
        Raises ValueError for a figure that was not reported, TrainingError for a broken promise.
        """
        for name, (sign, bound) in floors.items():
            bound = self.by_profile(bound)
            if name not in self.results:
                reported = ", ".join(self.results) or "(report() comes first)"
                raise ValueError(f"expect({name}=...): not among the reported figures {reported}")
            value = self.results[name]
            if bound is not None and not _COMPARE[sign](value, bound):
                promise = f"in profile {self.profile} it has to be {sign} {bound}"
                raise TrainingError(f"{name} is {value:.4g}; {promise}")


def _as_tensors(images):
    """Arrays as tensors; a list of single images as one tensor, one of sets as a tuple."""
    if isinstance(images, np.ndarray):
        return torch.from_numpy(np.ascontiguousarray(images))
    if not isinstance(images, (tuple, list)):
        return images
    parts = tuple(map(_as_tensors, images))
    single = isinstance(images, list) and all(
        isinstance(part, torch.Tensor) and part.dim() == 3 for part in parts
    )
    return torch.stack(parts) if single and parts else parts


def again(batches):
    """The batches of a list or a DataLoader, from the beginning at its end, for ever.

    Raises TypeError for what has none, ValueError where there are none.
    """
    if not hasattr(batches, "__iter__") or isinstance(batches, (str, torch.Tensor)):
        raise TypeError(
            f"expected batches, as run.batches(images, size) gives them, got"
            f" {type(batches).__name__}"
        )

    def endless():
        while True:
            count = 0
            for batch in batches:
                count += 1
                yield batch
            if not count:
                raise ValueError("there is no batch in what run.train was given")

    return endless()


def _check_training(steps, minutes, averaged, ema_decay, objects):
    no_end = steps is None and minutes is None
    if no_end or (steps is not None and steps < 1) or (minutes is not None and minutes <= 0):
        raise ValueError(
            "say when to stop: steps (1 or more), minutes (above 0), or both; "
            f"got steps={steps}, minutes={minutes}"
        )
    for name in averaged:
        if not isinstance(objects.get(name), torch.nn.Module):
            given = ", ".join(objects) or "the objects (none were given)"
            raise ValueError(f"ema names {name!r}, which is no module among {given}")
    if not 0 <= ema_decay < 1:
        raise ValueError(f"ema_decay is {ema_decay}; expected 0 or more and less than 1")
    for name, thing in objects.items():
        if not hasattr(thing, "state_dict") and not isinstance(thing, torch.Generator):
            raise TypeError(
                f"{name} is a {type(thing).__name__}; "
                "train() keeps modules, optimisers, schedulers and torch.Generators"
            )


def _scalar(name, value, device):
    value = torch.as_tensor(value, dtype=torch.float64).detach()
    if value.numel() != 1:
        raise ValueError(
            f"log({name}=...): expected one number, got a tensor {list(value.shape)}; take its mean"
        )
    return value.reshape(()).to(device)


class _Averages(dict):
    """{name: module with averaged weights}; says what to do where there is none of a name."""

    def __missing__(self, name):
        there = ", ".join(self) or "none yet"
        raise KeyError(
            f"no average of {name!r} ({there}): run.train(..., ema={name!r}) makes it, and its loop"
            " has to have begun"
        )


def _for_json(value):
    """JSON knows no NaN and no infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
