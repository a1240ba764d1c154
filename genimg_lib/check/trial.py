"""One answer on all inputs of a check: what it gives there, and what is right."""

from dataclasses import dataclass

from genimg_lib.check import guard
from genimg_lib.check.cases import shrunk
from genimg_lib.check.values import as_oracle, equal, settled


def truth(right, arguments):
    """What the right answer gives, in double precision, settled."""
    guard.seed(guard.SEED)
    return settled(right(*as_oracle(guard.copied(tuple(arguments)))))


@dataclass
class Trial:
    """An answer's outcomes beside what is wanted, case by case, the smallest case first."""

    name: str
    answer: object
    right: object
    names: tuple  # of the arguments
    cases: list
    outcomes: list
    wanted: list
    tolerance: float
    rights: tuple = ()  # all right answers, this one first

    def __post_init__(self):
        both = zip(self.outcomes, self.wanted, strict=True)
        self.wrong = [o.stopped or not equal(o.value, w, self.tolerance) for o, w in both]

    @property
    def is_right(self):
        return not any(self.wrong)

    @property
    def changes(self):
        """Sentences about changed arguments, each once."""
        return list(dict.fromkeys(sentence for o in self.outcomes for sentence in o.changes))

    def smallest(self, stopped=False):
        """(case, outcome, what is wanted) of the smallest wrong input, or stop."""
        chosen = [k for k, o in enumerate(self.outcomes) if self.wrong[k] and o.stopped == stopped]
        case = shrunk(self.cases[chosen[0]], lambda c: self._fails(c, stopped))
        return case, guard.call(self.answer, case.arguments), truth(self.right, case.arguments)

    def _fails(self, case, stopped):
        outcome = guard.call(self.answer, case.arguments)
        if outcome.stopped or stopped:
            return outcome.stopped and stopped
        return not equal(outcome.value, truth(self.right, case.arguments), self.tolerance)

    def without_stops(self):
        """The same on the inputs that the answer does not stop on."""
        kept = [k for k, o in enumerate(self.outcomes) if not o.stopped]
        rows = ([all_of[k] for k in kept] for all_of in (self.cases, self.outcomes, self.wanted))
        return Trial(
            self.name, self.answer, self.right, self.names, *rows, self.tolerance, self.rights
        )

    def with_smallest(self):
        """The same, its smallest wrong input among the cases: what is said has to hold there."""
        case, outcome, wanted = self.smallest()
        if any(case is known for known in self.cases):
            return self
        rows = [case, *self.cases], [outcome, *self.outcomes], [wanted, *self.wanted]
        return Trial(
            self.name, self.answer, self.right, self.names, *rows, self.tolerance, self.rights
        )

    def right_cases(self):
        """The cases on which the answer is right."""
        return [case for case, wrong in zip(self.cases, self.wrong, strict=True) if not wrong]


def tried(name, answer, references, cases, names, tolerance):
    """A Trial of an answer against the reference that it comes nearest to.

    references: [(right answer, what it gives for each case)].
    """
    outcomes = [guard.call(answer, case.arguments, names) for case in cases]
    rights = tuple(right for right, _ in references)
    trials = [
        Trial(name, answer, right, names, cases, outcomes, wanted, tolerance, rights)
        for right, wanted in references
    ]
    return min(trials, key=lambda trial: sum(trial.wrong))
