"""Generators of portraits, by the games of notebooks 22, 23 and 24, for longer."""

from genimg_lib import data, metrics
from genimg_lib.data import portraits
from genimg_lib.recipes import Trained, gan, unmeasured

JUDGED = 5_000  # images


def train(run, minutes, kind, conditional=False, images=30_000, size=32, **changes):
    """A gan.Generator of portraits.

    kind: of `gan.RECIPES`.
    conditional: does it obey factors? images: to learn from; more for longer trainings, so that D
        does not learn them by heart.
    size: pixels.
    changes: of the recipe's entries.
    """
    recipe = gan.changed(kind, changes)  # refuses what it does not know before anything is drawn
    train = data.load("portraits", n=images, size=size)
    conditions = portraits.one_hot(train.factors) if conditional else None
    G = gan.train(run, train.images, minutes, None, conditions, kind, **changes)
    network = {
        "size": size,
        "channels": 3,
        "latent": G.latent,
        "width": recipe["width"],
        "conditions": G.conditions,
        "by_level": bool(G.part),
    }
    facts = {
        "data": f"portraits, {images:,} at {size}x{size}",
        "kind": kind,
        "changes": changes,
        "network": network,
        "batch": recipe["batch"],
    }
    return Trained(G, facts, measure if size == 32 else unmeasured)


def measure(G):
    """The evaluator's figures, the factors' spread, and the accuracy of each condition."""
    evaluator, targets, c = metrics.Evaluator("portraits"), None, None
    if G.conditions:
        targets = data.load("portraits", "test", n=JUDGED, seed=3).factors
        c = portraits.one_hot(targets)
    made = gan.sample(G.cpu(), JUDGED, c)
    read = evaluator.read(made)
    variation, produced = metrics.coverage(read)
    found = evaluator.report(made)
    found |= {"worst_variation": max(variation.values()), "values_produced": produced}
    if targets is not None:
        known = {name: targets[name] for name in portraits.CATEGORICAL}
        right = metrics.agreement(read, known)
        found |= {f"accuracy_{name}": share for name, share in right.items()}
    return found
