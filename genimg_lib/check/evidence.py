"""What is known of a wrong answer: its results beside the right ones, one part at a time."""

from dataclasses import dataclass

import torch

from genimg_lib.check import guard
from genimg_lib.check.values import as_oracle, differing, doubles, parts_of, settled


@dataclass
class Evidence:
    """One part of the results of an answer, for all cases.

    rights: all right answers, the one that is meant first.
    given, wanted: float64 tensors, None in given where there is no such tensor.
    wrong: case by case.
    part: which of several results this is, or None where there is one.
    """

    answer: object
    rights: tuple
    names: tuple
    cases: list
    given: list
    wanted: list
    wrong: list
    tolerance: float
    part: int | None = None

    @property
    def first(self):
        """The number of the smallest case that is wrong."""
        return self.wrong.index(True)

    @property
    def failing(self):
        """(given, wanted, case) of the wrong cases."""
        rows = zip(self.given, self.wanted, self.cases, self.wrong, strict=True)
        return [row[:3] for row in rows if row[3]]

    @property
    def comparable(self):
        """Whether every wrong case gave a tensor of the shape wanted."""
        return all(g is not None and g.shape == w.shape for g, w, _ in self.failing)

    @property
    def has_many_numbers(self):
        """Whether there is more than one number: one alone is a multiple of any other."""
        return sum(w.numel() for _, w, _ in self.failing) > 1

    def agree(self, given, wanted):
        """Whether two tensors are the same, within the tolerance."""
        if given is None or wanted is None or given.shape != wanted.shape:
            return False
        return not differing(given, wanted, self.tolerance).any()

    def all_agree(self, change):
        """Whether what is given is change(wanted) in every wrong case."""
        return self.comparable and all(self.agree(g, change(w)) for g, w, _ in self.failing)

    def all_agree_sorted(self):
        """Whether the right numbers are given in another order in every wrong case."""
        if not self.comparable:
            return False
        return all(
            self.agree(*(t.flatten().sort().values for t in (g, w))) for g, w, _ in self.failing
        )

    def ask(self, arguments, number=guard.SEED):
        """What the answer gives for other arguments: a tensor of this part, or None."""
        outcome = guard.call(self.answer, arguments, number=number)
        return None if outcome.stopped else self._take(outcome.value, self._known(arguments))

    def know(self, arguments, right=None):
        """What is right for other arguments, of this part; None where nothing is."""
        value = self._known(arguments, right)
        return None if value is None else self._take(value, value)

    def _known(self, arguments, right=None):
        try:
            return settled((right or self.rights[0])(*as_oracle(guard.copied(tuple(arguments)))))
        except Exception:  # other arguments may make no sense
            return None

    def _take(self, value, wanted):
        return _part(value, wanted, self.part)


def evidence_of(trial):
    """A list of Evidence, one for each result of a Trial that is wrong somewhere."""
    several = isinstance(trial.wanted[0], tuple)
    parts = range(len(trial.wanted[0])) if several else (None,)
    every = (_of_part(trial, part) for part in parts)
    return [e for e in every if any(e.wrong)]


def _of_part(trial, part):
    rows = list(zip(trial.outcomes, trial.wanted, strict=True))
    given = [_part(o.value, wanted, part) for o, wanted in rows]
    wanted = [_part(w, w, part) for w in trial.wanted]
    e = Evidence(
        answer=trial.answer,
        rights=(trial.right, *trial.rights),
        names=trial.names,
        cases=trial.cases,
        given=given,
        wanted=wanted,
        wrong=[],
        tolerance=trial.tolerance,
        part=part,
    )
    e.wrong = [
        not o.stopped and not e.agree(g, w)
        for o, g, w in zip(trial.outcomes, given, wanted, strict=True)
    ]
    return e


def _part(value, wanted, part):
    """One of several results as a float64 tensor, all of it where part is None."""
    if part is None:
        return doubles(value)
    parts = parts_of(value, wanted) if isinstance(wanted, tuple) else None
    return doubles(parts[0][part]) if parts else None


def argument(case, k):
    """Argument k of a case; None where it has fewer."""
    return case.arguments[k] if k < len(case.arguments) else None


def tensors(case):
    """{place: tensor} of the float arguments of a case that are tensors."""
    arguments = case.arguments
    return {k: v for k, v in enumerate(arguments) if isinstance(v, torch.Tensor)}


def first_axis(case, result):
    """The arguments whose first axis is as long as the result's: those of a batch."""
    if not result.dim():
        return []
    return [k for k, v in tensors(case).items() if v.dim() and len(v) == len(result)]
