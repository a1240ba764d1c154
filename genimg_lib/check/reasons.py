"""Why an answer is wrong: known mistakes, verified facts, the smallest input."""

import warnings

import torch

from genimg_lib.check import conditions, guard, probes, shapes
from genimg_lib.check.evidence import evidence_of
from genimg_lib.check.values import (
    as_tensor,
    differing,
    doubles,
    kind_of,
    near,
    parts_of,
    same_kind,
)
from genimg_lib.check.wording import call_of, hint, ordinal, plural, show, stopped, what_is


def explain(trial, mistakes, more=dict):
    """All that is known about a wrong answer, as text.

    more: () -> further mistakes, which are asked for where those do not explain it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is tried here, which is not the reader's
        return _joined(*_said(trial, mistakes, more), _changed(trial))


def _said(trial, mistakes, more):
    """The sentences about a wrong answer, the cause first."""
    stops = any(o.stopped for o in trial.outcomes)
    if sentence := known(trial, mistakes) or _varied(trial, more):
        return sentence, _stop(trial) if stops else example(trial)
    if stops:
        return _stop(trial, stopping_mistake(trial, mistakes)), _else(trial, mistakes)
    return structure(trial) or found_out(trial.with_smallest()), example(trial)


def _varied(trial, more):
    """A sentence of the further mistakes; None where the numbers are few, or right."""
    if _numbers(trial) < 2 or structure(trial):
        return None
    return known(trial, more())


def _joined(*sentences):
    kept = [s.rstrip() for s in sentences if s]
    return "\n".join(s if s.endswith((".", "?", "!")) else s + "." for s in kept)


def _changed(trial):
    return f"Besides, it {trial.changes[0]}" if trial.changes else ""


# ---------------------------------------------------------------- known mistakes


def known(trial, mistakes):
    """The sentence of the mistake that gives the same values; or None."""
    if all(o.stopped for o, wrong in zip(trial.outcomes, trial.wrong, strict=True) if wrong):
        return None
    return next((sentence for sentence, mistake in _each(mistakes) if _makes(trial, mistake)), None)


def stopping_mistake(trial, mistakes):
    """The sentence of a mistake that stops on the same inputs with the very same error; or None."""
    found = (
        sentence for sentence, mistake in _each(mistakes) if _makes(trial, mistake, same_text=True)
    )
    return next(found, None)


def _each(mistakes):
    """(sentence, mistake); a sentence may have several."""
    return ((sentence, one) for sentence, functions in mistakes.items() for one in functions)


def _makes(trial, mistake, same_text=False):
    """Whether a mistake gives the answer's values, and stops where it stops, alike."""
    cases = sorted(
        zip(trial.wrong, trial.cases, trial.outcomes, strict=True), key=lambda row: not row[0]
    )
    for _, case, outcome in cases:  # the wrong ones first: most mistakes differ there
        made = guard.call(mistake, case.arguments)
        if outcome.stopped != made.stopped or type(outcome.error) is not type(made.error):
            return False
        if same_text and str(outcome.error) != str(made.error):
            return False
        if not outcome.stopped and not _alike(outcome.value, made.value, trial.tolerance):
            return False
    return True


def _alike(given, made, tolerance):
    """Whether two results have the same numbers, of whatever kind."""
    parts = parts_of(given, made)
    if parts is None:
        return False
    return all(
        doubles(m) is not None and near(g, m, tolerance) for g, m in zip(*parts, strict=True)
    )


# ---------------------------------------------------------------- errors


def _stop(trial, sentence=None):
    """What an answer stopped with, on its smallest input."""
    case, outcome, _ = trial.smallest(stopped=True)
    text = (
        f"{stopped(outcome.error, outcome.line)}, for "
        f"{call_of(trial.name, trial.names, case.arguments)}."
    )
    return text + (f" {sentence}" if sentence else hint(outcome.error))


def _else(trial, mistakes):
    """How an answer that stops somewhere does on the other inputs."""
    others = trial.without_stops()
    if not others.cases:
        return ""
    if others.is_right:
        return f"It is right on the other {plural(len(others.cases), 'input')}"
    telling = mistakes if _numbers(others) > 1 else {}  # one number fits many a mistake
    return f"Where it does not stop: {explain(others, telling)}"


def _numbers(trial):
    """How many numbers are wanted, over all inputs."""
    parts = [
        w for wanted in trial.wanted for w in (wanted if isinstance(wanted, tuple) else [wanted])
    ]
    return sum(tensor.numel() for tensor in map(doubles, parts) if tensor is not None)


# ---------------------------------------------------------------- results of another kind


def structure(trial):
    """A sentence about results that cannot be compared with what is wanted, or None."""
    rows = list(zip(trial.outcomes, trial.wanted, trial.wrong, strict=True))
    for outcome, wanted, wrong in reversed(rows):  # large inputs tell more about shapes
        sentence = _structure(outcome, wanted, trial.tolerance) if wrong else None
        if sentence:
            return sentence
    return None


def _structure(outcome, wanted, tolerance):
    given = outcome.value
    if given is None:
        return "gives None. Does it end with `return`?"
    parts = parts_of(given, wanted)
    if parts is None:
        return f"expected {what_is(wanted)}, got {what_is(given)}"
    for k, (g, w) in enumerate(zip(*parts, strict=True)):
        which = f"the {ordinal(k)} result: " if isinstance(wanted, tuple) else ""
        if sentence := _not_a_tensor(g, w, outcome.raw, tolerance) or _kind(g, w, tolerance):
            return which + sentence
    return None


def _not_a_tensor(given, wanted, raw, tolerance):
    expected = "one number" if not doubles(wanted).dim() else what_is(as_tensor(wanted))
    if type(raw).__module__ == "torch.return_types":
        return (
            f"expected {expected}, got (values, indices), which torch's {type(raw).__name__} gives "
            "along an axis: take .values or .indices"
        )
    if doubles(given) is not None:
        return None
    if isinstance(given, tuple) and given and all(isinstance(g, torch.Tensor) for g in given):
        if len({g.shape for g in given}) == 1 and near(torch.stack(given), wanted, tolerance):
            return (
                f"the numbers are right, but in {plural(len(given), 'tensor')}. torch.stack makes "
                "one tensor of them"
            )
        return f"expected {expected}, got {plural(len(given), 'tensor')} in a list"
    if isinstance(given, torch.Tensor):
        return f"expected {expected}, got complex numbers"
    return f"expected {expected}, got {what_is(given)}"


CONVERT = {
    "bytes": ".to(torch.uint8)",
    "floats": ".float()",
    "whole numbers": ".long()",
    "truth values": ".bool()",
}


def _kind(given, wanted, tolerance):
    """What is wrong with the kind of numbers that are right otherwise, or None."""
    if same_kind(given, wanted) or not near(given, wanted.double(), max(tolerance, 1e-4)):
        return None
    have, want = kind_of(given), kind_of(wanted)
    return (
        f"the numbers are right, but of another kind: expected {want} ({_type_of(wanted)}), got "
        f"{have} ({_type_of(given)}). End with {CONVERT[want]}"
    )


def _type_of(tensor):
    return str(tensor.dtype).removeprefix("torch.")


# ---------------------------------------------------------------- facts


def found_out(trial):
    """What probes verify about the results, in sentences."""
    every = evidence_of(trial)
    if not every:
        return "is wrong"
    return _of_one(every[0], "the result") if every[0].part is None else _of_several(trial, every)


def _of_several(trial, every):
    """Facts about a tuple of results."""
    count = len(trial.wanted[0])
    if count == 2 and _exchanged(trial):
        return "the two results are exchanged"
    facts = [_fact(e) for e in every]
    if len(every) == count and len(set(facts)) == 1 and facts[0]:
        return _of_one(every[0], "each of the results")
    if len(every) == count and not any(facts):
        return "each of the results is wrong"
    others = [k for k in range(count) if k not in [e.part for e in every]]
    which = f"the {ordinal(every[0].part)} of the {count} results"
    right = f"The {ordinal(others[0])} one is right." if len(others) == 1 else ""
    return _joined(_of_one(every[0], which), right)


def _exchanged(trial):
    for o, w, wrong in zip(trial.outcomes, trial.wanted, trial.wrong, strict=True):
        parts = parts_of(o.value, w)
        if wrong and not all(
            near(g, x, trial.tolerance) for g, x in zip(parts[0], w[::-1], strict=True)
        ):
            return False
    return True


def _fact(e):
    if sentence := probes.exchanged_arguments(e) or shapes.explain(e):
        return sentence
    return next(filter(None, (probe(e) for probe in probes.IN_ORDER)), None)


def _of_one(e, subject):
    """Facts about one result: what it is, on which inputs it is wrong, and in which entries."""
    fact, where, entries = _fact(e), conditions.of_inputs(e), conditions.of_entries(e)
    sentences = [_stated(e, subject, fact)] if fact else []
    if where:
        it = "It" if fact else subject
        sentences.append(f"{it} is wrong exactly where {where}, and right otherwise")
    if entries:
        they = "The wrong entries are" if sentences else f"{subject} has wrong entries"
        sentences.append(f"{they} {entries}")
    return _joined(*sentences) or f"{subject} is wrong"


def _stated(e, subject, fact):
    """A fact as a sentence; one about the shape of the only result needs no subject."""
    if fact.startswith("expected"):
        return fact if e.part is None else f"{subject}: {fact}"
    if not all(e.wrong):
        fact = fact.replace(probes.EVERY, "on every wrong input")
    return f"{subject} {fact}"


# ---------------------------------------------------------------- the smallest input


def example(trial):
    """The smallest wrong input, whole: what is expected and what comes, and what differs."""
    case, outcome, wanted = trial.smallest()
    call = call_of(trial.name, trial.names, case.arguments)
    text = f"{call}: expected {show(wanted)}, got {show(outcome.value)}"
    return _joined(
        text + _differences(outcome.value, wanted, trial.tolerance), _right_inputs(trial)
    )


def _differences(given, wanted, tolerance):
    """How many entries of a larger tensor differ, by how much, and the first of them."""
    g, w = doubles(given), doubles(wanted)
    if g is None or w is None or g.shape != w.shape or w.numel() < 2 or isinstance(wanted, tuple):
        return ""
    off = differing(g, w, tolerance)
    if not off.any():
        return ""
    first = off.nonzero()[0].tolist()
    place = tuple(first)
    most = (g - w)[off].abs().max().item()
    return (
        f"; {int(off.sum())} of {off.numel()} entries differ, by up to {most:.3g}; the first is "
        f"{first}: expected {show(w[place])}, got {show(g[place])}"
    )


def _right_inputs(trial):
    rights = trial.right_cases()
    if not rights:
        return ""
    such = call_of(trial.name, trial.names, rights[0].arguments)
    return f"It is right on {len(rights)} of {len(trial.cases)} inputs, such as {such}"
