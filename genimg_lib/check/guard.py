"""Calling an answer safely: its own arguments, known settings, and what it changed."""

import contextlib
import copy
import inspect
import linecache
import random
import traceback
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn as nn

from genimg_lib.check.values import settled
from genimg_lib.check.wrong import Unwritten

SEED = 20


@dataclass
class Outcome:
    """What one call gave: a settled value, or the error it stopped with; and what it changed."""

    value: object = None
    error: Exception | None = None
    line: str = ""  # of the answer, where it stopped
    changes: list = field(default_factory=list)  # sentences
    raw: object = None  # the value before it was settled

    @property
    def stopped(self):
        return self.error is not None


@contextlib.contextmanager
def known_settings():
    """Gradients on, float32, the CPU; whatever a cell or an answer set before is put back after."""
    before = torch.get_default_dtype()
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(_devices()))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        stack.enter_context(torch.device("cpu"))
        stack.enter_context(_other_generators())
        stack.callback(torch.set_default_dtype, before)
        torch.set_default_dtype(torch.float32)
        yield


def _devices():
    """The GPUs whose random state is kept; none where CUDA has not been begun."""
    return list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []


@contextlib.contextmanager
def _other_generators():
    python, arrays = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(arrays)


def seed(number):
    torch.default_generator.manual_seed(number)  # of the CPU alone: it does not begin CUDA
    random.seed(number)
    np.random.seed(number)


def call(answer, arguments, names=(), number=SEED):
    """An Outcome of answer(*arguments), on copies of them.

    names: of the arguments, for what is said of changed ones.
    number: the seed of the call.
    Raises Unwritten for a stub.
    """
    own = copied(tuple(arguments))
    seed(number)
    try:
        with torch.enable_grad():
            raw = answer(*own)
            value = settled(raw)
    except NotImplementedError as error:
        if not str(error):  # torch has one of its own, with a text
            raise Unwritten(
                "not written yet; replace `raise NotImplementedError()` by your answer"
            ) from None
        return Outcome(error=error, line=_line_of(answer, error))
    except Exception as error:
        return Outcome(error=error, line=_line_of(answer, error))
    return Outcome(value, changes=changes(names, arguments, own), raw=raw)


def copied(value):
    """A copy that an answer may spoil."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone().requires_grad_(value.requires_grad)
    if isinstance(value, nn.Module):
        return copy.deepcopy(value)
    if isinstance(value, (list, tuple)):
        return type(value)(copied(part) for part in value)
    return value


def names_of(function, count, default=None):
    """The names of a function's first parameters; default where it does not tell them."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return default or tuple(f"argument {k + 1}" for k in range(count))
    named = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if len(named) < count:
        return default or tuple(f"argument {k + 1}" for k in range(count))
    return tuple(named[:count])


def arity_problem(answer, arguments, names):
    """What is wrong with the number of parameters of an answer, or None."""
    try:
        signature = inspect.signature(answer)
    except (TypeError, ValueError):
        return None
    try:
        signature.bind(*arguments)
    except TypeError:
        wanted = (
            f"{len(names)} arguments ({', '.join(names)})"
            if len(names) != 1
            else f"one argument, {names[0]}"
        )
        return (
            f"expected a function of {wanted if names else 'no arguments'}, got one of {signature}"
        )
    return None


def _line_of(answer, error):
    """The line of the answer's own file in which an error arose."""
    code = getattr(inspect.unwrap(answer), "__code__", None)
    if code is None:
        return ""
    frames = [
        f for f in traceback.extract_tb(error.__traceback__) if f.filename == code.co_filename
    ]
    return linecache.getline(frames[-1].filename, frames[-1].lineno).strip() if frames else ""


# ---------------------------------------------------------------- what a call changed


def changes(names, before, after):
    """Sentences about arguments that are not as they were handed out."""
    found = (_change(*both) for both in zip(names, before, after, strict=False))
    return [sentence for sentence in found if sentence]


def _change(name, before, after):
    if isinstance(before, torch.Tensor):
        return _change_of_tensor(name, before, after)
    if isinstance(before, nn.Module):
        return _change_of_network(name, before, after)
    if isinstance(before, (list, tuple)):
        return _change_of_list(name, before, after)
    return None


def _same(a, b):
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.is_floating_point():
        return torch.equal(a.nan_to_num(), b.nan_to_num()) and torch.equal(a.isnan(), b.isnan())
    return torch.equal(a, b)


def _change_of_tensor(name, before, after):
    if not _same(before.detach(), after.detach()):
        return (
            f"changes its argument `{name}` in place, so the caller's tensor is no longer what it "
            f"was. Work on a new tensor (`{name}.clone()`, or operations without a trailing `_`)"
        )
    if after.requires_grad and not before.requires_grad:
        return (
            f"switches on requires_grad on the caller's `{name}`. Take a copy of it first: "
            f"`{name}.detach().clone().requires_grad_()`"
        )
    if after.grad is not None and before.grad is None:
        return (
            f"leaves a gradient behind in the caller's `{name}.grad`. Use torch.autograd.grad, "
            "which gives gradients and stores none"
        )
    return None


def _change_of_network(name, before, after):
    old, new = dict(before.named_parameters()), dict(after.named_parameters())
    if old.keys() != new.keys() or any(not _same(old[k].detach(), new[k].detach()) for k in old):
        return f"changes the weights of `{name}`, which is the caller's network"
    if any(new[k].grad is not None and old[k].grad is None for k in old):
        return (
            f"leaves gradients behind in the weights of `{name}`: a backward() inside the function "
            "adds to what the caller collects. Give the loss, or use torch.autograd.grad"
        )
    if any(new[k].requires_grad != old[k].requires_grad for k in old):
        return f"leaves the weights of `{name}` with requires_grad switched"
    if [m.training for m in before.modules()] != [m.training for m in after.modules()]:
        return (
            f"leaves `{name}` in {'training' if after.training else 'evaluation'} mode; put back "
            "the mode it had"
        )
    return None


def _change_of_list(name, before, after):
    if len(before) != len(after):
        return f"changes the length of the caller's list `{name}`; work on a copy, list({name})"
    for a, b in zip(before, after, strict=True):
        changed = _change(name, a, b) if isinstance(a, (torch.Tensor, list)) else None
        if changed or (not isinstance(a, (torch.Tensor, list)) and a is not b and a != b):
            return f"changes the caller's list `{name}`; work on a copy, list({name})"
    return None
