"""`Training`: one `run.train`, its state, its checkpoints, its loop."""

import copy
import json
import math
import sys
import time

import torch

from genimg_lib.errors import TrainingError
from genimg_lib.files import digest, write_atomically
from genimg_lib.training import processes, saving
from genimg_lib.training.loop_source import left_on_purpose
from genimg_lib.training.progress import Window

SAVE_EVERY = 60  # seconds between two checkpoints, where nothing else is said


class Training:
    """One training: yields batches, and keeps the books between two of them."""

    def __init__(
        self,
        run,
        label,
        batches,
        steps,
        minutes,
        averaged,
        ema_decay,
        objects,
        checkpoint_every,
        loop_source="",
    ):
        self.loop_source = loop_source
        self.run, self.label, self.batches = run, label, batches
        self.steps, self.minutes, self.objects = steps, minutes, objects
        self.ema_decay, self.checkpoint_every = ema_decay, checkpoint_every
        if checkpoint_every is None and run.processes > 1 and steps:
            self.checkpoint_every = max(1, steps // 10)  # clocks differ, steps do not
        self.folder = run.folder / "checkpoints" / label
        self.step, self.seconds, self._last_save = 0, 0.0, time.perf_counter()
        kinds = [(n, o) for n, o in objects.items() if isinstance(o, torch.nn.Module)]
        self.modules = dict(kinds)
        self.optimisers = [o for o in objects.values() if isinstance(o, torch.optim.Optimizer)]
        self.learns = {
            name: [weight.requires_grad for weight in module.parameters()]
            for name, module in self.modules.items()
        }
        self.averages = {name: _frozen_copy(objects[name]) for name in averaged}
        run.ema |= self.averages
        run.history = {}
        run._training = self
        run._trainings[label] = "begun"
        self.fingerprint = self._fingerprint()

    @property
    def networks(self):
        """[(name, module)] of all that has weights, averages among them."""
        averages = [(f"ema_{name}", module) for name, module in self.averages.items()]
        return [*self.modules.items(), *averages]

    @property
    def progress(self):
        """0 at the first step, 1 at the end: by steps or by time, whichever is further."""
        by_steps = self.step / self.steps if self.steps else 0.0
        by_time = self.seconds / (60 * self.minutes) if self.minutes else 0.0
        return min(1.0, max(by_steps, by_time))

    def loop(self, preview, preview_every):
        """Yield batches to the end; see `Run.train`."""
        run = self.run
        lock = self._lock()
        hooks = []
        window = None
        try:
            goes_on = self._resume()
            self._check_learns()
            if not goes_on and run.processes == 1:
                self._save()  # one interrupted early begins again from where it began
            hooks = self._join_processes() if run.processes > 1 else []
            window = Window(run, self.label, self.steps, self.step)
            tick = time.perf_counter()
            while self.progress < 1:
                yield self._next()
                self.step += 1
                self._average()
                now = time.perf_counter()
                self.seconds, tick = self.seconds + now - tick, now
                if self.minutes is not None:
                    self.seconds = processes.first_clock(self.seconds, run)
                window.update(self.step, run.history)
                due = self.step % preview_every == 0 or self.progress >= 1
                if preview is not None and due:
                    self._show(window, preview)
                if self._checkpoint_is_due(now):
                    self._save()
            self._finish()
        except GeneratorExit:
            # several processes may not leave alike, and would wait for each other
            if run.processes == 1 and left_on_purpose(sys._getframe(1)):
                self.step += 1
                self._average()
                self._finish()
            raise
        finally:
            if window is not None:
                window.close(run.history)
            if lock is not None:
                saving.unlock(lock)
            for hook in hooks:
                hook.remove()
            run._seconds[self.label] = self.seconds

    def _lock(self):
        """Take the checkpoints, in the first process; where it can't, none goes on."""
        lock, refused = None, None
        if self.run.is_main:
            try:
                lock = saving.lock(self.folder)
            except TrainingError as error:
                refused = str(error)
        if refused := processes.gather(refused, self.run)[0]:
            raise TrainingError(refused)
        return lock

    def _check_learns(self):
        """Raises TrainingError where a network can't learn, or by none of the optimisers."""
        for name in self.averages:
            weights = list(self.objects[name].parameters())
            if weights and not any(weight.requires_grad for weight in weights):
                raise TrainingError(
                    f"{name} learns nothing: none of its weights requires a gradient. Perhaps it is"
                    " the average that an earlier training left; run the cell that makes the"
                    " network first"
                )
        # by where they lie: Muon holds its weights as matrices, in the same places of memory
        own = {_place(weight) for _, network in self.networks for weight in network.parameters()}
        for name, opt in self.objects.items():
            if not own or not isinstance(opt, torch.optim.Optimizer):
                continue
            held = [weight for group in opt.param_groups for weight in group["params"]]
            if not any(_place(weight) in own for weight in held):
                networks = ", ".join(name for name, _ in self.networks)
                raise TrainingError(
                    f"{name} holds no weight of {networks}: it was made for networks before them;"
                    " run the cell that makes the optimisers, after the one that makes the networks"
                )

    def _next(self):
        try:
            return next(self.batches)
        except StopIteration:
            raise TrainingError(
                f"the batches ended at step {self.step:,}, before the training did; give a list, a"
                " DataLoader or what run.batches gives, which begin again"
            ) from None

    @torch.no_grad()
    def _average(self):
        # early weights are not worth remembering
        decay = min(self.ema_decay, (1 + self.step) / (10 + self.step))
        for name, average in self.averages.items():
            module = self.objects[name]
            weights = [p.detach() for p in module.parameters()]
            torch._foreach_lerp_(list(average.parameters()), weights, 1 - decay)
            for ours, theirs in zip(average.buffers(), module.buffers(), strict=True):
                ours.copy_(theirs)

    def _show(self, window, preview):
        """Show a preview; looking changes nothing: neither modes nor random states."""
        sources = [o for o in self.objects.values() if isinstance(o, torch.Generator)]
        states = [source.get_state() for source in sources]
        parts = [part for module in self.modules.values() for part in module.modules()]
        modes = [part.training for part in parts]
        with torch.random.fork_rng(), torch.no_grad():
            for module in self.modules.values():
                module.eval()
            images = preview()
        for part, mode in zip(parts, modes, strict=True):
            part.training = mode
        for source, state in zip(sources, states, strict=True):
            source.set_state(state)
        window.show(images, f"after step {self.step:,}")

    # ------------------------------------------------------------------ several processes

    def _join_processes(self):
        if self.step == 0:
            for name, average in self.averages.items():
                average.load_state_dict(self.objects[name].state_dict())
            processes.begin_equal([module for _, module in self.networks], self.run)
        return processes.average_before_steps(self.optimisers)

    # ------------------------------------------------------------------ checkpoints

    def _checkpoint_is_due(self, now):
        if self.checkpoint_every is not None:
            return self.step % self.checkpoint_every == 0
        # several processes' clocks differ: they save when told in steps
        return self.run.processes == 1 and now - self._last_save > SAVE_EVERY

    def _fingerprint(self):
        """What a training shares with an interrupted one that it may go on from."""
        shapes = {
            name: {key: list(value.shape) for key, value in module.state_dict().items()}
            for name, module in self.networks
        }
        what = {
            "settings": self.run.settings,
            "seed": self.run.seed,
            "processes": self.run.processes,
            "steps": self.steps,
            "minutes": self.minutes,
            "shapes": shapes,
            "objects": sorted(self.objects),
            "optimisers": [self._settings_of(optimiser) for optimiser in self.optimisers],
            "data": getattr(self.batches, "identity", None),
            "ema": self.ema_decay,
            "networks": {name: repr(module) for name, module in self.modules.items()},
            "loop": self.loop_source,
        }
        return {key: digest(json.dumps(value, default=str).encode()) for key, value in what.items()}

    def _differs_from(self, fingerprint):
        """What differs from an interrupted training's, in words; empty where nothing does."""
        if not isinstance(fingerprint, dict):  # of an earlier version of the course
            return "settings"
        keys = self.fingerprint | fingerprint
        return ", ".join(k for k in keys if self.fingerprint.get(k) != fingerprint.get(k))

    def _settings_of(self, optimiser):
        """An optimiser's kind and settings when first seen: a loop may set its own rates."""
        groups = [
            (group.get("initial_lr", group["lr"]), group.get("weight_decay"))
            for group in optimiser.param_groups
        ]
        now = [type(optimiser).__name__, groups]
        return self.run._rates.setdefault(optimiser, now)

    def _weights(self):
        """{network.key: tensor} of all networks."""
        return {
            f"{name}.{key}": value
            for name, module in self.networks
            for key, value in module.state_dict().items()
        }

    def _check_finite(self):
        for name, module in self.modules.items():
            for value in module.state_dict().values():
                if value.is_floating_point() and not value.isfinite().all():
                    what = f"a weight of {name}"
                    raise TrainingError(self.run.not_finite(what, math.nan, self.step - 1))

    def _random_state(self):
        """This process's random state, and its buffers, which are its own until the end."""
        state = {"cpu": torch.get_rng_state()}
        if self.run.device.type == "cuda":
            state["cuda"] = torch.cuda.get_rng_state()
        state["buffers"] = {
            name: {key: buffer.cpu() for key, buffer in module.named_buffers()}
            for name, module in self.networks
        }
        return state

    def _save(self):
        self._check_finite()
        states = processes.gather(self._random_state(), self.run)
        if self.run.is_main:
            others = {
                name: _state_of(thing)
                for name, thing in self.objects.items()
                if name not in self.modules
            }
            state = {
                "step": self.step,
                "seconds": self.seconds,
                "fingerprint": self.fingerprint,
                "objects": others,
                "learns": self.learns,
                "random": states,
                "batches": _state_of(self.batches),
                "history": self.run.history,
            }
            try:
                saving.save(self.folder, self.step, self._weights(), state)
            except OSError as error:  # a training is worth more than its checkpoint
                print(f"no checkpoint at step {self.step:,} ({error}); the training goes on")
        self._last_save = time.perf_counter()

    def _resume(self):
        """Go on from the newest sound checkpoint of the same training; True if there is one."""
        run = self.run
        say = print if run.is_main else _say_nothing
        for path, weights, state in saving.sound(self.folder, say=say):
            if other := self._differs_from(state["fingerprint"]):
                say(f"{path} belongs to a run with other settings ({other}): starting afresh")
                if run.is_main:
                    say(f"its checkpoints are in {saving.put_aside(self.folder)} now")
                break
            self._restore(weights, state)
            if self.step:
                say(f"an interrupted training goes on from step {self.step:,};")
                say(f"to begin again from step 0, delete {path.parent}")
            else:
                say("a training that was interrupted before its first checkpoint begins again")
            break
        steps = processes.gather(self.step, run)
        if len(set(steps)) > 1:
            raise TrainingError(
                f"the processes would go on from different steps, {steps}: they do not see "
                f"the same {self.folder}; delete it to begin anew"
            )
        if self.step == 0 and run.is_main:
            saving.clear(self.folder)
        return self.step > 0

    def _restore(self, weights, state):
        for name, module in self.networks:
            own = {k: v for k, v in weights.items() if k.startswith(f"{name}.")}
            module.load_state_dict({k.removeprefix(f"{name}."): v for k, v in own.items()})
        # an interrupt may have come while the loop kept a network from learning
        self.learns = state.get("learns", self.learns)
        for name, flags in self.learns.items():
            for weight, flag in zip(self.modules[name].parameters(), flags, strict=True):
                weight.requires_grad_(flag)
        for name, saved in state["objects"].items():
            thing = self.objects[name]
            if isinstance(thing, torch.Generator):
                thing.set_state(saved)
            else:
                thing.load_state_dict(saved)
        random_state = state["random"][self.run.state.process_index]
        for name, module in self.networks:
            for key, buffer in module.named_buffers():
                buffer.copy_(random_state["buffers"][name][key])
        torch.set_rng_state(random_state["cpu"])
        if "cuda" in random_state:
            torch.cuda.set_rng_state(random_state["cuda"])
        if state["batches"] is not None:
            self.batches.load_state_dict(state["batches"])
        self.run.history = state["history"]
        self.step, self.seconds = state["step"], state["seconds"]

    def _finish(self):
        run = self.run
        if run.processes > 1:
            processes.equalise_buffers([module for _, module in self.networks], run)
            run.state.wait_for_everyone()
        if run.is_main:
            path = run.folder / f"{self.label}.safetensors"
            write_atomically(path, saving.as_safetensors(self._weights()))
            saving.clear(self.folder)
        run._trainings[self.label] = "done"
        run._training = None


def _state_of(thing):
    if isinstance(thing, torch.Generator):
        return thing.get_state()
    return thing.state_dict() if hasattr(thing, "state_dict") else None


def _frozen_copy(module):
    return copy.deepcopy(module).eval().requires_grad_(False)


def _place(weight):
    """The address of a weight's numbers."""
    return weight.untyped_storage().data_ptr()


def _say_nothing(*_):
    """For all processes but the first."""
