"""A sentence for each portrait, in several phrasings."""

import torch

from genimg_lib.data.portraits.factors import CATEGORICAL, FACTORS, as_tensors

_MOUTHS = {  # as an adjective, as an afterthought
    "smile": (("smiling", "happy"), ("with a smile", "smiling")),
    "grin": (("grinning", "laughing"), ("with a big grin", "grinning")),
    "calm": (("calm", "serious"), ("with a calm look", "looking serious")),
    "surprised": (("surprised", "astonished"), ("with an open mouth", "looking surprised")),
}
_HAIRS = {
    "short": "short {} hair",
    "curly": "curly {} hair",
    "bob": "a {} bob",
    "long": "long {} hair",
    "bunches": "{} hair in bunches",
}
_HATS = {
    "beanie": ("beanie", "woolly hat"),
    "cap": ("cap", "baseball cap"),
    "sun hat": ("sun hat", "wide-brimmed hat"),
}
_SUBJECTS = ("face", "person", "portrait")


def caption(factors, seed=0):
    """A sentence for each portrait: N strings.

    Such as "a smiling face with round glasses, long red hair and a blue cap".
    All that the sentence says is true of the picture; it may leave out skin, eyes, outfit or
    background. The same factors have several phrasings: `seed` chooses.
    """
    factors = as_tensors(factors)
    n = len(factors["x"])
    dice = torch.rand(n, 10, generator=torch.Generator().manual_seed(seed)).tolist()
    columns = {name: [FACTORS[name][i] for i in factors[name].tolist()] for name in CATEGORICAL}
    return [
        _sentence({name: column[i] for name, column in columns.items()}, iter(dice[i]))
        for i in range(n)
    ]


def full_caption(factors):
    """The sentence that names all that has a name, always phrased alike: N strings."""
    factors = as_tensors(factors)
    columns = {name: [FACTORS[name][i] for i in factors[name].tolist()] for name in CATEGORICAL}
    first_options = [0.0] * 10
    return [
        _sentence({name: column[i] for name, column in columns.items()}, iter(first_options))
        for i in range(len(factors["x"]))
    ]


def wish(factors, seed=0):
    """A list of some of what portraits show, as people ask for it: N strings.

    Such as "red hair in bunches, smiling". Each feature is named in half of the lists, one at
    least; of what it does not name, a list says nothing. `seed` chooses.
    """
    factors = as_tensors(factors)
    n = len(factors["x"])
    generator = torch.Generator().manual_seed(seed)
    chances, names = torch.rand(n, 9, generator=generator), torch.rand(n, 2, generator=generator)
    columns = {name: [FACTORS[name][i] for i in factors[name].tolist()] for name in CATEGORICAL}
    wishes = []
    for i in range(n):
        parts = _wishes({name: column[i] for name, column in columns.items()}, *names[i].tolist())
        chance = chances[i, : len(parts)]
        order = chance.argsort().tolist()
        most = max(1, int((chance < 0.5).sum()))
        wishes.append(", ".join(parts[k] for k in order[:most]))
    return wishes


def _wishes(f, first, second):
    """All that a list may name."""
    adjectives, _ = _MOUTHS[f["mouth"]]
    parts = [adjectives[int(2 * first)], f"{f['skin']} skin", f"{f['eyes']} eyes", _hair(f)]
    parts += [f"a {f['background']} background", f"a {f['outfit']} shirt"]
    if f["glasses"] != "none":
        parts.append(f"{f['glasses']} glasses")
    if f["beard"] != "none":
        parts.append("a moustache" if f["beard"] == "moustache" else "a beard")
    if f["hat"] != "none":
        parts.append(f"a {f['outfit']} {_HATS[f['hat']][int(2 * second)]}")
    return parts


def _sentence(f, dice):
    def pick(*options):
        return options[int(next(dice) * len(options))]

    adjectives, afterthoughts = _MOUTHS[f["mouth"]]
    features = [
        f"{pick(f['skin'] + ' skin', '')}",
        _hair(f),
        {"none": ""}.get(f["glasses"], f"{f['glasses']} glasses"),
    ]
    features += [{"none": "", "moustache": "a moustache", "full": "a beard"}[f["beard"]]]
    hat = "" if f["hat"] == "none" else f"a {f['outfit']} {pick(*_HATS[f['hat']])}"
    eyes, outfit = pick(f"{f['eyes']} eyes", ""), pick(f"a {f['outfit']} shirt", "", "")
    features = [part for part in (eyes, *features, hat, outfit) if part]
    shift = int(next(dice) * len(features))
    listed = _list(features[shift:] + features[:shift])
    place = pick(f" on a {f['background']} background", f" before a {f['background']} wall", "", "")
    subject, style = pick(*_SUBJECTS), next(dice)
    if style < 0.6:
        return f"{_article(pick(*adjectives))} {subject} with {listed}{place}"
    if subject == "portrait":
        return f"a portrait of someone {pick(*afterthoughts)}, with {listed}{place}"
    return f"a {subject} with {listed}, {pick(*afterthoughts)}{place}"


def _hair(f):
    return "a bald head" if f["hair"] == "bald" else _HAIRS[f["hair"]].format(f["hair_color"])


def _list(parts):
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def _article(word):
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"
