"""How an answer is judged: beside the right one, on inputs it has not seen, and against the usual wrong ones, so that a failure says why."""

import copy
import math

import torch

CATALOGUE = {}  # every check by its name, in the order of the chapters


class Wrong(AssertionError):  # noqa: N818 (the reader sees the name: an answer is wrong, nothing broke)
    """An answer that is not right yet, with the reason."""


class Check:
    """A check of one function that the reader writes: call it with that function.

    name: of the function in the text. right: the right answer. cases: lists of arguments. mistakes: {what went wrong, in a sentence: a function that makes
    that mistake}. tolerance: absolute and relative. also: looks at the answer once its values are right; gives None, or
    what is still wrong with it.
    """

    def __init__(self, name, right, cases, mistakes=None, tolerance=1e-5, also=None):
        self.name, self.right, self.cases, self.mistakes, self.tolerance, self.also = (
            name,
            right,
            cases,
            mistakes or {},
            tolerance,
            also,
        )
        self.__doc__ = f"Judge `{name}`: raises Wrong, with the reason, unless it is right."
        if name in CATALOGUE:
            raise ValueError(f"there are two checks called {name!r}")
        CATALOGUE[name] = self

    def __call__(self, answer):
        if not callable(answer):
            raise Wrong(
                f"{self.name}: give the function itself, check.{self.name}({self.name}), not its value; given {_short(answer)}"
            )
        wanted = [self.right(*case) for case in self.cases]
        given = [self._outcome(answer, case) for case in self.cases]
        wrong = [
            k
            for k, (g, w) in enumerate(zip(given, wanted, strict=True))
            if not _equal(g, w, self.tolerance)
        ]
        if wrong:
            raise Wrong(f"{self.name}: {self._reason(given, wanted, wrong[0])}")
        if self.also and (problem := self.also(answer)):
            raise Wrong(f"{self.name}: {problem}")
        print(
            f"✓ {self.name}: right, on {len(self.cases)} {'input' if len(self.cases) == 1 else 'different inputs'}"
        )

    def _outcome(self, answer, case):
        """What the answer gives, or the Wrong that says how it stopped: a known mistake may stop on some inputs only."""
        try:
            return self._call(answer, case)
        except Wrong as problem:
            if "not written yet" in str(problem):
                raise
            return problem

    def _call(self, answer, case):
        try:
            return answer(*copy.deepcopy(case))
        except NotImplementedError as error:
            if str(error):  # torch has one of its own
                raise Wrong(
                    f"{self.name}: {error}, for {_arguments(case)}.{_hint(error)}"
                ) from error
            raise Wrong(
                f"{self.name}: not written yet; replace `raise NotImplementedError()` by your answer"
            ) from None
        except Wrong:
            raise
        except Exception as error:
            raise Wrong(
                f"{self.name}: stops with {type(error).__name__}: {error}, for {_arguments(case)}.{_hint(error)}"
            ) from error

    def _reason(self, given, wanted, first):
        for text, mistake in self.mistakes.items():
            made = [_attempt(mistake, case) for case in self.cases]
            if all(
                _equal(g, m, self.tolerance) or (m is None and isinstance(g, Wrong))
                for g, m in zip(given, made, strict=True)
            ):
                return text
        if stopped := [g for g in given if isinstance(g, Wrong)]:
            return str(stopped[0]).removeprefix(f"{self.name}: ")
        g, w, case = given[first], wanted[first], self.cases[first]
        if g is None:
            return "gives None. Does it end with `return`?"
        if isinstance(w, tuple) != isinstance(g, (tuple, list)) or (
            isinstance(w, tuple) and len(g) != len(w)
        ):
            return f"should give {len(w) if isinstance(w, tuple) else 'one'} result(s); it gives {_short(g)}"
        if _shape(g) != _shape(w):
            return f"the result has shape {_shape(g)} where {_shape(w)} is wanted, for {_arguments(case)}"
        if _broken(g):
            return f"gives {_short(g)}, not a finite number, for {_arguments(case)}"
        if (factor := _factor(given, wanted)) is not None:
            return f"is {factor:.4g} times the right answer, on every input. Which factor was lost, or counted twice?"
        return f"for {_arguments(case)} it gives {_short(g)}; right is {_short(w)}"


class Property(Check):
    """A check of an answer with more than one right form: holds(answer) gives None, or what is wrong with it in a sentence.

    mistakes: {a part of the sentence that holds() gives: a wrong answer}; kept for the tests.
    """

    def __init__(self, name, right, holds, mistakes=None):
        super().__init__(name, right, [], mistakes)
        self.holds = holds

    def __call__(self, answer):
        if not callable(answer):
            raise Wrong(
                f"{self.name}: give the function itself, check.{self.name}({self.name}), not its value; given {_short(answer)}"
            )
        problem = self.holds(lambda *case: self._call(answer, case))
        if problem:
            raise Wrong(f"{self.name}: {problem}")
        print(f"✓ {self.name}: right")


def _hint(error):
    return (
        " In Python a power is **; ^ is a bitwise exclusive or."
        if "^" in str(error) or "bitwise_xor" in str(error)
        else ""
    )


def _attempt(function, case):
    try:
        return function(*copy.deepcopy(case))
    except Exception:  # a mistake may well crash on some of the inputs
        return None


def _equal(given, wanted, tolerance):
    if isinstance(wanted, tuple):
        return (
            isinstance(given, (tuple, list))
            and len(given) == len(wanted)
            and all(_equal(g, w, tolerance) for g, w in zip(given, wanted, strict=True))
        )
    if (
        given is None
        or isinstance(given, (str, tuple, Wrong))
        or _shape(given) is None
        or _shape(given) != _shape(wanted)
    ):
        return False
    g, w = (torch.as_tensor(v).double() for v in (given, wanted))
    if (
        isinstance(wanted, torch.Tensor)
        and isinstance(given, torch.Tensor)
        and given.is_floating_point() != wanted.is_floating_point()
    ):
        return False
    return torch.allclose(g, w, rtol=tolerance, atol=tolerance, equal_nan=True)


def _shape(value):
    try:
        return list(torch.as_tensor(value).shape)
    except (TypeError, ValueError, RuntimeError):
        return None


def _broken(value):
    values = value if isinstance(value, tuple) else (value,)
    return any(
        _shape(v) is not None and not torch.as_tensor(v).double().isfinite().all() for v in values
    )


def _factor(given, wanted):
    """The number by which every result is wrong, if there is one."""
    if any(
        isinstance(w, tuple) or _shape(g) is None or _shape(g) != _shape(w)
        for g, w in zip(given, wanted, strict=True)
    ):
        return None
    g, w = (
        torch.cat([torch.as_tensor(v).double().flatten() for v in values])
        for values in (given, wanted)
    )
    there = w.abs() > 1e-9
    if not there.any():
        return None
    ratio = g[there] / w[there]
    constant = (
        ratio.isfinite().all()
        and (ratio - ratio[0]).abs().max() < 1e-4 * ratio[0].abs()
        and abs(ratio[0] - 1) > 1e-4
    )
    return ratio[0].item() if constant and len(ratio) > 1 else None


def _arguments(case):
    return ", ".join(_short(value) for value in case) or "no arguments"


def _short(value):
    """A value in a few words: small ones whole, large tensors by their shape and range."""
    if isinstance(value, tuple):
        return "(" + ", ".join(_short(v) for v in value) + ")"
    if isinstance(value, torch.Tensor):
        if value.numel() <= 6:
            return str(
                [round(v, 4) if isinstance(v, float) else v for v in value.flatten().tolist()]
                if value.dim()
                else round(value.item(), 4)
            )
        low, high = value.double().min().item(), value.double().max().item()
        return f"a tensor {list(value.shape)} from {low:.3g} to {high:.3g}"
    if isinstance(value, float):
        return f"{value:.5g}" if math.isfinite(value) else str(value)
    return getattr(value, "__name__", None) or str(value)[:80]
