"""Tables of answers as students write them: what a check should say of each."""

from dataclasses import dataclass

ANSWERS = {}  # the name of a table's module -> its answers, in order


@dataclass(frozen=True)
class Answer:
    """An answer to an exercise.

    check: notebook.name.
    cause: a regular expression that the reason has to match; empty for a right answer.
    """

    check: str
    function: object
    cause: str = ""

    @property
    def is_right(self):
        return not self.cause


def right(check):
    """The decorated function is a right answer of a check, written in another style."""
    return _noted(check, "")


def wrong(check, cause):
    """The decorated function is wrong; cause: what the message has to say, a regular expression."""
    return _noted(check, cause)


def _noted(check, cause):
    def note(function):
        ANSWERS.setdefault(function.__module__, []).append(Answer(check, function, cause))
        return function

    return note
