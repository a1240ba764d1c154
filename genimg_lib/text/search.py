"""Looking for a likely sentence: several beginnings are kept at a time."""

import torch

from genimg_lib.text.captioner import before
from genimg_lib.text.tokens import END, PAD


def beam_search(next_log_probs, length, beams=4):
    """The likeliest sentence that is found by keeping `beams` beginnings: (tokens, log p).

    next_log_probs: beginnings int64 [B, T], T of 0 or more, to log p of the next word [B, words].
    A sentence ends with END, or where it has `length` words. Beginnings are ranked by log p alone,
    finished ones among them; 1 beam is the greedy choice.
    Returns int64 [length], PAD behind END, and a number.
    Raises ValueError for fewer than 1 beam.
    """
    if beams < 1:
        raise ValueError(f"expected 1 beam or more, got {beams}")
    kept = torch.zeros(1, 0, dtype=torch.int64)
    total, done = torch.zeros(1), torch.zeros(1, dtype=torch.bool)
    while kept.shape[1] < length and not done.all():
        more = next_log_probs(kept).float().cpu()  # [B, words]
        only_pad = torch.full_like(more, -torch.inf)
        only_pad[:, PAD] = 0.0  # a finished sentence goes on for nothing
        more[:, PAD] = -torch.inf
        ahead = total[:, None] + torch.where(done[:, None], only_pad, more)
        total, place = ahead.flatten().topk(min(beams, int(ahead.isfinite().sum())))
        parent, word = place // more.shape[1], place % more.shape[1]
        kept = torch.cat([kept[parent], word[:, None]], dim=1)
        done = done[parent] | (word == END)
    best = torch.full((length,), PAD)
    best[: kept.shape[1]] = kept[0]
    return best, total[0].item()


def of_picture(captioner, x):
    """What `beam_search` asks, for one image x [1, C, H, W]: beginnings to log p of the next."""
    seen = captioner.eye(x)

    @torch.no_grad()
    def next_log_probs(beginnings):
        symbols = before(torch.nn.functional.pad(beginnings, (0, 1)))
        logits, _ = captioner.run(symbols.to(x.device), seen.expand(len(symbols), -1, -1))
        return torch.log_softmax(logits[:, -1].float(), dim=1)

    return next_log_probs
