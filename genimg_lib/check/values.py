"""What an answer gave, made comparable: arrays, numbers, lists, other devices."""

import math
from collections.abc import Iterator

import numpy as np
import torch

NUMBERS = (bool, int, float)


def settled(value):
    """A result as tensors on the CPU, Python numbers and tuples; the rest as it is."""
    if isinstance(value, torch.Tensor):
        return value.detach().to("cpu").to_dense().resolve_conj().resolve_neg()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return _of_array(value)
    if isinstance(value, (list, tuple, Iterator)):
        return tuple(settled(part) for part in value)
    return value


def _of_array(array):
    if array.dtype.kind not in "biufc":
        return array
    if array.ndim == 0:
        return array.item()
    return torch.as_tensor(np.ascontiguousarray(array).astype(array.dtype.newbyteorder("=")))


def as_tensor(value):
    """A settled value as one tensor, also a list of numbers; None where it is no such thing."""
    if isinstance(value, torch.Tensor):
        return value
    if isinstance(value, int) and abs(value) >= 2**63:  # more than a tensor's whole numbers
        value = float(value) if abs(value) < 2**1000 else math.inf
    if isinstance(value, NUMBERS):
        return torch.tensor(value, dtype=torch.float64 if isinstance(value, float) else None)
    if isinstance(value, tuple) and value:
        parts = [as_tensor(part) for part in value]
        if any(p is None for p in parts) or any(
            isinstance(v, torch.Tensor) and v.dim() for v in value
        ):
            return None
        if any(p.shape != parts[0].shape for p in parts):
            return None
        return torch.stack([p.double() if _any_floats(parts) else p for p in parts])
    return None


def _any_floats(parts):
    return any(p.is_floating_point() for p in parts) or len({p.dtype for p in parts}) > 1


def doubles(value):
    """A settled value as a float64 tensor, or None. Whole numbers too large for it lose digits."""
    try:
        tensor = as_tensor(value)
    except (RuntimeError, OverflowError):
        return None
    if tensor is None or tensor.is_complex():
        return None
    return tensor.double()


def parts_of(given, wanted):
    """Both as tuples of as many results as wanted, or None where the given ones are not as many.

    One stacked tensor may stand for a tuple, as in `u, v = answer(...)`.
    """
    if not isinstance(wanted, tuple):
        return (given,), (wanted,)
    if isinstance(given, torch.Tensor) and given.dim() and len(given) == len(wanted):
        given = tuple(given)
    if not isinstance(given, tuple) or len(given) != len(wanted):
        return None
    return given, wanted


def equal(given, wanted, tolerance):
    """Whether settled results agree: as many, alike in shape and kind, and near enough in value."""
    parts = parts_of(given, wanted)
    if parts is None:
        return False
    return all(same_kind(g, w) and near(g, w, tolerance) for g, w in zip(*parts, strict=True))


def near(given, wanted, tolerance):
    """Whether two results have the same shape and nearly the same numbers, of whatever kind."""
    g, w = doubles(given), doubles(wanted)
    if g is None or w is None or g.shape != w.shape:
        return False
    if isinstance(wanted, int) or (kind_of(as_tensor(wanted)) != "floats"):
        return bool(((g - w).abs() <= 1e-9 * w.abs()).all())
    return not differing(g, w, tolerance).any()


def differing(given, wanted, tolerance):
    """Where two float64 tensors of one shape differ: a bool tensor. Infinities have to be alike."""
    alike = (given == wanted) | (given.isnan() & wanted.isnan())
    off = (given - wanted).abs() > allowed(wanted, tolerance)
    return ~alike & (off | ~given.isfinite() | ~wanted.isfinite())


def allowed(wanted, tolerance):
    """How far a number may be off: a share of itself and of the largest one beside it."""
    finite = wanted[wanted.isfinite()].abs()
    largest = finite.max() if finite.numel() else torch.zeros(())
    return tolerance * wanted.abs() + 0.1 * tolerance * largest + 1e-6


KINDS = {
    "bytes": (torch.uint8,),
    "whole numbers": (torch.int64, torch.int32, torch.int16, torch.int8),
    "truth values": (torch.bool,),
}


def kind_of(tensor):
    """What a tensor holds, in words."""
    if tensor.is_complex():
        return "complex numbers"
    return next((name for name, types in KINDS.items() if tensor.dtype in types), "floats")


def same_kind(given, wanted):
    """Whether the numbers are of the kind wanted; only tensors have one."""
    if not isinstance(given, torch.Tensor) or not isinstance(wanted, torch.Tensor):
        return not isinstance(given, (complex, str))
    return kind_of(given) == kind_of(wanted)


def as_oracle(value):
    """Arguments for the right answer: floats in double precision, networks too."""
    if isinstance(value, torch.Tensor):
        return value.detach().double() if value.is_floating_point() else value.clone()
    if isinstance(value, torch.nn.Module):
        return value.double()
    if isinstance(value, (list, tuple)):
        return type(value)(as_oracle(part) for part in value)
    return value


def weight(value):
    """How large an argument is, to put the smallest case first."""
    if isinstance(value, torch.Tensor):
        return value.numel() + value.double().abs().clamp(max=1e6).sum().item() * 1e-3
    if isinstance(value, (list, tuple)):
        return 1 + sum(weight(part) for part in value)
    if isinstance(value, NUMBERS) and math.isfinite(value):
        return min(abs(value), 1e6) ** 0.5
    return 0
