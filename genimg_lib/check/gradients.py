"""Whether an answer lets the gradient through, and what cut it off."""

import warnings

import torch
import torch.nn as nn
from torch.overrides import TorchFunctionMode

from genimg_lib.check import guard
from genimg_lib.check.values import as_oracle

CUTTERS = {
    "item": ".item() makes a plain number of a tensor",
    "__float__": "float() makes a plain number of a tensor",
    "__int__": "int() makes a plain number of a tensor",
    "tolist": ".tolist() makes plain numbers of a tensor",
    "detach": ".detach() cuts it off",
    "detach_": ".detach_() cuts it off",
    "data": ".data cuts it off, as detach() does",
    "numpy": "numpy knows nothing of gradients; stay with torch's functions",
    "__array__": "numpy knows nothing of gradients; stay with torch's functions",
    "tensor": "torch.tensor(...) copies plain numbers; use torch.stack, or the tensor itself",
    "new_tensor": "new_tensor(...) copies plain numbers; use torch.stack, or the tensor itself",
    "no_grad": "it was computed under torch.no_grad()",
}
_METHODS = {
    getattr(torch.Tensor, name): name for name in ("item", "tolist", "detach", "detach_", "numpy")
}
_METHODS |= {
    getattr(torch.Tensor, name): name
    for name in ("__float__", "__int__", "__array__", "new_tensor")
}
_METHODS |= {torch.tensor: "tensor", torch.Tensor.data.__get__: "data"}


class Watch(TorchFunctionMode):
    """Notes what an answer does with tensors that carry a gradient, and with autograd itself."""

    def __init__(self):
        super().__init__()
        self.cutters = []  # names in CUTTERS, in order
        self.graphs = []  # of each gradient taken: was create_graph on?
        self.differentiates = False

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function is torch.autograd.grad or function in (
            torch.Tensor.backward,
            torch.autograd.backward,
        ):
            self.differentiates = True
            self.graphs.append(_creates_graph(function, args, kwargs))
        elif _carries_gradient(args):
            if function in _METHODS:
                self.cutters.append(_METHODS[function])
            elif not torch.is_grad_enabled():
                self.cutters.append("no_grad")
        elif _METHODS.get(function) in ("numpy", "__array__"):
            self.cutters.append("numpy")
        return function(*args, **kwargs)


def _creates_graph(function, args, kwargs):
    place = 4 if function is torch.autograd.grad else 3
    return bool(kwargs.get("create_graph", args[place] if len(args) > place else False))


def _carries_gradient(value):
    if isinstance(value, torch.Tensor):
        return value.requires_grad
    if isinstance(value, (list, tuple)):
        return any(_carries_gradient(part) for part in value)
    return False


def watched(answer, arguments):
    """(what the answer gives, or the error it stops with; the Watch that looked on)."""
    guard.seed(guard.SEED)
    watch = Watch()
    try:
        with torch.enable_grad(), warnings.catch_warnings(), watch:
            warnings.simplefilter("ignore")  # of float(x): the lost gradient is said in our words
            return answer(*arguments), watch
    except Exception as error:
        return error, watch


def uses_autograd(answer, arguments):
    """Whether an answer differentiates by autograd."""
    return watched(answer, _leaves(arguments, range(len(arguments))))[1].differentiates


# ---------------------------------------------------------------- comparing gradients


def problem(answer, right, arguments, names, wanted, blocked=(), tolerance=1e-3):
    """What is wrong with the gradients of an answer with the right values; or None.

    wanted: names of the arguments (tensors, or networks: their weights) that it has to reach.
    blocked: names of those that it must not reach.
    """
    given = _gradients(answer, arguments, names, wanted + blocked)
    if isinstance(given, str):
        return given
    found, watch = given
    exact, _ = _gradients(
        right, tuple(as_oracle(guard.copied(a)) for a in arguments), names, wanted
    )
    for name in wanted:
        if sentence := _compare(name, found[name], exact[name], watch, tolerance):
            return sentence
    for name in blocked:
        if any(g is not None and g.abs().max() > 0 for g in found[name]):
            return BLOCKED.format(name=name)
    return None


BLOCKED = (
    "the value is right, but gradients reach `{name}` as well: wasted work, and wrong gradients "
    "where two steps share a backward"
)
NO_GRAPH = (
    "the value is right, but no gradient reaches the weights of `{name}`, so it would penalise "
    "nothing: torch.autograd.grad needs create_graph=True"
)


def _gradients(function, arguments, names, wanted):
    """({name: gradients by that argument}, Watch), or a sentence where it stops."""
    chosen = [k for k, name in enumerate(names) if name in wanted]
    own = _leaves(arguments, chosen)
    result, watch = watched(function, own)
    if isinstance(result, Exception):
        return (
            f"the value is right, but where {_listed(wanted)} requires a gradient it stops with "
            f"{type(result).__name__}: {result}"
        )
    total = _summed(result)
    try:
        return {names[k]: _by(total, own[k]) for k in chosen}, watch
    except RuntimeError as error:
        return (
            "the value is right, but it cannot be differentiated: "
            f"{' '.join(str(error).split())[:200]}"
        )


def _by(total, argument):
    """The gradients of a number by an argument's leaves; None for each that it does not reach."""
    leaves = _leaves_of(argument)
    if not _differentiable(total):
        return [None] * len(leaves)
    return torch.autograd.grad(total, leaves, allow_unused=True, retain_graph=True)


def _listed(names):
    return " or ".join(f"`{name}`" for name in names)


def _leaves(arguments, chosen):
    """Copies of the arguments; the chosen ones are leaves that collect a gradient."""
    own = guard.copied(tuple(arguments))
    for k in chosen:
        if isinstance(own[k], torch.Tensor) and own[k].is_floating_point():
            own[k].requires_grad_()
    return own


def _leaves_of(argument):
    if isinstance(argument, nn.Module):
        return list(argument.parameters())
    return [argument]


def _differentiable(total):
    return isinstance(total, torch.Tensor) and total.requires_grad


def _summed(result):
    """One number of all that an answer gave, each entry with a weight of its own; or None."""
    entries = _entries(result)
    if not entries:
        return None
    flat = torch.cat([entry.double() for entry in entries])
    return (flat * torch.linspace(0.5, 1.5, len(flat), dtype=flat.dtype, device=flat.device)).sum()


def _entries(result):
    """The floats of a result in order, whether they come in one tensor or in several."""
    if isinstance(result, torch.Tensor):
        return [result.flatten()] if result.is_floating_point() else []
    if isinstance(result, (list, tuple)):
        return [entry for part in result for entry in _entries(part)]
    return []


def _compare(name, found, exact, watch, tolerance):
    """What is wrong with the gradients by one argument, or None."""
    needed = [
        (f, e) for f, e in zip(found, exact, strict=True) if e is not None and e.abs().max() > 0
    ]
    if needed and all(f is None or f.abs().max() == 0 for f, _ in needed):
        return _lost(name, watch)
    if any(f is None for f, _ in needed):
        return (
            f"the value is right, but its gradient reaches a part of `{name}` only{_cause(watch)}"
        )
    for f, e in needed:
        if not f.isfinite().all():
            return (
                f"the value is right, but its gradient by `{name}` is not finite: somewhere a root "
                "of 0, a logarithm of 0 or a 0/0 is differentiated"
            )
        if (f.double() - e).abs().max() > tolerance * e.abs().max():
            return (
                f"the value is right, but its gradient by `{name}` is not, and a part of it is "
                f"lost{_cause(watch)}"
            )
    return None


def _lost(name, watch):
    if watch.graphs and not all(watch.graphs):
        return NO_GRAPH.format(name=name)
    return (
        f"the value is right, but no gradient reaches `{name}`, so nothing can be trained by "
        f"it{_cause(watch)}"
    )


def _cause(watch):
    causes = list(dict.fromkeys(CUTTERS[c] for c in watch.cutters))
    return ": " + "; ".join(causes) if causes else ""
