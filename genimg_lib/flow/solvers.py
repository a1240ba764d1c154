"""From one end of a path to the other, by steps: ordinary equations and those with noise.

Each is a generator: it yields the points at every time, the first ones included, so a walk can be
watched and stopped. velocity(x, t): points [N, ...] and times [N] to velocities like x.
"""

import itertools

import torch


def euler(velocity, x, times):
    """Along the velocity at each step's beginning: order 1, a call a step.

    times: numbers, increasing or decreasing; one more than steps.
    Raises ValueError for a velocity of another shape.
    """
    yield x
    for t, s in steps_of(times):
        x = x + (s - t) * _like(x, velocity(x, at_all(t, x)))
        yield x


def heun(velocity, x, times):
    """By the mean of the velocities at both ends of a step: order 2, two calls a step.

    Raises ValueError for a velocity of another shape.
    Source: Heun 1900; for flows, Karras et al. 2022 (arXiv:2206.00364), algorithm 1.
    """
    yield x
    for t, s in steps_of(times):
        first = _like(x, velocity(x, at_all(t, x)))
        second = _like(x, velocity(x + (s - t) * first, at_all(s, x)))
        x = x + (s - t) * (first + second) / 2
        yield x


def noisy(velocity, score, x, times, noise, strength):
    """The equation with noise that has the same p_t at every time, by Euler's steps.

    dx = (v + g² / 2 score) dt + g dW, for times that increase.
    score(x, t): the gradient of log p_t, like x. strength(t): g, a number. noise: normal, [steps,
        *x.shape].
    Raises ValueError for times that do not increase and for noise of another shape.
    Source: Song et al. 2021 (arXiv:2011.13456), section 4.3 and appendix D; with g free, Albergo et
        al. 2023 (arXiv:2303.08797).
    """
    steps = steps_of(times, "up")
    check_noise(noise, steps, x)
    yield x
    for (t, s), eps in zip(steps, noise, strict=True):
        g, at = strength(t), at_all(t, x)
        drift = velocity(x, at) + g**2 / 2 * score(x, at)
        x = x + (s - t) * drift + g * (s - t) ** 0.5 * eps
        yield x


def langevin(score, x, step, noise):
    """A walk at one noise level that ends in the density whose score it is: yields x.

    x <- x + step score + sqrt(2 step) eps. noise: [steps, *x.shape].
    Raises ValueError for a step that is not above 0 and for noise of another shape.
    Source: Song and Ermon 2019 (arXiv:1907.05600), section 2.2, with step for their epsilon / 2.
    """
    if not step > 0:
        raise ValueError(f"expected a step above 0, got {step}")
    check_noise(noise, noise, x)
    yield x
    for eps in noise:
        x = x + step * score(x) + (2 * step) ** 0.5 * eps
        yield x


def last(walk):
    """The end of a walk.

    Raises ValueError for a walk that was walked already, since a generator runs once.
    """
    end = None
    for x in walk:
        end = x
    if end is None:
        raise ValueError("there is nothing left of this walk: it was walked already; make it anew")
    return end


class Counted:
    """A function that counts how often it was called: what a solver costs."""

    def __init__(self, function):
        self.function, self.calls = function, 0

    def __call__(self, *inputs):
        self.calls += 1
        return self.function(*inputs)


def steps_of(times, direction=""):
    """The steps between times, as pairs: [(t, s), ...].

    Raises ValueError for fewer than two times, and, with direction "up", for times that do not
    increase within [0, 1].
    """
    times = [float(t) for t in times]
    if len(times) < 2:
        raise ValueError(f"expected two times or more, got {times}")
    steps = list(itertools.pairwise(times))
    if direction == "up" and not all(0 <= t < s <= 1 for t, s in steps):
        raise ValueError(f"expected times that increase within [0, 1], got {_said(times)}")
    return steps


def check_noise(noise, steps, x):
    """Raises ValueError unless there is noise like x for each step: [steps, *x.shape]."""
    wanted = [len(steps), *x.shape]
    given = None if noise is None else list(noise.shape)
    if given != wanted:
        raise ValueError(f"expected noise {wanted}, got {'none' if given is None else given}")


def at_all(t, x):
    """One time for all points: [N]."""
    return torch.full((len(x),), t, dtype=x.dtype, device=x.device)


def _like(x, velocity):
    """A velocity. Raises ValueError unless it has the shape of x."""
    if velocity.shape != x.shape:
        raise ValueError(f"expected a velocity {list(x.shape)}, got {list(velocity.shape)}")
    return velocity


def _said(times):
    return ", ".join(f"{t:g}" for t in times[:4]) + (" ..." if len(times) > 4 else "")
