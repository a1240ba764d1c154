"""What a check raises."""


# the reader sees the name: an answer is wrong, nothing broke
class Wrong(AssertionError):  # noqa: N818
    """An answer that is not right yet, with the reason."""


class Unwritten(Wrong):
    """An answer that has not been written yet."""
