"""The bookkeeping of a training: `start()` gives a `Run`; the step itself stays with the reader.

    run = start("22_dcgan", steps=(60, 1_500, 60_000), batch=(32, 64, 512))      # one value a profile: quick, cpu, gpu
    batches = run.batches(data.load("portraits"), run.batch)
    for x in run.train(batches, run.steps, ema="G", G=G, D=D, opt_G=opt_G, opt_D=opt_D):
        ...                                                                      # losses, backward, optimiser steps
        run.log(loss_D=loss_D, loss_G=loss_G)
    run.report(fd=evaluator.fd(images))
    run.expect(fd=("<", 60))

Several processes (`accelerate launch notebooks/22_dcgan.py`) need no other code: every process gets other images, starts from the
first one's weights, and gradients are averaged just before an optimiser's step.
"""

import argparse
import json
import math
import multiprocessing
import os
import platform
import sys
import time
import weakref
from pathlib import Path

import torch

from genimg_lib import checkpoints
from genimg_lib.data.image_set import ImageSet, to_float

PROFILES = ("quick", "cpu", "gpu")
_COMPARE = {"<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b}


class TrainingError(RuntimeError):
    """A training that must not go on, or that did not reach what was expected of it."""


def start(name, seed=0, precision=("no", "no", "auto"), **settings):
    """Begin the run of a notebook: a seed, a profile, a device, a folder.

    name: the notebook's, "31_vae". seed: for weights, noise and the order of images. precision: what `run.autocast()` does: "no" (float32),
    "bf16", or "auto", which is bf16 where the device computes with it in hardware. settings: what the run needs to know; a tuple of three holds one value a profile (quick, cpu, gpu).
    The profile is the command line's --profile, else GENIMG_PROFILE, else gpu where there is one, else cpu.
    Raises ValueError for an unknown profile, TrainingError where the run's folder cannot be written.
    """
    from accelerate import PartialState

    from genimg_lib import launch, plots

    asked = _command_line(name)
    launch.start_missing_processes()
    state = PartialState(cpu=not torch.cuda.is_available())
    profile = asked.profile or os.environ.get("GENIMG_PROFILE") or ("gpu" if torch.cuda.is_available() else "cpu")
    if profile not in PROFILES:
        raise ValueError(f"unknown profile {profile!r}; known: {', '.join(PROFILES)}")
    seed = seed if asked.seed is None else asked.seed
    if unknown := {precision} - {"no", "bf16", "auto"} if isinstance(precision, str) else set(precision) - {"no", "bf16", "auto"}:
        raise ValueError(f"unknown precision {unknown.pop()!r}; known: no, bf16, auto")
    torch.manual_seed(seed)
    run = Run(name, profile, seed, state, _writable(out_folder() / name / profile), {"precision": precision, **settings})
    plots.output(run.folder, run.is_main)
    return run


def out_folder():
    """Where runs write: GENIMG_OUT, else `out/` in the checkout, else `genimg-out/` in the home folder."""
    checkout = Path(__file__).resolve().parents[1]
    if given := os.environ.get("GENIMG_OUT"):
        return Path(given).expanduser().resolve()
    return checkout / "out" if (checkout / "notebooks").is_dir() else Path.home() / "genimg-out"


def _command_line(name):
    parser = argparse.ArgumentParser(prog=f"{name}.py", description=f"Runs the notebook {name} as a program.")
    parser.add_argument("--profile", help=", ".join(PROFILES))
    parser.add_argument("--seed", type=int)
    is_program = Path(sys.argv[0]).name == f"{name}.py"
    return parser.parse_args(sys.argv[1:] if is_program else [])


def _writable(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise TrainingError(f"the run cannot write to {folder} ({error.strerror}); name another folder in GENIMG_OUT") from None
    return folder


class Run:
    """One run of one notebook. Settings are attributes: `run.steps` is the value of the profile in force.

    name, profile, seed, device, folder; is_main: true in the first process; ema: {name: averaged module};
    history: {"step": [...], metric: [...]} of the training that ran last.
    """

    def __init__(self, name, profile, seed, state, folder, settings):
        self.name, self.profile, self.seed, self.state, self.folder = name, profile, seed, state, folder
        self.device = torch.device("cpu") if state.device.type == "mps" else state.device
        self.is_main, self.processes = state.is_main_process, state.num_processes
        self.settings = {key: self.by_profile(value) for key, value in settings.items()}
        if self.settings.get("precision") == "auto":
            self.settings["precision"] = "bf16" if has_bf16(self.device) else "no"
        self.ema, self.history, self.results = {}, {}, {}
        self._trainings, self._training, self._seconds = {}, None, {}
        self._rates = weakref.WeakKeyDictionary()  # what each optimiser's settings were when it was first seen
        if taken := [key for key in settings if hasattr(Run, key) or key in self.__dict__]:
            raise ValueError(f"a setting cannot be called {taken[0]!r}, which a Run has already; give it another name")

    def __getattr__(self, name):
        settings = self.__dict__.get("settings", {})
        if name in settings:
            return settings[name]
        raise AttributeError(f"this run has no setting {name!r}; it has {', '.join(settings)}")

    def __repr__(self):
        shown = ", ".join(f"{k}={v}" for k, v in self.settings.items())
        return f"Run({self.name}, profile {self.profile}, {describe(self.device)}, seed {self.seed}: {shown})"

    def by_profile(self, value):
        """The value in force: of three, the profile's; anything else is itself."""
        return value[PROFILES.index(self.profile)] if isinstance(value, (tuple, list)) and len(value) == 3 else value

    def autocast(self):
        """The context for forward passes in the run's precision."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16")

    def fast(self, net):
        """net on the run's device; on a GPU with channels last and compiled, both in place, so that its weights keep their names.

        For networks whose gradients are taken once: a compiled network has no gradient of a gradient, as penalties need.
        """
        net = net.to(self.device)
        if self.device.type == "cuda":
            net.to(memory_format=torch.channels_last).compile()
        return net

    def batches(self, images, size, seed=None):
        """Random batches for ever, in another order each epoch, floats in [-1, 1] on the run's device.

        images: an ImageSet, uint8 images [N, C, H, W], or a tuple of tensors of the same length (then a tuple comes back; only uint8 images
        are converted), or a torch Dataset, which is streamed. size: of a batch, in each process.
        Raises ValueError where one round of batches needs more images than there are.
        """
        if isinstance(images, ImageSet):
            images = images.images
        seed = self.seed if seed is None else seed
        kind = StreamedBatches if isinstance(images, torch.utils.data.Dataset) else Batches
        return kind(images, size, self.device, seed, self.state.process_index, self.processes)

    def train(
        self, batches, steps=None, minutes=None, *, ema=(), ema_decay=0.999, preview=None, preview_every=None, checkpoint_every=None, label="train", **objects
    ):  # fmt: skip
        """Yield batches until `steps` are done or `minutes` are over, whichever is first; between two of them, keep the books.

        objects: the modules, optimisers, schedulers and torch.Generators that change, by name; they are what is saved, resumed, and
        kept alike in several processes. ema: the name (or names) of modules to average over time, `run.ema[name]`, by
        avg <- decay avg + (1 - decay) weights. preview: gives images [N, C, H, W] to show every preview_every steps.
        checkpoint_every: in steps; left out, once a minute (several processes: ten times in all). An interrupted training that is started
        again goes on from its last sound checkpoint and ends, on the same CPU, with the same weights as an uninterrupted one.
        The loop's own local variables are not saved: what has to survive belongs into objects.
        """
        names = (ema,) if isinstance(ema, str) else tuple(ema)
        if (steps is None and minutes is None) or (steps is not None and steps < 1) or (minutes is not None and minutes <= 0):
            raise ValueError(f"say when to stop: steps (1 or more), minutes (above 0), or both; given steps={steps}, minutes={minutes}")
        if unknown := [n for n in names if not isinstance(objects.get(n), torch.nn.Module)]:
            raise ValueError(f"ema names {unknown[0]!r}, which is no module among {', '.join(objects) or 'the objects (none were given)'}")
        for name, thing in objects.items():
            if not hasattr(thing, "state_dict") and not isinstance(thing, torch.Generator):
                raise TypeError(f"{name} is a {type(thing).__name__}; train() keeps modules, optimisers, schedulers and torch.Generators")
        training = _Training(self, self._free(label), batches, steps, minutes, names, ema_decay, objects, checkpoint_every)
        return training.loop(preview, preview_every or max(1, (steps or 1000) // 4))

    def _free(self, label):
        """The label, or label_2, label_3, ... where trainings of that label have come to their end in this run."""
        k = 1
        while self._trainings.get(label if k == 1 else f"{label}_{k}") == "done":
            k += 1
        return label if k == 1 else f"{label}_{k}"

    @property
    def progress(self):
        """How much of the training is behind: 0 at its first step, 1 at its end. For schedules."""
        return self._training.progress if self._training else 0.0

    def anneal(self, *optimisers):
        """Set learning rates for this step: constant for the first half, then falling to 0.

        To be called once a step. The rate of the first half is the one that each optimiser was made with.
        """
        factor = min(1.0, 2 * (1 - self.progress))
        for group in [group for optimiser in optimisers for group in optimiser.param_groups]:
            group["lr"] = group.setdefault("initial_lr", group["lr"]) * factor

    def log(self, **metrics):
        """Note numbers (floats or tensors of one element) for this step; the mean over processes is kept. Raises TrainingError at the first NaN or infinity."""
        values = [v.detach().float().reshape(()) if isinstance(v, torch.Tensor) else torch.tensor(float(v)) for v in metrics.values()]
        if self.processes > 1:
            from accelerate.utils import reduce

            values = reduce(torch.stack([v.to(self.device) for v in values]), "mean").unbind()
        step = self._training.step if self._training else len(self.history.get("step", []))
        history = self.history
        steps = history.setdefault("step", [])
        steps.append(step)
        for name, value in zip(metrics, values, strict=True):
            value = value.item()
            if not math.isfinite(value):
                raise TrainingError(self._not_finite(name, value, step))
            column = history.setdefault(name, [])
            column.extend([math.nan] * (len(steps) - 1 - len(column)) + [value])

    def _not_finite(self, name, value, step):
        good = checkpoints.newest(self._training.folder) if self._training else None
        where = f"the last good checkpoint is {good}" if good else "there is no checkpoint yet"
        return f"{name} is {value} at step {step}; training stopped, {where}. Usual causes: too high a learning rate, log or division of 0, bf16 where float32 is needed"

    def report(self, **metrics):
        """Write the run's figures, with device, versions and seed, to `results.json` in its folder, and show them. Later calls add to earlier ones."""
        self.results |= {k: v.item() if hasattr(v, "item") else v for k, v in metrics.items()}
        shown = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in self.results.items()}  # JSON knows no NaN
        result = {
            "notebook": self.name, "profile": self.profile, "seed": self.seed, "device": describe(self.device), "processes": self.processes,
            "versions": {"python": platform.python_version(), "torch": torch.__version__}, "settings": self.settings,
            "train_minutes": {label: round(s / 60, 2) for label, s in self._seconds.items()},
            "peak_memory_mib": peak_memory(), "gpu_memory_mib": round(torch.cuda.max_memory_allocated() / 2**20) if self.device.type == "cuda" else 0,
            "metrics": shown,
        }  # fmt: skip
        if self.is_main:
            checkpoints.write_atomically(self.folder / "results.json", (json.dumps(result, indent=2) + "\n").encode())
            width = max((len(k) for k in self.results), default=0)
            lines = [f"  {k:<{width}}  {f'{v:.4g}' if isinstance(v, float) else v}" for k, v in self.results.items()]
            print(f"{self.name}, profile {self.profile}, {result['device']}, seed {self.seed}, {result['peak_memory_mib']:,} MiB", *lines, sep="\n")

    def expect(self, **floors):
        """Fail unless reported figures are as good as promised: expect(fd=("<", 60)), or a number a profile, expect(fd=("<", (400, 60, 20))), None for no promise."""
        for name, (sign, bound) in floors.items():
            bound = self.by_profile(bound)
            if name not in self.results:
                raise ValueError(f"expect({name}=...): not among the reported figures {', '.join(self.results) or '(report() comes first)'}")
            if bound is not None and not _COMPARE[sign](self.results[name], bound):
                raise TrainingError(f"{name} is {self.results[name]:.4g}; in profile {self.profile} it has to be {sign} {bound}")


class _Training:
    """One `run.train`: its state, its checkpoints, its loop."""

    def __init__(self, run, label, batches, steps, minutes, ema_names, ema_decay, objects, checkpoint_every):
        self.run, self.label, self.batches, self.steps, self.minutes, self.objects = run, label, batches, steps, minutes, objects
        self.ema_decay, self.checkpoint_every = ema_decay, checkpoint_every
        if checkpoint_every is None and run.processes > 1 and steps:
            self.checkpoint_every = max(1, steps // 10)  # the processes' clocks differ, their steps do not
        self.folder = run.folder / "checkpoints" / label
        self.step, self.seconds, self._last_save = 0, 0.0, time.perf_counter()
        self.modules = {n: o for n, o in objects.items() if isinstance(o, torch.nn.Module)}
        self.optimisers = [o for o in objects.values() if isinstance(o, torch.optim.Optimizer)]
        self.averages = {n: _frozen_copy(objects[n]) for n in ema_names}
        run.ema |= self.averages
        run.history = {}
        run._training = self
        run._trainings[label] = "begun"
        self.fingerprint = self._fingerprint()

    @property
    def progress(self):
        by_steps = self.step / self.steps if self.steps else 0.0
        by_time = self.seconds / (60 * self.minutes) if self.minutes else 0.0
        return min(1.0, max(by_steps, by_time))

    def loop(self, preview, preview_every):
        run = self.run
        if not self._resume() and run.processes == 1:
            self._save()  # so that a training interrupted early begins again from where it began
        hooks = self._join_processes() if run.processes > 1 else []
        window = _Window(run, self.label, self.steps, self.step)
        tick = time.perf_counter()
        try:
            while self.progress < 1:
                yield next(self.batches)
                self.step += 1
                self._average()
                now = time.perf_counter()
                self.seconds, tick = self._agreed(self.seconds + now - tick), now
                window.update(self.step, run.history)
                if preview is not None and (self.step % preview_every == 0 or self.progress >= 1):
                    self._show(window, preview)
                if self._checkpoint_is_due(now):
                    self._save()
            self._finish()
        finally:
            window.close(run.history)
            for hook in hooks:
                hook.remove()
            run._seconds[self.label] = self.seconds

    def _agreed(self, seconds):
        """The first process's clock decides when the minutes are over: if each went by its own, one would wait for ever for the others."""
        if self.minutes is None or self.run.processes == 1:
            return seconds
        from accelerate.utils import broadcast

        return broadcast(torch.tensor(seconds, dtype=torch.float64, device=self.run.device)).item()

    @torch.no_grad()
    def _average(self):
        decay = min(self.ema_decay, (1 + self.step) / (10 + self.step))  # early weights are not worth remembering
        for name, average in self.averages.items():
            torch._foreach_lerp_(list(average.parameters()), [p.detach() for p in self.objects[name].parameters()], 1 - decay)
            for ours, theirs in zip(average.buffers(), self.objects[name].buffers(), strict=True):
                ours.copy_(theirs)

    def _show(self, window, preview):
        generators = [(g, g.get_state()) for g in self.objects.values() if isinstance(g, torch.Generator)]
        modes = [(m, m.training) for module in self.modules.values() for m in module.modules()]
        with torch.random.fork_rng(), torch.no_grad():  # looking changes nothing
            for module in self.modules.values():
                module.eval()
            images = preview()
        for module, mode in modes:
            module.training = mode
        for generator, state in generators:
            generator.set_state(state)
        window.show(images, f"after step {self.step:,}")

    # ------------------------------------------------------------------ several processes

    def _join_processes(self):
        from torch import distributed

        if self.step == 0:
            for name, average in self.averages.items():
                average.load_state_dict(self.objects[name].state_dict())
            for module in (*self.modules.values(), *self.averages.values()):
                for tensor in module.state_dict().values():
                    distributed.broadcast(tensor, 0)
        if self.step == 0 and self.run.state.process_index > 0:
            torch.manual_seed(self.run.seed + 7919 * self.run.state.process_index)  # other noise in every process
        return [optimiser.register_step_pre_hook(_average_gradients) for optimiser in self.optimisers]

    def _equalise_buffers(self):
        from torch import distributed

        for module in (*self.modules.values(), *self.averages.values()):
            for buffer in module.buffers():
                if buffer.is_floating_point():
                    distributed.all_reduce(buffer)
                    buffer /= self.run.processes

    # ------------------------------------------------------------------ checkpoints

    def _checkpoint_is_due(self, now):
        if self.checkpoint_every is not None:
            return self.step % self.checkpoint_every == 0
        return self.run.processes == 1 and now - self._last_save > 60  # several processes' clocks differ: they save when told in steps

    def _fingerprint(self):
        """What a training has to share with an interrupted one to be the same: settings, networks, optimisers, data."""
        modules = (*self.modules.items(), *_named(self.averages))
        what = {
            "settings": self.run.settings, "seed": self.run.seed, "processes": self.run.processes, "steps": self.steps, "minutes": self.minutes,
            "shapes": {n: {k: list(v.shape) for k, v in m.state_dict().items()} for n, m in modules}, "objects": sorted(self.objects),
"optimisers": [self._settings_of(o) for o in self.optimisers],
            "data": getattr(self.batches, "identity", None), "ema": self.ema_decay,
        }  # fmt: skip
        text = json.dumps(what, default=str)
        return checkpoints.digest(text.encode())

    def _settings_of(self, optimiser):
        """An optimiser's kind and settings as they were when it was first seen: a loop may set its own learning rates."""
        now = [type(optimiser).__name__, [(g.get("initial_lr", g["lr"]), g.get("weight_decay")) for g in optimiser.param_groups]]
        return self.run._rates.setdefault(optimiser, now)

    def _save(self):
        run = self.run
        for name, module in self.modules.items():
            if any(not v.isfinite().all() for v in module.state_dict().values() if v.is_floating_point()):
                raise TrainingError(run._not_finite(f"a weight of {name}", math.nan, self.step - 1))
        random_state = {"cpu": torch.get_rng_state()} | ({"cuda": torch.cuda.get_rng_state()} if run.device.type == "cuda" else {})
        random_state["buffers"] = {n: {k: b.cpu() for k, b in m.named_buffers()} for n, m in (*self.modules.items(), *_named(self.averages))}
        states = [random_state]
        if run.processes > 1:
            from accelerate.utils import gather_object

            states = gather_object(states)
        if run.is_main:
            weights = {f"{n}.{k}": v for n, m in (*self.modules.items(), *_named(self.averages)) for k, v in m.state_dict().items()}
            others = {
                n: o.get_state() if isinstance(o, torch.Generator) else o.state_dict() for n, o in self.objects.items() if n not in self.modules
            }
            state = {
                "step": self.step, "seconds": self.seconds, "fingerprint": self.fingerprint, "objects": others, "random": states,
                "batches": self.batches.state_dict() if hasattr(self.batches, "state_dict") else None, "history": run.history,
            }  # fmt: skip
            checkpoints.save(self.folder, self.step, weights, state)
        self._last_save = time.perf_counter()

    def _resume(self):
        run = self.run
        for path, weights, state in checkpoints.sound(self.folder, say=print if run.is_main else lambda *_: None):
            if state["fingerprint"] != self.fingerprint:
                if run.is_main:
                    print(f"{path} belongs to a run with other settings: starting afresh")
                break
            for name, module in (*self.modules.items(), *_named(self.averages)):
                module.load_state_dict({k.removeprefix(f"{name}."): v for k, v in weights.items() if k.startswith(f"{name}.")})
            for name, saved in state["objects"].items():
                thing = self.objects[name]
                thing.set_state(saved) if isinstance(thing, torch.Generator) else thing.load_state_dict(saved)
            random_state = state["random"][run.state.process_index]
            for name, module in (*self.modules.items(), *_named(self.averages)):
                for key, buffer in module.named_buffers():
                    buffer.copy_(random_state["buffers"][name][key])
            torch.set_rng_state(random_state["cpu"])
            if "cuda" in random_state:
                torch.cuda.set_rng_state(random_state["cuda"])
            if state["batches"] is not None:
                self.batches.load_state_dict(state["batches"])
            run.history, self.step, self.seconds = state["history"], state["step"], state["seconds"]
            if run.is_main:
                print(f"an interrupted training goes on from step {self.step:,} (to begin anew, delete {path.parent})")
            break
        if run.processes > 1:
            from accelerate.utils import gather_object

            if len(set(steps := gather_object([self.step]))) > 1:
                raise TrainingError(
                    f"the processes would go on from different steps, {steps}: they do not see the same {self.folder}; delete it to begin anew"
                )
        if self.step == 0 and run.is_main:
            checkpoints.clear(self.folder)
        return self.step > 0

    def _finish(self):
        run = self.run
        if run.processes > 1:
            self._equalise_buffers()
            run.state.wait_for_everyone()
        if run.is_main:
            weights = {f"{n}.{k}": v for n, m in (*self.modules.items(), *_named(self.averages)) for k, v in m.state_dict().items()}
            checkpoints.write_atomically(run.folder / f"{self.label}.safetensors", checkpoints.as_safetensors(weights))
            checkpoints.clear(self.folder)
        run._trainings[self.label] = "done"
        run._training = None


def _named(averages):
    return [(f"ema_{name}", module) for name, module in averages.items()]


def _frozen_copy(module):
    import copy

    return copy.deepcopy(module).eval().requires_grad_(False)


def _average_gradients(optimiser, *_):
    """Before an optimiser's step: every process gets the mean of all processes' gradients."""
    from torch import distributed

    gradients = [p.grad for group in optimiser.param_groups for p in group["params"] if p.grad is not None]
    flat = torch.cat([g.reshape(-1) for g in gradients])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))


# ---------------------------------------------------------------------------------------------- batches


class Batches:
    """Endless batches of tensors held on the device. Every epoch is a fresh permutation, which the processes share out between them."""

    def __init__(self, tensors, size, device, seed, rank=0, world=1):
        self.single = isinstance(tensors, torch.Tensor)
        self.tensors = tuple(t.to(device) for t in ((tensors,) if self.single else tensors))
        if len({len(t) for t in self.tensors}) != 1:
            raise ValueError(f"tensors of the same length are wanted; given {[len(t) for t in self.tensors]}")
        self.n, self.size, self.seed, self.rank, self.world, self.device = len(self.tensors[0]), size, seed, rank, world, device
        self._check()

    def _check(self):
        if not 1 <= self.size * self.world <= self.n:
            raise ValueError(
                f"a batch of {self.size} in each of {self.world} processes cannot be had from {self.n} images; give a size from 1 to {self.n // self.world}"
            )
        self.epoch, self.position = 0, 0
        self._order = self._permutation()

    @property
    def identity(self):
        """What tells these batches from others: sizes, seed, and the bytes of the first images."""
        first = [t[:8].cpu().numpy().tobytes() for t in self.tensors]
        return [self.n, self.size, self.seed, *(checkpoints.digest(b) for b in first)]

    def _permutation(self):
        g = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        return torch.randperm(self.n, generator=g)

    def _indices(self):
        """The next batch's indices; what is left of an epoch and too few for every process is dropped."""
        if self.position + self.size * self.world > self.n:
            self.epoch, self.position = self.epoch + 1, 0
            self._order = self._permutation()
        first = self.position + self.rank * self.size
        self.position += self.size * self.world
        return self._order[first : first + self.size]

    def __iter__(self):
        return self

    def __next__(self):
        i = self._indices().to(self.device)
        parts = tuple(_for_models(t[i]) for t in self.tensors)
        return parts[0] if self.single else parts

    def state_dict(self):
        return {"epoch": self.epoch, "position": self.position}

    def load_state_dict(self, state):
        self.epoch, self.position = state["epoch"], state["position"]
        self._order = self._permutation()


class StreamedBatches(Batches):
    """The same from a Dataset of uint8 images [C, H, W] on disk, read ahead by a DataLoader's workers."""

    def __init__(self, dataset, size, device, seed, rank=0, world=1, workers=None):
        if workers is None:  # where processes are not forked, workers cannot be started from a notebook or an unguarded program
            workers = 2 if multiprocessing.get_start_method() == "fork" else 0
        self.dataset, self.n, self.size, self.seed, self.rank, self.world = dataset, len(dataset), size, seed, rank, world
        self.device, self.workers, self._loader = device, workers, None
        self._check()

    def __next__(self):
        if self._loader is None:
            ahead = StreamedBatches(self.dataset, self.size, self.device, self.seed, self.rank, self.world)
            ahead.load_state_dict(self.state_dict())
            order = (ahead._indices().tolist() for _ in iter(int, 1))  # for ever; a copy runs ahead, this object counts what was used
            self._loader = iter(torch.utils.data.DataLoader(self.dataset, batch_sampler=order, num_workers=self.workers, generator=torch.Generator()))
        self._indices()
        return _for_models(next(self._loader).to(self.device))

    @property
    def identity(self):
        """What tells these batches from others: sizes and seed, and the path where the data set has one."""
        return [self.n, self.size, self.seed, str(getattr(self.dataset, "root", ""))]

    def load_state_dict(self, state):
        super().load_state_dict(state)
        self._loader = None


def _for_models(tensor):
    return to_float(tensor) if tensor.dtype == torch.uint8 and tensor.dim() >= 3 else tensor


# ---------------------------------------------------------------------------------------------- what one sees meanwhile


class _Window:
    """One progress line with live metrics and time left, and a picture below it. Only the first process has one."""

    def __init__(self, run, label, steps, done):
        from tqdm import tqdm

        from genimg_lib import plots

        self.quiet = not run.is_main
        self.picture, self.label = None, label
        self.live = plots.LiveText() if plots.in_notebook() and run.is_main else None
        self.bar = tqdm(
            total=steps, initial=done, desc=label, unit=" steps", file=self.live, disable=self.quiet, ncols=110, mininterval=0.5, ascii=" ━"
        )
        self._next = 0.0

    def update(self, step, history):
        if self.quiet:
            return
        now = time.perf_counter()
        if now >= self._next:
            self._metrics(history)
            self._next = now + 0.5
        self.bar.update(step - self.bar.n)

    def _metrics(self, history):
        self.bar.set_postfix({k: f"{v[-1]:.4g}" for k, v in list(history.items())[1:5] if v}, refresh=False)

    def show(self, images, title):
        if not self.quiet:
            from genimg_lib import plots

            self.picture = plots.preview(images, f"{self.label}, {title}", self.picture)

    def close(self, history):
        if not self.quiet:
            self._metrics(history)
            self.bar.refresh()
            self.bar.close()


# ---------------------------------------------------------------------------------------------- the machine


def has_bf16(device):
    """True where the device has instructions for bfloat16; elsewhere it is emulated, and slower than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", bool)() or getattr(torch.cpu, "_is_amx_tile_supported", bool)())


def describe(device):
    """A device in words: the GPU's name, or "cpu, 2 threads"."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"cpu, {torch.get_num_threads()} threads"


def peak_memory():
    """The most memory this process has held, in MiB."""
    try:
        import resource

        unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20)
    except ImportError:  # Windows
        import psutil

        return round(psutil.Process().memory_info().peak_wset / 2**20)
