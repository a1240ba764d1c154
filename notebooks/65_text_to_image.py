# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     notebook_metadata_filter: -jupytext.text_representation
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 65 Text to image: draw what a sentence says, and count the words
#
# *You will teach a network the words of the course's captions from nothing, draw faces from your own sentences, and count, word by word, whether they were obeyed.*
#
# ![Four rows of eight faces: long red hair and round glasses on mint; bald, bearded heads under black caps; blond bunches and blue eyes; purple sun hats and square glasses, with little of the white curls to be seen.](../data/pictures/65_text_to_image.webp)
#
# **You need** notebooks 51 and 53.
# The table below says how long it takes.
# What the text says about trained networks is checked where `CHECKED` is true: in the profile cpu.

# %% tags=["hide-cell"]
# Makes this notebook run anywhere: where the course is missing (Colab, Kaggle), it is
# installed: from GENIMG_SOURCE, from the course's address, or from a wheel beside you.
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

if importlib.util.find_spec("genimg_lib") is None:
    wheels = sorted(map(str, Path.cwd().glob("genimg-*.whl")))
    address = ""
    source = os.environ.get("GENIMG_SOURCE") or address or "".join(wheels[-1:])
    if not source:
        raise RuntimeError(
            f"genimg is not installed, and {Path.cwd()} holds no wheel genimg-*.whl; "
            "put one there, or name one in GENIMG_SOURCE"
        )
    print(f"installing genimg from {source} ...")
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", source], check=True)
    importlib.invalidate_caches()

# %%
import math
import textwrap

import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib import data, flow, layers, metrics, plots, pretrained, tables, text
from genimg_lib.data import portraits
from genimg_lib.text_flow import TextFlow
from genimg_lib.training import Muon, others, start
from genimg_lib.widgets import explore

# %%
run = start(
    "65_text_to_image",
    images=(600, 20_000, 60_000),
    words_steps=(5, 800, 2_000),
    seeds=(1, 3, 3),
    steps=(5, 200, 2_000),
    batch=(16, 64, 256),
    samples=(256, 600, 5_000),
    calls=(1, 10, 10),
    precision="auto",
)
CHECKED = run.profile == "cpu"  # what the text says of trained networks holds
tables.show_expected("65_text_to_image", "obeyed_seen", "obeyed_unseen", "strayed")

# %% [markdown]
# ## Why
#
# Type a sentence, get a picture.
#
# Many of the networks that do this in public load a text encoder that others trained, of up to many gigabytes; and whether each word was obeyed is judged by people, or by other networks (Huang et al. 2023).
# Here everything was learned from pairs of pictures and captions: the encoders on your machine, the painter before, in 24 minutes on two CPU threads.
# And since the course's portraits are drawn from known factors, each word of a sentence can be looked up in the picture.
#
# Two questions decide whether such a network understands you.
# Does each word reach *its* thing, red the hair and blue the hat (**binding**)?
# And can it put together what it never saw together (**composition**)?

# %%
few = data.load("portraits", n=4, seed=5)
plots.show(
    plots.grid(few.images, cols=4, width=4.0),
    alt="Four cartoon faces of the course.",
    caption="Four of the pictures. Their captions stand below.",
)
for sentence in few.captions:
    print(textwrap.fill(f"- {sentence}", 88))

# %% [markdown]
# ## What is kept from the training
#
# To ask the second question, some pairs must never be seen together: red hair with a black outfit, for instance.
# `HELD_OUT` names six pairs; `sample_split` draws portraits without any of them to learn from, or with one at least to be asked for.
# The two can't overlap, since it is the factors themselves that decide.

# %%
for pair in portraits.HELD_OUT:
    print(" and ".join(f"{name} {value}" for name, value in pair.items()))
seen = portraits.sample_split(run.images, seed=0)
unseen = portraits.sample_split(1_000, seed=1, seen=False)
assert not portraits.held_out(seen).any()
assert portraits.held_out(unseen).any(dim=1).all()
share = portraits.held_out(portraits.sample(20_000)).any(dim=1).double().mean().item()
print(f"of all portraits {share:.0%} have one of them")

# %% [markdown]
# Each picture has four captions, phrased differently, and two short lists of some of what it shows, as people type.
# A caption says by silence that there are no glasses, no hat and no beard; a list says nothing of what it doesn't name.

# %%
captions = [portraits.caption(seen, seed) for seed in range(4)]
lists = [portraits.wish(seen, seed) for seed in range(2)]
texts = captions + lists
for column in texts:
    print(textwrap.fill(f"- {column[0]}", 88))

# %% [markdown]
# ## Build: words as numbers
#
# A **token** is a whole number that stands for a word, or for a piece of one.
# Our captions have so few words that each gets its own: 0 is nothing (PAD), 1 and 2 are the start and the end of a sentence.


# %%
vocabulary = sorted(
    {word for line in captions[0] for word in line.replace(",", " ,").split()}
)
number = {word: k for k, word in enumerate(("<pad>", "<start>", "<end>", *vocabulary))}


def encode(sentence, length=41):
    """A sentence as whole numbers, END and PAD behind it: int64 [length]."""
    words = sentence.replace(",", " ,").split()
    tokens = [number[word] for word in words] + [text.END]
    return torch.tensor(tokens + [text.PAD] * (length - len(tokens)))


# %%
tokenizer = text.Tokenizer.of([line for column in texts for line in column])
if run.profile != "quick":  # a few captions need not have all words
    assert tokenizer.words == tuple(vocabulary)
    mine = encode(captions[0][0], tokenizer.length)
    assert torch.equal(mine, tokenizer.encode(captions[0][0])[0])
assert tokenizer.decode(tokenizer.encode(captions[1])) == captions[1]
print(f"{len(tokenizer)} numbers, at most {tokenizer.length} in a sentence")

# %% [markdown]
# A word that no caption has is an error, not a silent "unknown": it names the nearest words.

# %%
try:
    tokenizer.encode("a smilling face with red hair")
except ValueError as error:
    print(textwrap.fill(str(error), 88))
else:
    raise AssertionError("a word that nobody knows was swallowed")

# %% [markdown]
# ## The maths: attention
#
# A sentence is a set of vectors, one for each word.
# A **query** $q$ asks them; each has a **key** $k_j$ that says what it is about, and a **value** $v_j$, what it has to say:
#
# $$\text{attention}(q) = \sum_j a_j v_j, \qquad a = \text{softmax}_j\left(\frac{q \cdot k_j}{\sqrt d}\right). \tag{1}$$
#
# Why $\sqrt d$?
# If the $d$ entries of $q$ and $k$ are independent with mean 0 and variance 1, $q \cdot k$ is a sum of $d$ products, each of mean 0 and variance 1: its variance is $d$.
# The variance of $q \cdot k / \sqrt d$ is 1 for every $d$, and the softmax neither flat nor a step from the start (Vaswani et al. 2017).

# %%
g = torch.Generator().manual_seed(0)
for d in (4, 64, 1_024):
    q, k = torch.randn(2, 20_000, d, generator=g)
    raw = (q * k).sum(dim=1)
    raw_variance, variance = raw.var().item(), (raw / d**0.5).var().item()
    print(f"d = {d:>5}: variance {raw_variance:7.1f}, over sqrt(d) {variance:.2f}")
    assert abs((raw / math.sqrt(d)).var().item() - 1) < 0.05


# %% [markdown]
# What is PAD must not be looked at: its score becomes $-\infty$ before the softmax.


# %%
def attention(q, k, v, there):
    """(1) for queries [N, T, d], keys and values [N, S, d]; there: bool [N, S]."""
    scores = q @ k.transpose(1, 2) / math.sqrt(q.shape[2])  # [N, T, S]
    scores = scores.masked_fill(~there[:, None], -math.inf)
    return torch.softmax(scores, dim=2) @ v


# %%
q, k, v = (torch.randn(2, n, 8, generator=g) for n in (3, 5, 5))
there = torch.tensor([[True] * 5, [True, True, True, False, False]])
one_head = [part[:, None] for part in (q, k, v)]
assert torch.allclose(
    attention(q, k, v, there),
    layers.attention(*one_head, there=there)[:, 0],
    atol=1e-6,
)
changed = k.clone()
changed[1, 3:] += 100  # a key that is not there
assert torch.equal(attention(q, changed, v, there), attention(q, k, v, there))

# %% [markdown]
# ### Attention does not know order
#
# (1) is a sum over $j$: exchange two words, keys and values with them, and nothing changes.
# So to attention alone "red hair and a black hat" is "black hair and a red hat".
# **Self-attention**, in which the words ask each other, only permutes its outputs.

# %%
order = torch.tensor([2, 0, 1])
words = torch.randn(1, 3, 8, generator=g)
all_there = torch.ones(1, 3, dtype=torch.bool)
mixed = attention(words, words, words, all_there)
shuffled = words[:, order]
assert torch.allclose(
    attention(shuffled, shuffled, shuffled, all_there), mixed[:, order], atol=1e-6
)

# %% [markdown]
# Order has to be put in.
# One way is a learned vector for each **place** in the sentence (1st, 2nd, ...), added to the word's.
# Another is a convolution over the words: each is told its **neighbours** before anybody is asked.
# The course's `TextEncoder` has both, then two blocks of self-attention.
# Before the words it puts eight learned vectors, *marks*, that gather what the words say; a linear layer makes one **summary** of them.
# `BagOfWords` has neither places nor neighbours.

# %%
shape = {"words": len(tokenizer), "length": tokenizer.length, "width": 64}
torch.manual_seed(0)
bag = text.BagOfWords(**shape).eval()
torch.manual_seed(0)
encoder = text.TextEncoder(**shape, depth=2).eval()
SWAP = ("a calm face with short red hair and a black cap",)
SWAP += ("a calm face with short black hair and a red cap",)

# %%
with torch.no_grad():
    for name, net in (("bag of words", bag), ("transformer", encoder)):
        first, second = net(tokenizer.encode(SWAP)).summary
        print(f"{name}: summaries {(first - second).abs().max().item():.1e} apart")
assert torch.allclose(*bag(tokenizer.encode(SWAP)).summary, atol=1e-5)

# %% [markdown]
# ## What does a sentence mean?
#
# Could the encoder learn together with the flow?
# It can (Rombach et al. 2022 do so).
# Others take an encoder that learned from text alone, and keep it as it is (Saharia et al. 2022).
# So do we: a step of words costs far less than one of pictures.
# Which is better, this notebook doesn't measure.
#
# What does it learn from?
# *Two captions of one picture have their meaning in common, and nothing else.*
# From one of them the encoder has to guess which pairs of neighbours ("red hair", "a beard") stand in another.
# No picture is needed, so a step costs little.
#
# Three encoders learn so, from several seeds: the bag, one that has places only, and one that has both.
# Then we look into their summaries with a linear classifier for each factor.
# **Predict** which factor the bag reads worst, and what happens on pairs that were never together.

# %%
tokens = torch.stack([tokenizer.encode(column) for column in texts], dim=1)  # [N, 6, L]
pair_code = tokens[..., :-1] * len(tokenizer) + tokens[..., 1:]
pair_code = torch.where(tokens[..., 1:] == text.PAD, 0, pair_code)
PAIRS, pairs = torch.unique(pair_code, return_inverse=True)  # 0: beside a PAD
print(f"{len(PAIRS) - 1} pairs of neighbours")


# %%
def pairs_loss(encoder, guess, told, of):
    """How badly the pairs of one text [N, L - 1] are guessed from another [N, L]."""
    where = told.device
    here, other = torch.rand(told.shape[:2], device=where).topk(2, dim=1).indices.T
    n = torch.arange(len(told), device=where)
    wanted = torch.zeros(len(told), len(PAIRS), device=where)
    wanted.scatter_(1, of[n, other], 1.0)
    logits = guess(F.silu(encoder(told[n, here]).summary))
    return F.binary_cross_entropy_with_logits(logits[:, 1:].float(), wanted[:, 1:])


# %%
def taught(kind, seed, steps=run.words_steps):
    """An encoder that learned words from words."""
    torch.manual_seed(seed)
    encoder = (
        text.BagOfWords(**shape)
        if kind == "bag"
        else text.TextEncoder(**shape, depth=2)
    )
    if kind == "places":  # no neighbours: the convolution gives 0 and stays so
        for weight in encoder.neighbours.parameters():
            weight.requires_grad_(False).zero_()
    part = nn.ModuleList([encoder, nn.Linear(128, len(PAIRS))]).to(run.device)
    learned = [weight for weight in part.parameters() if weight.requires_grad]
    opt = torch.optim.AdamW(learned, 2e-3, betas=(0.9, 0.99), fused=True)
    batches = run.batches((tokens, pairs), 64, seed=seed)
    books = {"label": f"{kind} {seed}", "part": part, "opt": opt}
    for told, of in run.train(batches, steps, **books):
        run.anneal(opt, warmup=50)
        with run.autocast():
            loss = pairs_loss(*part, told, of)
        opt.zero_grad()
        loss.backward()
        opt.step()
        run.log(loss=loss)
    return encoder.cpu().eval().requires_grad_(False)


# %%
KINDS = ("bag", "places", "places and neighbours")
encoders = {
    (kind, seed): taught(kind, seed) for kind in KINDS for seed in range(run.seeds)
}


# %% [markdown]
# A linear classifier by least squares reads each factor where a sentence names it.


# %%
def summaries(encoder, sentences):
    """[N, summary + 1], a 1 behind each."""
    parts = [encoder(part).summary for part in tokenizer.encode(sentences).split(500)]
    found = torch.cat(parts).double()
    return torch.cat([found, torch.ones(len(found), 1).double()], dim=1)


# %%
LEARNED = captions[0][: min(run.images, 4_000)]
SHARED = {
    "seen": portraits.caption(portraits.sample_split(1_000, seed=2), 9),
    "unseen": portraits.caption(unseen, 9),
}
COLOURS = ("hair_color", "outfit", "eyes", "hat")
NAMED = {kind: metrics.named(sentences) for kind, sentences in SHARED.items()}
NAMED_IN_LEARNED = metrics.named(LEARNED)


# %%
def classifier(x, value, values):
    """The linear classifier of a factor by least squares: [summary + 1, values]."""
    says = value != metrics.UNSAID
    x, target = x[says], F.one_hot(value[says], values).double()
    return torch.linalg.solve(x.T @ x + torch.eye(x.shape[1]).double(), x.T @ target)


def read_right(encoder):
    """{kind: how often each of COLOURS is read where a sentence names it}."""
    learned = summaries(encoder, LEARNED)
    asked = {kind: summaries(encoder, sentences) for kind, sentences in SHARED.items()}
    found = {kind: [] for kind in SHARED}
    for name in COLOURS:
        value = NAMED_IN_LEARNED[name]
        read = classifier(learned, value, len(portraits.FACTORS[name]))
        for kind, x in asked.items():
            true = NAMED[kind][name]
            says = true != metrics.UNSAID
            hits = ((x @ read).argmax(dim=1) == true)[says]
            found[kind].append(hits.double().mean().item())
    return found


# %%
read_by = {key: read_right(encoder) for key, encoder in encoders.items()}
rows, by_kind = [], {}
for kind in KINDS:
    for asked in SHARED:
        shares = torch.tensor([read_by[kind, seed][asked] for seed in range(run.seeds)])
        by_kind[kind, asked] = shares
        rows.append((kind, asked, *shares.mean(dim=0).tolist(), shares.min().item()))
tables.show(rows, ("encoder", "pairs", *COLOURS, "worst of all seeds"))

# %%
if CHECKED:
    worst = by_kind["places and neighbours", "unseen"].min().item()
    bag, places = (by_kind[kind, "unseen"][:, :3].mean() for kind in KINDS[:2])
    assert worst > 0.93 > max(bag, places)
    assert by_kind["bag", "unseen"][:, 3].min() > 0.98

# %% [markdown]
# The bag reads kinds of hats: no other thing has these words.
# Colours it must guess from the words beside them: rather well, and worse on pairs never together.
# Places alone hardly mend that in these few steps; places and neighbours read nearly all.
# (The rows differ in size, too: the bag has no attention.)
#
# ## Build: a flow that looks at words
#
# In **cross-attention** the queries come from places of a picture, keys and values from the words.
# So each place can ask the sentence what is said about it.
# The layer begins as the identity: it adds what it finds to the place, and at first nothing.


# %%
class CrossAttention(nn.Module):
    """Places h [N, T, width] look at vectors [N, S, of]; one head."""

    def __init__(self, width, of):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.query, self.key_value = nn.Linear(width, width), nn.Linear(of, 2 * width)
        self.mixed = nn.Linear(width, width)
        nn.init.zeros_(self.mixed.weight)
        nn.init.zeros_(self.mixed.bias)

    def forward(self, h, seen, there):
        k, v = self.key_value(seen).chunk(2, dim=2)
        return h + self.mixed(attention(self.query(self.norm(h)), k, v, there))


# %%
mine, theirs = CrossAttention(16, 8), layers.CrossAttention(16, 8, heads=1)
nn.init.normal_(mine.mixed.weight)
theirs.load_state_dict(mine.state_dict())
h, seen_words = torch.randn(2, 6, 16, generator=g), torch.randn(2, 5, 8, generator=g)
assert torch.allclose(
    mine(h, seen_words, there), theirs(h, seen_words, there), atol=1e-5
)

# %% [markdown]
# `flow.WordUNet` is notebook 53's network with two such layers, of four heads each, on its small grid of 8x8 places.
# The summary is told to all blocks, together with the time.
# `TextFlow` puts an encoder before it: `net(x, t, tokens)`.
# A row of PAD alone says nothing; so guidance needs nothing new (notebook 53).

# %%
pixels = portraits.draw(seen, 32)
FACTS = pretrained.facts("text_flow_portraits")
IMAGE = FACTS["network"]["image"]


def one_text(told):
    """One of the K texts of each image, for one in ten nothing: [N, L]."""
    chosen = torch.randint(told.shape[1], (len(told),), device=told.device)
    kept = torch.rand(len(told), 1, device=told.device) >= 0.1
    return told[torch.arange(len(told), device=told.device), chosen] * kept


# %% [markdown]
# The training is notebook 53's, with tokens for conditions; here at a lower rate, since the painter knows most already.
# From nothing it takes 24 minutes until nearly every word is obeyed; so the course did it before: its painter is `text_flow_portraits`.
# To compare encoders, it gets another one: that of a bag of words, or the transformer that was taught above.
#
# The painter knows the vectors of the encoder that it was trained with, and no others.
# So the new encoder's vectors are mapped to those first, by the matrix that fits best on the same sentences (least squares); then each painter is trained for as many steps.

# %%
painter = pretrained.load_text_flow()  # on the CPU, like the encoders


def translation(x, y):
    """The matrix [a, b] that takes x [N, a] nearest to y [N, b]."""
    x, y = x.double(), y.double()
    own = x.T @ x + 1e-3 * len(x) * torch.eye(x.shape[1])
    return torch.linalg.solve(own, x.T @ y).float()


def words_of(net, sentences):
    """The vectors of all words and ENDs, a row each, with a 1 behind: [words, 65]."""
    told = net.encode(sentences)
    vectors, _, _ = net.encoder(told)
    rows = vectors[:, -told.shape[1] :][told != text.PAD]
    return torch.cat([rows, torch.ones(len(rows), 1)], dim=1)


# %%
@torch.no_grad()
def with_encoder(kind, sentences=captions[0][:2_000]):
    """The painter with an encoder that was taught above, translated."""
    known = "bag" if kind == "bag" else "transformer"
    encoding = {"width": 64} if kind == "bag" else {"width": 64, "depth": 2}
    other = TextFlow(tokenizer.words, tokenizer.length, encoding, IMAGE, known)
    other.net.load_state_dict(painter.net.state_dict())
    other.encoder.load_state_dict(encoders[kind, 0].state_dict())
    heard = [net.encoder(net.encode(sentences)).summary for net in (other, painter)]
    summary = translation(heard[0], heard[1] @ painter.net.told.weight.T)
    other.net.told.weight.copy_(summary.T)
    words = translation(
        words_of(other, sentences), words_of(painter, sentences)[:, :-1]
    )
    for look in other.net.looks:
        keys_values = look.key_value.weight.clone()
        look.key_value.bias += keys_values @ words[-1]
        look.key_value.weight.copy_(keys_values @ words[:-1].T)
    other.encoder.requires_grad_(False)
    return other.to(run.device)


# %%
def trained(kind, tokens=tokens):
    """The painter told by another encoder, after a short training."""
    torch.manual_seed(run.seed)
    net = with_encoder(kind)
    muon = Muon(net, lr=1e-3)
    learned = [weight for weight in others(net) if weight.requires_grad]
    adam = torch.optim.AdamW(learned, lr=2e-3, betas=(0.9, 0.99), fused=True)
    books = {"ema": "net", "ema_decay": 0.99, "label": f"flow, {kind}"}
    batches = run.batches((pixels, tokens), run.batch)
    for x, told in run.train(
        batches, run.steps, **books, net=net, muon=muon, adam=adam
    ):
        run.anneal(muon, adam, warmup=50)
        eps, t = torch.randn_like(x), flow.random_times(len(x), x.device)
        with run.autocast():
            loss = flow.matching_loss(net, x, eps, t, c=one_text(told))
        for opt in (muon, adam):
            opt.zero_grad()
        loss.backward()
        for opt in (muon, adam):
            opt.step()
        run.log(loss=loss)
    return run.ema["net"].eval()


# %%
short = {kind: trained(kind) for kind in ("bag", "places and neighbours")}

# %%
net = pretrained.load_text_flow(device=run.device)
evaluator = metrics.Evaluator("portraits")
WISHES = (
    "a laughing face with long red hair and round glasses on a mint background",
    "a serious portrait with a bald head, a beard and a black cap",
    "an astonished person with blond hair in bunches, brown skin and blue eyes",
    "a happy face with curly white hair, square glasses and a purple sun hat",
)
noise = torch.randn(run.samples, 3, 32, 32, generator=torch.Generator().manual_seed(5))


# %%
def drawn(net, sentences, w=2.0, eps=None):
    """An image for each sentence, on the CPU."""
    eps = noise[: len(sentences)] if eps is None else eps
    with run.autocast():
        return net.draw(net.encode(sentences), eps, run.calls, w=w)


# %%
rows = {wish: drawn(net, [wish] * 8) for wish in WISHES}
cover = plots.grid(rows, cols=8)
plots.cover(cover)
plots.show(
    cover,
    alt="Four rows of eight faces: long red hair and round glasses on mint; bald, "
    "bearded heads under black caps; blond bunches and blue eyes; purple sun "
    "hats and square glasses, with little of the white curls to be seen.",
    caption="Eight noises each. The last sentence names two pairs never seen together.",
)

# %% [markdown]
# ## Look and measure: word by word
#
# `metrics.named` says what a sentence names, by the captions' grammar; the evaluator reads the picture; `metrics.obeyed` compares, factor by factor, over the sentences that name it.
# (A caption that names no glasses, hat or beard asks for none.)
#
# **Predict**: which factor is obeyed least, and how much is lost on pairs never seen?

# %%
SETS = {"seen": portraits.sample_split(run.samples, 1_001)}
SETS["unseen"] = portraits.sample_split(run.samples, 1_000, seen=False)
SAID = {kind: portraits.caption(factors, 99) for kind, factors in SETS.items()}
ASKED_FOR = {kind: metrics.named(sentences) for kind, sentences in SAID.items()}


# %%
def counted(net, kind, w):
    """(obeyed {factor: share}, share with a colour gone astray, distance)."""
    images = drawn(net, SAID[kind], w)
    read = evaluator.read(images)
    wrong, counts = metrics.strayed(read, ASKED_FOR[kind])
    astray = wrong[counts].double().mean().item()
    return metrics.obeyed(read, ASKED_FOR[kind]), astray, evaluator.fd(images)


# %%
def mean_of(obeyed):
    """The mean over the factors."""
    return sum(obeyed.values()) / len(obeyed)


own = {(kind, w): counted(net, kind, w) for kind in SETS for w in (1.0, 2.0, 3.0)}
by_factor = {key: {**part, "mean": mean_of(part)} for key, (part, _, _) in own.items()}

# %%
chance = {
    name: portraits.probabilities(name).max().item() for name in portraits.CATEGORICAL
}
chance["mean"] = mean_of(chance)
real = data.load("portraits", "test", n=run.samples, seed=12)
truth = {name: real.factors[name] for name in portraits.CATEGORICAL}
read_real = metrics.agreement(evaluator.read(real.images), truth)
read_real["mean"] = mean_of(read_real)

# %%
columns = ("factor", "best blind guess, all portraits", "real faces")
columns += tuple(f"{kind}, w = {w:g}" for kind, w in own)
rows = [
    (name, chance[name], read_real[name], *(part[name] for part in by_factor.values()))
    for name in (*portraits.CATEGORICAL, "mean")
]
tables.show(rows, columns)

# %%
if CHECKED:
    for kind, least in (("seen", 0.95), ("unseen", 0.88)):
        assert by_factor[kind, 2.0]["mean"] > least
        assert by_factor[kind, 2.0]["mean"] > by_factor[kind, 1.0]["mean"]
        weakest = min(by_factor[kind, 2.0], key=by_factor[kind, 2.0].get)
        print(f"{kind}, w = 2: obeyed least is {weakest}")
        assert weakest == "mouth" and by_factor[kind, 2.0]["eyes"] > 0.95

# %% [markdown]
# With guidance 2 nearly all that is named is there, as a mean over the factors; where a sentence has a held-out pair, a little less.
# (Those sentences also ask more often for what is hard, open mouths for instance, so not all of the loss is that of the new pair.)
# The mouth is obeyed least.
# Its size alone can't be the reason: eyes are as small, and are obeyed nearly always.
#
# ## Binding
#
# Of the sentences that name a colour for hair and for the outfit, or for eyes and outfit, where a word could be said of the other thing, too: in how many is one seen on the wrong thing?
# `metrics.strayed` counts them.
# The two flows with other encoders stand beside it.
# The distance (Fréchet, notebook 53) is to ordinary portraits; sets with held-out pairs are another kind of set, so compare it between rows of the same pairs only.

# %%
rows = []
for name, some in (("bag of words", "bag"), ("transformer", "places and neighbours")):
    for kind in SETS:
        part, astray, fd = counted(short[some], kind, 2.0)
        rows.append((f"{name}, a short training", kind, mean_of(part), astray, fd))
for kind in SETS:
    part, astray, fd = own[kind, 2.0]
    rows.append(("the course's own", kind, mean_of(part), astray, fd))
tables.show(rows, ("flow", "pairs", "obeyed", "a colour astray", "distance"))
bound = {row[:2]: row[2:] for row in rows}

# %%
if CHECKED:
    bag_astray = bound["bag of words, a short training", "seen"][1]
    assert bag_astray > 5 * bound["transformer, a short training", "seen"][1]
    assert 0.25 < bag_astray < 0.5
    assert max(own[kind, 2.0][1] for kind in SETS) < 0.03

# %%
RED_AND_BLACK = "a calm face with long red hair and a black cap"
BLACK_AND_RED = "a calm face with long black hair and a red cap"
flows = {
    "bag, short": short["bag"],
    "transformer, short": short["places and neighbours"],
}
flows["the course's own"] = net
rows = {}
for name, some in flows.items():
    rows[f"{name}: red hair, a black cap"] = drawn(some, [RED_AND_BLACK] * 10)
    rows[f"{name}: black hair, a red cap"] = drawn(some, [BLACK_AND_RED] * 10)
plots.show(
    plots.grid(rows, cols=10),
    alt="Six rows of ten faces. The first two, by the bag, are the same: mostly red "
    "caps on black hair, some black caps on brown or blond. By the short "
    "transformer: reddish hair under black caps, then black hair under red ones. "
    "By the course's own: brown or grey hair under black caps, then black hair "
    "under red ones.",
    caption="Two sentences with the same words; above each row, what was asked for.",
)
if run.profile != "quick":
    bags = list(rows.values())[:2]
    assert torch.allclose(*bags, atol=0.05)  # the same faces, both times

# %% [markdown]
# To the bag the two sentences are one, so it draws the same faces for both, and each colour goes where it may: in about a third of such sentences it goes wrong.
# The transformer, from the same painter and in as many steps, gets nearly all right.
# (Of the columns only this one is fair: that the bag can't tell the two apart follows from its sum. In the others the transformer may gain from a painter that learned with its like.)
#
# And the course's own?
# Black hair and a red cap it draws.
# Asked for red hair and a black cap, a pair it never saw, it draws brown or grey hair: no colour went astray, but one was lost.
# That the pair was never seen is not the whole reason: the short training with another encoder never saw it either, and its hair is reddish.
# How often, in a hundred faces each?

# %%
rows = []
for name, some in flows.items():
    hair = evaluator.read(drawn(some, [RED_AND_BLACK] * 100))["hair_color"]
    shares = torch.bincount(hair, minlength=6) / len(hair)
    rows.append((name, *shares.tolist()))
tables.show(rows, ("red hair, a black cap", *portraits.FACTORS["hair_color"]))
red = {name: shares[2] for name, *shares in rows}
if CHECKED:
    assert red["the course's own"] < 0.5 * red["transformer, short"]

# %% [markdown]
# So ask pair by pair: of the sentences that name both values of a pair, in how many pictures are both there?
# Beside it, the same two factors in sentences with other values, which were seen together.


# %%
def both_drawn(kind, names, wanted):
    """(sentences that name both factors, how often both are there), where wanted."""
    says = torch.stack([ASKED_FOR[kind][name] != metrics.UNSAID for name in names])
    hit = torch.stack([READ[kind][name] == ASKED_FOR[kind][name] for name in names])
    counts = says.all(dim=0) & wanted
    return int(counts.sum()), hit.all(dim=0)[counts].double().mean().item()


READ = {kind: evaluator.read(drawn(net, SAID[kind])) for kind in SETS}
has, rows = portraits.held_out(SETS["unseen"]), []
anything = torch.ones(run.samples, dtype=torch.bool)
for k, pair in enumerate(portraits.HELD_OUT):
    words = ", ".join(f"{name} {value}" for name, value in pair.items())
    number, share = both_drawn("unseen", pair, has[:, k])
    rows.append((words, number, share, both_drawn("seen", pair, anything)[1]))
tables.show(
    rows, ("a pair never seen", "sentences", "both drawn", "other values, seen")
)
if CHECKED:
    shares = [row[2] for row in rows]
    assert max(shares) > 0.9 and min(shares) < 0.8

# %% [markdown]
# At least one pair is nearly always put together, and at least one often is not.
# A mean over all words hides that.
#
# ## Which of the two ways carries the words?
#
# A painter hears a sentence in two ways: by the summary, told to all blocks, and by cross-attention, where each place may look at each word.
# Silence one of them, in the network as it was trained, and count.
# **Predict** which one it can do without.


# %%
class Half(nn.Module):
    """An encoder of which one way is silenced: there it says nothing."""

    def __init__(self, encoder, silenced):
        super().__init__()
        self.encoder, self.silenced = encoder, silenced

    def forward(self, tokens):
        said, nothing = self.encoder(tokens), self.encoder(torch.zeros_like(tokens))
        if self.silenced == "summary":
            return said._replace(summary=nothing.summary)
        return nothing._replace(summary=said.summary)


# %%
encoder_as_trained, rows = net.encoder, []
for silenced in ("summary", "words"):
    net.encoder = Half(encoder_as_trained, silenced)
    try:
        part, astray, fd = counted(net, "seen", 2.0)
    finally:
        net.encoder = encoder_as_trained
    rows.append((f"without its {silenced}", mean_of(part), astray, fd))
rows.append(("as it was trained", mean_of(own["seen", 2.0][0]), *own["seen", 2.0][1:]))
tables.show(rows, ("the painter", "obeyed", "a colour astray", "distance"))
ways = {row[0]: row[1:] for row in rows}
if CHECKED:
    deaf, blind, whole = (ways[row[0]] for row in rows)
    assert deaf[0] < 0.6 and 0.85 < blind[0] < whole[0]
    assert deaf[2] > blind[2] > whole[2]

# %% [markdown]
# Most of what is obeyed comes by the summary: without it, about half of it is lost, and a blind guess would get a third.
# Without cross-attention a little is lost, and the faces are farther from real ones.
# So a map of where a place looks would explain little here; what a network *could* do is not what it does.
# (Each way was silenced in a network that had learned with both. Trained with one alone, it might do better.)
#
# ## Negative prompts
#
# Guidance leads away from what the network draws when told nothing.
# It can just as well lead away from something else: a **negative prompt** takes the place of nothing,
#
# $$\hat x = \hat x_{\text{not}} + w\, (\hat x_c - \hat x_{\text{not}}). \tag{2}$$
#
# Here $\hat x_c$ and $\hat x_{\text{not}}$ are the network's guesses of the image, told the wish and told what is not wanted, and $w$ is the weight of notebook 53.
#
# A list such as "red hair, smiling" leaves open whether there are glasses.
# Lead away from "round glasses", then from "square glasses".
# **Predict**: how many faces have glasses, and of which kind?


# %%
def away_from(wish, not_wanted, w, n):
    """Images of a list, led away from another one, by (2)."""
    told, other = (net.encode([said] * 250) for said in (wish, not_wanted))

    def way(eps):
        here, there = (tokens[: len(eps)].to(run.device) for tokens in (told, other))
        denoise = flow.autoguidance(
            lambda x, t: net(x, t, here), lambda x, t: net(x, t, there), w
        )
        return flow.last(flow.multistep(denoise, eps, flow.times(run.calls))).clamp(
            -1, 1
        )

    with run.autocast():
        return flow.in_parts(way, net, noise[:n])


# %%
OPEN, rows = "smiling, short red hair", []
n = min(run.samples, 500)
led = {"nothing": drawn(net, [OPEN] * n)}
led |= {
    said: away_from(OPEN, said, 2.0, n) for said in ("round glasses", "square glasses")
}
for said, images in led.items():
    read = evaluator.read(images)
    shares = torch.bincount(read["glasses"], minlength=3) / n
    kept = (
        (read["hair_color"] == portraits.FACTORS["hair_color"].index("red"))
        .double()
        .mean()
    )
    rows.append((said, *shares.tolist(), kept.item()))
tables.show(rows, ("led away from", *portraits.FACTORS["glasses"], "red hair kept"))
negative = {row[0]: row[1:] for row in rows}
if CHECKED:
    free, no_round, no_square = (negative[row[0]] for row in rows)
    assert no_round[1] < 0.05 and abs(no_round[2] - free[2]) < 0.05
    assert no_square[2] < 0.05 and no_square[1] < 0.3 * free[1]
    assert min(no_round[3], no_square[3]) > 0.95

# %% [markdown]
# Led away from round glasses, hardly any are left, and square ones stay as they were.
# Led away from square ones, both kinds go.
# So a negative prompt may take more than it names, and not the same both ways; why, this experiment doesn't tell.
# Count before you trust one.
# The hair stays red.
#
# ## Explore: your own sentence
#
# The words are those of the captions.
# For a sentence that isn't on the list: `face("a calm face with ...", 2.0)` in a cell of your own; an error message names words that no caption has.
# **Predict**: what does $w = 5$ do, and $w = 0$?


# %%
def face(sentence, w):
    return plots.grid(drawn(net, [sentence] * 8, w), cols=8)


explore(
    face,
    alt="Eight laughing faces with curly black hair, square glasses and green caps.",
    caption="Eight noises, one sentence.",
    sentence=[
        "a laughing person with curly black hair, square glasses and a green cap",
        "an astonished face with a bald head and blue eyes before a peach wall",
        "a serious portrait with a grey bob, round glasses and a yellow sun hat",
        "bald, smiling",
        "red hair in bunches, a black shirt",
    ],
    w=(0.0, 5.0, 2.0),
)

# %% [markdown]
# ## Break it
#
# 1. The vocabulary has another order when drawing than it had in training: each number is another word.
# 2. PAD is looked at like a word.
# 3. Each picture gets its neighbour's captions: they have slipped by one row.
#
# **Predict**: which of them draws good faces all the same?

# %%
backwards = text.Tokenizer(net.tokenizer.words[::-1], net.tokenizer.length)
asked_few = SAID["seen"][: min(run.samples, 500)]
told_wrong = backwards.encode(asked_few)
with run.autocast():
    spoiled = {"as it should be": drawn(net, asked_few)}
    spoiled["1. other vocabulary"] = net.draw(
        told_wrong, noise[: len(asked_few)], run.calls, w=2.0
    )


# %%
class Staring(nn.Module):
    """An encoder whose PADs may be looked at."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, tokens):
        vectors, there, summary = self.encoder(tokens)
        return text.Encoded(vectors, torch.ones_like(there), summary)


right_encoder, net.encoder = net.encoder, Staring(net.encoder)
try:
    spoiled["2. PAD looked at"] = drawn(net, asked_few)
finally:
    net.encoder = right_encoder

# %%
slipped = trained("places and neighbours", tokens.roll(1, 0))
spoiled["another encoder"] = drawn(short["places and neighbours"], asked_few)
spoiled["3. the same, captions slipped"] = drawn(slipped, asked_few)

# %%
asked_for = metrics.named(asked_few)
rows = []
for name, images in spoiled.items():
    read = evaluator.read(images)
    hats = (read["hat"] > 0).double().mean().item()
    part = metrics.obeyed(read, asked_for)
    rows.append((name, mean_of(part), hats, evaluator.fd(images)))
tables.show(rows, ("flow", "obeyed", "wear a hat", "distance"))
broken = {name: values for name, *values in rows}
if CHECKED:
    right, other_words, stared, told, slip = broken.values()
    assert other_words[0] < 0.35 and other_words[2] > 4 * right[2]
    assert other_words[1] > right[1] + 0.2
    assert abs(stared[0] - right[0]) < 0.02
    assert slip[0] < 0.6 * told[0]
plots.show(
    plots.grid({name: images[:10] for name, images in spoiled.items()}, cols=10),
    alt="Five rows of ten clear faces. The second row shows other people than the "
    "first, all in hats, nearly all beanies; the third is nearly the first "
    "again. The fourth has most of them, too; the fifth shows others, some with "
    "hair of several colours.",
    caption="The same ten sentences and noises.",
)

# %% [markdown]
# 1. Faces, but not those asked for: obedience is no better than a blind guess. Far too many wear hats; as a set they are far from real ones. Store the words with the weights.
# 2. Hardly anything changes, neither faces nor obedience. So neither would find this error; the test of `attention` above, with a key that is not there, does.
# 3. The faces stay faces, but half of the obedience goes within these few steps: pairs that don't belong together teach it not to listen.

# %%
run.report(
    obeyed_seen=by_factor["seen", 2.0]["mean"],
    obeyed_unseen=by_factor["unseen", 2.0]["mean"],
    strayed=own["unseen", 2.0][1],
    fd=own["seen", 2.0][2],
)
run.expect(
    obeyed_seen=(">", (None, 0.95, 0.95)), obeyed_unseen=(">", (None, 0.88, 0.88))
)

# %% [markdown]
# ## Exercises
#
# One to three stars.
# [The exercise notebook](exercises/65_text_to_image.ipynb) has them with checks that explain what went wrong.
#
# 1. ★ *(5 minutes)* A sentence as numbers.
# 2. ★★ *(10 minutes)* Attention.
# 3. ★ *(5 minutes)* Obeyed.
# 4. ★ *(5 minutes)* Away from what is not wanted.
# 5. ★★★ *(25 minutes, a project)* Two wishes at once.
#
# To try here *(10 to 20 minutes each)*: a seventh pair for `HELD_OUT`, and a training without it; sentences in another order than the captions'; the same sentence told at the beginning of the way, and another one from $t = 0.5$ on.
#
# ## What to remember
#
# - Attention is a sum over a set: without places or neighbours, words have no order, and colours no owner.
# - An encoder can learn the language first: two captions of one picture have their meaning in common.
# - Count words, not impressions: factor by factor, on pairs seen and never seen.
# - Guidance makes words count for more, up to a point; a negative prompt takes the place of nothing.
# - Faces can look like faces though captions and pictures don't belong together. Obedience shows it.
#
# ## Further reading
#
# - A. Vaswani et al., *Attention Is All You Need*, NeurIPS 2017, arXiv:1706.03762.
# - R. Rombach et al., *High-Resolution Image Synthesis with Latent Diffusion Models*, CVPR 2022, arXiv:2112.10752.
# - C. Saharia et al., *Photorealistic Text-to-Image Diffusion Models with Deep Language Understanding*, NeurIPS 2022, arXiv:2205.11487.
# - N. Liu et al., *Compositional Visual Generation with Composable Diffusion Models*, ECCV 2022, arXiv:2206.01714.
# - K. Huang et al., *T2I-CompBench: A Comprehensive Benchmark for Open-world Compositional Text-to-image Generation*, NeurIPS 2023, arXiv:2307.06350.
