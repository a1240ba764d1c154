"""What a captioner thinks of each factor of a portrait: its sentences as answers."""

import torch

from genimg_lib.data import portraits


@torch.no_grad()
def ask(captioner, tokenizer, x, rounds=2):
    """p(value | image) of each categorical factor: {factor: float64 [N, values]}.

    For each value the sentence that names everything is asked for its probability, with the other
    factors as they were found likeliest so far, at first as the captioner's own sentence names
    them; these probabilities, over their sum, are those of the values. Of a bald head no sentence
    names a colour of hair: all are alike then. x: portraits [N, C, H, W]. rounds: over all factors.
    """
    seen = captioner.eye(x)
    factors = _named(tokenizer.decode(captioner.greedy(x)))
    found = {}
    for _ in range(rounds):
        for name in portraits.CATEGORICAL:
            found[name] = _of_factor(captioner, tokenizer, seen, factors, name)
            factors[name] = found[name].argmax(dim=1)
    return found


def _named(sentences):
    """The factors that sentences name, others as they are without a word: complete ones."""
    rows = [portraits.factors_or_none(sentence) or {} for sentence in sentences]
    columns = {
        name: torch.tensor([row.get(name, 0) for row in rows]) for name in portraits.CATEGORICAL
    }
    return portraits.as_tensors(columns | {"x": torch.zeros(len(rows))})


def _of_factor(captioner, tokenizer, seen, factors, name):
    """p(value | image) of one factor, the others as they are: [N, values]."""
    logs = []
    for value in range(len(portraits.FACTORS[name])):
        changed = factors | {name: torch.full_like(factors[name], value)}
        tokens = tokenizer.encode(portraits.full_caption(changed)).to(seen.device)
        logs.append(-captioner.nats_of(seen, tokens).double().cpu())
    return torch.softmax(torch.stack(logs, dim=1), dim=1)
