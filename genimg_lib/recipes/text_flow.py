"""Text to image: sentences and a flow learn together, from captions alone."""

import torch
import torch.nn.functional as F

from genimg_lib import text
from genimg_lib.data import portraits
from genimg_lib.errors import unknown
from genimg_lib.metrics import Evaluator, named, obeyed, strayed
from genimg_lib.recipes import Trained, flow
from genimg_lib.text_flow import TextFlow

CAPTIONS, WISHES = 4, 2  # texts of each image: sentences, and lists of some of it
ENCODING = {"transformer": {"width": 64, "depth": 2}, "bag": {"width": 64}}
WORDS_SHARE = 0.08  # of the minutes, for the encoder alone
HIDDEN = 128  # of the layer that every place reaches every other through
CALLS, JUDGED = 10, 2_000
WEIGHT = 2.0  # of the guidance


def train(run, minutes, images=60_000, encoder="transformer", **changes):
    """A TextFlow of portraits; the pairs of portraits.HELD_OUT never come in its training.

    encoder: "transformer" or "bag". changes: of flow.SETTINGS.
    Raises ValueError for another encoder and for an unknown change.
    """
    if encoder not in ENCODING:
        raise unknown("encoder", encoder, ENCODING)
    for entry in changes:
        if entry not in flow.SETTINGS:
            raise unknown("setting of the flow", entry, flow.SETTINGS)
    settings = flow.SETTINGS | changes
    factors = portraits.sample_split(images, run.seed)
    texts = told_texts(factors)
    tokenizer = text.Tokenizer.of([sentence for column in texts for sentence in column])
    torch.manual_seed(run.seed)
    pixels = portraits.draw(factors, 32)
    shape = flow.shape_of(pixels, settings) | {"hidden": HIDDEN}
    shape.pop("conditions")
    network = {
        "words": tokenizer.words,
        "length": tokenizer.length,
        "encoder": encoder,
        "encoding": ENCODING[encoder],
        "image": shape,
    }
    net = TextFlow(**network).to(run.device)
    tokens = torch.stack([tokenizer.encode(column) for column in texts], dim=1)
    first = WORDS_SHARE * minutes
    teach_words(run, net, tokens, first)
    net.encoder.requires_grad_(False)
    books = {"c": tokens.short(), "label": encoder, "as_c": one_of}
    net = flow.teach(run, net, (pixels,), minutes - first, settings, **books)
    facts = {
        "data": f"portraits, {images:,} images, {CAPTIONS} captions and {WISHES} lists each",
        "changes": changes,
        "batch": settings["batch"],
        "network": network,
        "sampler": f"DPM-Solver++ multistep, {CALLS} calls",
    }
    return Trained(net, facts, measure)


def teach_words(run, net, tokens, minutes):
    """Teach what a TextFlow is told by other texts of the same image: which word follows which.

    What two texts of an image have in common is what it shows; "red hair" in one makes "red hair"
    or "a red bob" likely in the other, whatever their order. No image is needed.
    """
    pairs = pairs_of(tokens)
    guess = torch.nn.Linear(net.encoder.summary, int(pairs.max()) + 1).to(run.device)
    part = torch.nn.ModuleList([net.encoder, guess])
    opt = torch.optim.AdamW(part.parameters(), 2e-3, betas=(0.9, 0.99), fused=True)
    batches = run.batches((tokens.short(), pairs), 128)
    for texts, of in run.train(batches, minutes=minutes, label="words", part=part, opt=opt):
        run.anneal(opt, warmup=100)
        here, there = torch.rand(*texts.shape[:2], device=run.device).topk(2, dim=1).indices.T
        n = torch.arange(len(texts), device=run.device)
        wanted = torch.zeros(len(texts), guess.out_features, device=run.device)
        wanted.scatter_(1, of[n, there].long(), 1.0)
        with run.autocast():
            logits = guess(F.silu(net.encoder(texts[n, here].long()).summary))
        loss = F.binary_cross_entropy_with_logits(logits.float()[:, 1:], wanted[:, 1:])
        opt.zero_grad()
        loss.backward()
        opt.step()
        run.log(loss=loss)


def pairs_of(tokens):
    """The number of each pair of neighbours, 0 beside a PAD: [N, K, L] to int16 [N, K, L - 1]."""
    left, right = tokens[..., :-1], tokens[..., 1:]
    code = torch.where(right == text.PAD, 0, left * (int(tokens.max()) + 1) + right)
    return torch.unique(code, return_inverse=True)[1].short()


def told_texts(factors):
    """What a training tells of portraits: lists of N texts each."""
    captions = [portraits.caption(factors, seed) for seed in range(CAPTIONS)]
    return captions + [portraits.wish(factors, seed) for seed in range(WISHES)]


def one_of(tokens):
    """One of the K texts of each image: [N, K, length] to int64 [N, length]."""
    chosen = torch.randint(tokens.shape[1], (len(tokens),), device=tokens.device)
    return tokens[torch.arange(len(tokens), device=tokens.device), chosen].long()


def measure(net, n=JUDGED):
    """What is obeyed of captions of combinations that were seen in training, and of others."""
    evaluator, found = Evaluator("portraits"), {}
    for seen in (True, False):
        kind = "seen" if seen else "unseen"
        factors = portraits.sample_split(n, 1_000 + seen, seen)
        sentences, noise = portraits.caption(factors, 99), _noise(net, n, 1)
        for w in (1.0, WEIGHT):
            images = net.draw(net.encode(sentences), noise, CALLS, w)
            read, asked = evaluator.read(images), named(sentences)
            found[f"obeyed_{kind}_w{w:g}"] = obeyed(read, asked)
            wrong, counts = strayed(read, asked)
            found[f"strayed_{kind}_w{w:g}"] = wrong[counts].double().mean().item()
            found[f"two_colours_{kind}"] = int(counts.sum())
    factors = portraits.sample(n, 1_002)
    images = net.draw(net.encode(portraits.caption(factors, 98)), _noise(net, n, 2), CALLS)
    return found | evaluator.report(images)


def _noise(net, n, seed):
    return torch.randn(n, net.channels, net.size, net.size, generator=flow.seeded(seed))
