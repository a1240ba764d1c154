"""How an answer is judged: beside the right one, on inputs that it has not seen.

A check knows usual mistakes, so that a failure says why. What it does not know it looks into:
`variants` for what one change of the right answer gives, `probes` for facts about the results,
`conditions` for the inputs on which they are wrong.
"""

import functools

from genimg_lib.check import gradients, guard, reasons, variants
from genimg_lib.check.cases import ordered
from genimg_lib.check.trial import tried, truth
from genimg_lib.check.wording import call_of, hint, plural, show, stopped
from genimg_lib.check.wrong import Unwritten, Wrong


class Check:
    """A check of one function that the reader writes: call it with that function.

    name: of the function in the text.
    right: the right answer; its parameters are named like the reader's.
    cases: tuples of arguments, and what `cases.drawn` gives.
    mistakes: {what went wrong, in a sentence: a function that makes that mistake}.
    also_right: other right answers; one of them has to agree on all inputs.
    forms: the right answer as others would write it, for `variants` of it.
    tolerance: relative to each number; a tenth of it relative to the largest one beside it.
    gradient: names of the arguments that the answer's gradient has to reach, as in training.
    blocked: names of the arguments that it must not reach.
    gradient_hint: what to do where the gradient is wrong.
    up_to: (result) -> what of it counts, for answers that may differ in the rest.
    also: looks at an answer whose values are right; gives None, or what is still wrong.
    """

    def __init__(
        self,
        name,
        right,
        cases,
        mistakes=None,
        *,
        also_right=(),
        forms=(),
        tolerance=1e-4,
        gradient=(),
        blocked=(),
        gradient_hint="",
        up_to=None,
        also=None,
    ):
        self.name, self.cases, self.tolerance, self.up_to = name, ordered(cases), tolerance, up_to
        self.right, self.also_right = self._reduced(right), tuple(map(self._reduced, also_right))
        self.mistakes = {
            text: self._each(functions) for text, functions in (mistakes or {}).items()
        }
        self.forms = forms
        self.gradient, self.blocked = tuple(gradient), tuple(blocked)
        self.gradient_hint, self.also = gradient_hint, also
        self.__doc__ = f"Judge `{name}`: raises Wrong, with the reason, unless it is right."
        self._references = self._found = None

    def _each(self, functions):
        functions = functions if isinstance(functions, tuple) else (functions,)
        return tuple(map(self._reduced, functions))

    def _reduced(self, function):
        """A function that gives what counts of the result alone."""
        if self.up_to is None:
            return function

        @functools.wraps(function)
        def reduced(*arguments):
            return self.up_to(function(*arguments))

        return reduced

    def __call__(self, answer):
        with guard.known_settings():
            try:
                problem = _not_a_function(self.name, answer) or self.problem(answer)
            except Wrong as wrong:
                problem = str(wrong)
        if problem:
            raise Wrong(f"{self.name}: {problem}")
        print(f"✓ {self.name}: right{self._tries()}")

    def _tries(self):
        return f", on {plural(len(self.cases), 'different input')}" if len(self.cases) > 1 else ""

    def problem(self, answer):
        """What is wrong with an answer, in words; None if it is right."""
        arguments = max((case.arguments for case in self.cases), key=len)
        own = guard.names_of(self.right, len(arguments))
        if problem := guard.arity_problem(answer, arguments, own):
            return problem
        names = guard.names_of(answer, len(arguments), own)
        answer = self._reduced(answer)
        trial = tried(self.name, answer, self.references(), self.cases, names, self.tolerance)
        if not trial.is_right:
            return reasons.explain(trial, self.mistakes, self._variants)
        return self._beyond_values(answer, trial, own, names)

    def _beyond_values(self, answer, trial, own, names):
        """What is wrong with an answer whose values are right."""
        if trial.changes:
            return f"the result is right, but it {trial.changes[0]}."
        if self.gradient and (problem := self._lost_gradient(answer, trial, own, names)):
            return f"{problem}. {self.gradient_hint}".rstrip()
        return _inside(self.also, answer) if self.also else None

    def _variants(self):
        """The right answers with one thing changed, as further mistakes."""
        if self._found is None:
            self._found = {}
            for right in (self.right, *self.also_right, *self.forms):
                self._found = variants.of(right, self._reduced) | self._found
        return self._found

    def _lost_gradient(self, answer, trial, own, names):
        """What is wrong with the gradient, on the largest input of moderate numbers."""
        wanted, blocked = (
            tuple(names[own.index(name)] for name in some) for some in (self.gradient, self.blocked)
        )
        case = next((case for case in reversed(self.cases) if _is_moderate(case)), self.cases[-1])
        return gradients.problem(answer, trial.right, case.arguments, names, wanted, blocked)

    def references(self):
        """[(right answer, what it gives for each case)], computed once."""
        if self._references is None:
            rights = (self.right, *self.also_right)
            self._references = [
                (r, [truth(r, case.arguments) for case in self.cases]) for r in rights
            ]
        return self._references


class Property(Check):
    """A check of an answer that may have many forms, or is random.

    holds: (ask) -> None, or what is wrong in a sentence; ask(*arguments) calls the answer safely
    and gives a settled value.
    mistakes: {a part of the sentence that holds gives: a wrong answer}; kept for the tests.
    in_place: whether the answer may change its arguments.
    """

    def __init__(self, name, right, holds, mistakes=None, *, in_place=False):
        super().__init__(name, right, [], mistakes)
        self.holds, self.in_place = holds, in_place

    def problem(self, answer):
        changes = []

        def ask(*arguments):
            outcome = self._ask(answer, arguments)
            changes.extend(outcome.changes)
            return outcome.value

        ask.answer = answer  # as it is, for what has to be seen from within
        problem = _inside(self.holds, ask)
        if not problem and changes and not self.in_place:
            return f"the result is right, but it {changes[0]}."
        return problem

    def _ask(self, answer, arguments):
        own = guard.names_of(self.right, len(arguments))
        if problem := guard.arity_problem(answer, arguments, own):
            raise Wrong(problem)
        names = guard.names_of(answer, len(arguments), own)
        outcome = guard.call(answer, arguments, names)
        if outcome.stopped:
            call = call_of(self.name, names, arguments)
            raise Wrong(f"{stopped(outcome.error, outcome.line)}, for {call}.{hint(outcome.error)}")
        if outcome.value is None:
            raise Wrong("gives None. Does it end with `return`?")
        return outcome


def checks_of(module):
    """{name: check} of a notebook's module, in the order in which they stand there."""
    return {name: c for name, c in vars(module).items() if isinstance(c, Check)}


def _not_a_function(name, answer):
    if callable(answer):
        return None
    return (
        f"expected the function itself, check.{name}({name}), got {show(answer)}. Leave the "
        "parentheses away"
    )


def _is_moderate(case):
    return all(
        a.isfinite().all() and a.abs().max() < 50 for a in case.arguments if _holds_floats(a)
    )


def _holds_floats(argument):
    return (
        hasattr(argument, "is_floating_point") and argument.is_floating_point() and argument.numel()
    )


def _inside(function, answer):
    """function(answer); an error in it is about what the answer gave, and is said as such."""
    try:
        return function(answer)
    except Unwritten:
        raise
    except Wrong as wrong:
        return str(wrong)
    except Exception as error:
        return f"what it gives cannot be used: {stopped(error)}.{hint(error)}"
