"""Are sentences obeyed? What they name, what is read, and which words went astray."""

import torch

from genimg_lib.data import portraits

UNSAID, NONE = -1, 0  # what is not named; the first value of glasses, hat and beard
# a caption that does not name one of these says that there is none
_NONE_UNLESS_NAMED = ("glasses", "hat", "beard")
# things that have colours, of which some words fit both
_TWO_COLOURS = (("hair_color", "outfit"), ("eyes", "outfit"))


def named(sentences, captions=True):
    """What sentences name: {factor: int64 [N]}, UNSAID where they don't.

    captions: True for whole ones, which say by silence that there are no glasses, hat or beard.
    Raises ValueError for words that no caption has and for two values of one factor.
    """
    return _columns([portraits.factors_of(sentence) for sentence in sentences], captions)


def named_loosely(sentences, captions=True):
    """`named` for sentences that a network wrote: one that it would refuse names nothing."""
    return _columns([portraits.factors_or_none(sentence) for sentence in sentences], captions)


def _columns(rows, captions):
    """Rows of {factor: value} as columns; a row of None names nothing."""
    silence = {name: UNSAID for name in portraits.CATEGORICAL}
    if captions:
        silence |= {name: NONE for name in _NONE_UNLESS_NAMED}
    nothing = dict.fromkeys(portraits.CATEGORICAL, UNSAID)
    full = [nothing if row is None else silence | row for row in rows]
    return {
        name: torch.tensor([row[name] for row in full], dtype=torch.int64)
        for name in portraits.CATEGORICAL
    }


def factor_f1(sentences, factors):
    """The F1 of what sentences name, against portraits' factors: (F1, precision, recall).

    Precision: of the values named, the share that is true. Recall: of those that each caption of
    the portrait has to name (hair, its colour, mouth, and glasses, beard, and hat with its colour
    where there are any), the share that is named. A sentence that contradicts itself, or has words
    that no caption has, names nothing.
    factors: {factor: [N]}, as of an ImageSet.
    """
    asked = named_loosely(sentences, captions=False)
    required = _required(factors)
    right = said = wanted = met = 0
    for name in portraits.CATEGORICAL:
        says, true = asked[name] != UNSAID, asked[name] == factors[name]
        said, right = said + int(says.sum()), right + int(true.sum())
        wanted, met = wanted + int(required[name].sum()), met + int((required[name] & true).sum())
    precision, recall = right / max(said, 1), met / max(wanted, 1)
    return 2 * precision * recall / max(precision + recall, 1e-12), precision, recall


def _required(factors):
    """Which factors each caption of a portrait has to name: {factor: bool [N]}."""
    n = len(factors["hair"])
    always, never = torch.ones(n, dtype=torch.bool), torch.zeros(n, dtype=torch.bool)
    there = {name: factors[name] != NONE for name in _NONE_UNLESS_NAMED}
    required = {name: never for name in portraits.CATEGORICAL}
    required |= {"hair": always, "mouth": always, "outfit": there["hat"]} | there
    required["hair_color"] = factors["hair"] != portraits.FACTORS["hair"].index("bald")
    return required


def obeyed(read, asked):
    """How often what is named is there: {factor: share of the sentences that name it}.

    read: {factor: [N]}, by an evaluator. asked: as `named` gives it.
    """
    shares = {}
    for name, value in asked.items():
        says = value != UNSAID
        if says.any():
            shares[name] = (read[name] == value)[says].double().mean().item()
    return shares


def strayed(read, asked):
    """Sentences that name two colours of which one is seen on the other's thing: bool [N].

    Of hair and outfit, and of eyes and outfit: where two words differ, and one or both of them
    could be said of the other thing, too. Returns (strayed, which sentences count), bool [N] each.
    """
    n = len(asked["outfit"])
    wrong, counts = torch.zeros(n, dtype=torch.bool), torch.zeros(n, dtype=torch.bool)
    for pair in _TWO_COLOURS:
        for thing, other in (pair, pair[::-1]):
            word = torch.tensor(
                [_index(thing, value) for value in portraits.FACTORS[other]] + [UNSAID]
            )
            borrowed = word[asked[other]]  # of the other thing's word, as a value of this one
            fits = (borrowed != UNSAID) & (asked[thing] != UNSAID) & (borrowed != asked[thing])
            counts |= fits
            wrong |= fits & (read[thing] == borrowed)
    return wrong, counts


def _index(name, word):
    values = portraits.FACTORS[name]
    return values.index(word) if word in values else UNSAID
