"""The errors that the course raises, whose messages are written for people."""


class DataError(RuntimeError):
    """A file that is missing or damaged; says which, what was tried and what to do."""


class TrainingError(RuntimeError):
    """A training that must not go on, or that did not reach what was expected of it."""


def unknown(kind, name, known):
    """The ValueError for a name that is not known, with those that are.

    kind: what is named, "data set".
    name: what was given.
    known: the names that there are.
    """
    return ValueError(f"unknown {kind} {name!r}; known: {', '.join(map(str, known))}")
