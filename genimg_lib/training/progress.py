"""What one sees of a training: a progress line with live metrics, and a picture below it."""

import time

from tqdm import tqdm

from genimg_lib import plots


class Window:
    """One progress line with live metrics and time left, and a picture below it.

    Only the first process has one.
    """

    def __init__(self, run, label, steps, done):
        self.quiet = not run.is_main
        self.picture, self.label = None, label
        self.live = plots.LiveText() if plots.in_notebook() and run.is_main else None
        self.bar = tqdm(
            total=steps,
            initial=done,
            desc=label,
            unit=" steps",
            file=self.live,
            disable=self.quiet,
            ncols=88,
            mininterval=0.5,
            ascii=" ━",
        )
        self._next = 0.0

    def update(self, step, history):
        if self.quiet:
            return
        now = time.perf_counter()
        if now >= self._next:
            self._metrics(history)
            self._next = now + 0.5
        self.bar.update(step - self.bar.n)

    def _metrics(self, history):
        self.bar.set_postfix(
            {k: f"{v[-1]:.4g}" for k, v in list(history.items())[1:5] if v}, refresh=False
        )

    def show(self, images, title):
        if not self.quiet:
            self.picture = plots.preview(images, f"{self.label}, {title}", self.picture)

    def close(self, history):
        if not self.quiet:
            self._metrics(history)
            self.bar.refresh()
            self.bar.close()
