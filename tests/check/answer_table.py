"""Tables of answers as students write them: what a check should say of each."""

from dataclasses import dataclass

ANSWERS = {}  # the name of a table's module -> its answers, in order


@dataclass(frozen=True)
class Answer:
    """An answer to an exercise.

    check: notebook.name.
    cause: a regular expression that the reason has to match; empty for a right answer.
    is_told: whether the reason names the cause; else it shows the smallest input alone.
    """

    check: str
    function: object
    cause: str = ""
    is_told: bool = True

    @property
    def is_right(self):
        return not self.cause


def right(check):
    """The decorated function is a right answer of a check, written in another style."""
    return _noted(check, "")


def wrong(check, cause):
    """The decorated function is wrong; cause: what the message has to say, a regular expression."""
    return _noted(check, cause)


def untold(check, shown):
    """The decorated function is wrong, for a cause that is not told; shown: what is said."""
    return _noted(check, shown, is_told=False)


def _noted(check, cause, is_told=True):
    def note(function):
        answer = Answer(check, function, cause, is_told)
        ANSWERS.setdefault(function.__module__, []).append(answer)
        return function

    return note
