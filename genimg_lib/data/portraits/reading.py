"""What a description asks of a portrait: the captions' way back, from words to factors."""

import re

from genimg_lib.data.portraits.captions import _HATS, _MOUTHS
from genimg_lib.data.portraits.factors import FACTORS

EXAMPLE = "a smiling face with round glasses, long red hair and a blue cap, before a peach wall"
# words that ask for nothing
_PLAIN = re.compile(
    r"an?|the|and|with|of|in|on|before|someone|who|is|are|looking|wearing|face|person|portrait|"
    r"woman|man|head"
)


def _words(*options):
    """A pattern of any of these, the longest first."""
    longest_first = sorted(options, key=len, reverse=True)
    return "(" + "|".join(re.escape(option) for option in longest_first) + ")"


def _colour_of(name, *nouns):
    return rf"\b{_words(*FACTORS[name])} {_words(*nouns)}\b"


def _patterns():
    """(pattern, {factor: group of the pattern or the value itself}), the most telling first."""
    styles = {"short": "short", "curly": "curly", "long": "long"}
    colours = _words(*FACTORS["hair_color"])
    yield rf"\b{_words(*styles)} {colours} hair\b", {"hair": 1, "hair_color": 2}
    yield rf"\b{colours} hair in bunches\b", {"hair": "bunches", "hair_color": 1}
    yield rf"\b{colours} (bob|bunches)\b", {"hair": 2, "hair_color": 1}
    yield rf"\b{_words(*styles)} hair\b", {"hair": 1}
    yield rf"\b{colours} hair\b", {"hair_color": 1}
    yield r"\b(?:hair in )?(bunches)\b", {"hair": 1}
    yield r"\b(bob|bald)\b", {"hair": 1}
    for hat, names in _HATS.items():
        worn = _words(hat, *names)
        yield rf"\b{_words(*FACTORS['outfit'])} {worn}\b", {"hat": hat, "outfit": 1}
        yield rf"\b{worn}\b", {"hat": hat}
    yield r"\bno hat\b", {"hat": "none"}
    yield r"\b(round|square) glasses\b", {"glasses": 1}
    yield r"\bno glasses\b", {"glasses": "none"}
    yield r"\bno beard\b", {"beard": "none"}
    yield r"\bmoustache\b", {"beard": "moustache"}
    yield r"\b(?:full )?beard\b", {"beard": "full"}
    yield _colour_of("eyes", "eyes"), {"eyes": 1}
    yield _colour_of("skin", "skin"), {"skin": 1}
    yield _colour_of("outfit", "shirt", "outfit"), {"outfit": 1}
    yield _colour_of("background", "background", "wall"), {"background": 1}
    for mouth, (adjectives, afterthoughts) in _MOUTHS.items():
        said = {mouth, *adjectives, *afterthoughts}
        bare = {re.sub(r"^(with an?|looking) ", "", words) for words in said}
        yield rf"\b{_words(*said, *bare)}\b", {"mouth": mouth}


PATTERNS = [(re.compile(pattern), asks) for pattern, asks in _patterns()]
_WORDS = set(re.findall(r"[a-z-]{3,}", " ".join(pattern.pattern for pattern, _ in PATTERNS)))


def factors_or_none(text):
    """`factors_of`, or None for a description that it refuses: for what a network wrote."""
    try:
        return factors_of(text)
    except ValueError:
        return None


def factors_of(text):
    """The categorical factors that a description names: {name: index of its value}.

    text: in the words of `caption`, in any order: "red hair, round glasses".
    Raises ValueError for words that no caption has, for two values of one factor, and for a
    description that asks for nothing.
    """
    left, found = text.lower(), {}
    for pattern, asks in PATTERNS:
        for match in pattern.finditer(left):
            for name, value in asks.items():
                word = match[value] if isinstance(value, int) else value
                if found.setdefault(name, word) != word:
                    raise ValueError(f"{text!r} asks for {name} {found[name]!r} and {word!r}")
        left = pattern.sub(" ", left)
    unknown = [word for word in re.findall(r"[\w-]+", left) if not _PLAIN.fullmatch(word)]
    if unknown or not found:
        what = _unknown(unknown[0]) if unknown else "nothing is asked for"
        raise ValueError(f"{text!r}: {what}; expected something like {EXAMPLE!r}")
    return {name: FACTORS[name].index(word) for name, word in found.items()}


def _unknown(word):
    """Why a word of a description was not understood."""
    if word in ("no", "not", "without"):
        return (
            f"{word!r}: what isn't wanted is left out, but for 'no hat', 'no glasses', 'no beard'"
        )
    if word in _WORDS:
        together = "'round glasses', 'green eyes'"
        return f"{word!r} is understood together with other words only: {together}"
    return f"{word!r} is no word of the captions"
