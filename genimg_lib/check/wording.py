"""Values and errors in words, and the sentences that several checks share."""

import math
import re

import torch

WHOLE = 24  # a tensor of so many numbers is printed whole

# ---------------------------------------------------------------- shared sentences

SUMMED_OVER_BATCH = (
    "summed over the batch; take the mean of it, so that the step does not grow with the batch."
)
SUMMED_EACH_PART = "summed over the batch; take the mean of each part."
ONE_FOR_THE_BATCH = "one number for the whole batch. Give one for each image."
MEAN_OVER_BATCH = "averaged over the batch already. Give one number for each image."
IN_BITS = "in bits. The course uses natural logarithms, nats."
REAL_FAKE_EXCHANGED = "real and fake are exchanged: real images should get a high logit."
ONLY_FAKES = (
    "only fakes are in it. A discriminator that never sees real images calls everything fake."
)
ONLY_REAL = "only real images are in it. It would call everything real."
HALF_OF_BOTH = "half of it: many codes average the two parts. The course's loss is their sum."
SIGMOID_TWICE = "the sigmoid is applied twice: a loss that expects logits was given probabilities."
THIS_IS_V = (
    "this is V itself, which the discriminator wants to be *large*. A loss is minimised: turn the "
    "sign."
)
UNSAFE_SIGMOID = (
    "fine for moderate logits, not at ±10⁴: the logarithm of a sigmoid that is exactly 0, or an "
    "exp that overflows. -log sigmoid(a) = softplus(-a), which is computed safely."
)
CUT_OFF = (
    "cut off at ±10⁴: a small number inside the logarithm, or clamping, makes the loss a constant "
    "there, and its slope 0. -log sigmoid(a) = softplus(-a)."
)
BOTH_LABELLED_REAL = (
    "both kinds carry the label 1. That is the generator's wish; in this step fakes carry 0, "
    "softplus(a)."
)
BATCH_STATISTICS = (
    "the statistics of the whole batch, as batch norm takes them. Each image has its own: over H "
    "and W only."
)
CHANNEL_STATISTICS = "statistics over the channels too, as in layer norm. Each channel has its own."
BY_VARIANCE = "divided by the variance. It is the standard deviation, its root."
MEAN_KEPT = "the mean was not taken off."
MISSING_EPSILON = (
    "no ε under the root, or another one than 1e-5: where a channel hardly varies the result is "
    "wrong, and where it is flat it is not a number."
)
PLAIN_GREY = "the plain mean of red, green and blue. The eye weighs them 0.299, 0.587 and 0.114."
BLUE_FIRST = "the weights are in the order blue, green, red. Our channels are red, green, blue."
CLASS_AS_NUMBER = "Class 9 is not nine times class 1"
A_COUNT = "a count; give the share."

# ---------------------------------------------------------------- values


def show(value):
    """A value in a few words: what is small whole, large tensors by shape and range."""
    if isinstance(value, torch.Tensor):
        return _show_tensor(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, (list, tuple)):
        inside = ", ".join(show(part) for part in value[:12]) + (", …" if len(value) > 12 else "")
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    if isinstance(value, str):
        return repr(value[:60])
    return getattr(value, "label", None) or getattr(value, "__name__", None) or str(value)[:80]


def _number(value):
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.5g}"
    return str(value)


def _show_tensor(tensor):
    if tensor.dim() == 0:
        return _number(tensor.item())
    if 0 < tensor.numel() <= WHOLE:
        return _nested(tensor.tolist())
    if tensor.numel() == 0:
        return f"an empty tensor {list(tensor.shape)}"
    low, high = (_number(v.item()) for v in (tensor.double().min(), tensor.double().max()))
    return f"a tensor {list(tensor.shape)} from {low} to {high}"


def _nested(value):
    if isinstance(value, list):
        return "[" + ", ".join(_nested(part) for part in value) + "]"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def call_of(name, names, arguments):
    """A call as the reader would write it: kl(p=[0.5, 0.5], q=[0.9, 0.1])."""
    inside = ", ".join(f"{n}={show(v)}" for n, v in zip(names, arguments, strict=False))
    return f"{name}({inside})"


def what_is(value):
    """The kind of a result, in words: a tensor [2, 3] of floats, a list of 3, None."""
    if isinstance(value, torch.Tensor):
        return f"a tensor {list(value.shape)}"
    if isinstance(value, tuple):
        return f"{len(value)} results"
    if isinstance(value, (bool, int, float)):
        return f"one number, {show(value)}"
    if value is None:
        return "None"
    if isinstance(value, str):
        return f"the text {show(value)}"
    return f"an object of type {type(value).__name__}"


def ordinal(k):
    return ("first", "second", "third", "fourth", "fifth", "sixth")[k] if k < 6 else f"{k + 1}th"


def plural(count, noun):
    return f"{count} {noun}" + ("" if count == 1 else "s")


# ---------------------------------------------------------------- errors

HINTS = (
    (r"\^|bitwise_xor", "In Python a power is **; ^ is a bitwise exclusive or."),
    (
        r"can't be cast to .*(Byte|unsigned char)",
        "Bytes hold whole numbers from 0 to 255: convert with .float() first.",
    ),
    (r"not implemented for '(Byte|Long|Int|Bool)'", "Convert to floats first, with .float()."),
    (
        r"[Ii]nput dtype should be either floating|could not infer output dtype",
        "Convert to floats first, with .float().",
    ),
    (
        r"does not require grad",
        "Autograd follows only what requires a gradient: x = x.detach().clone().requires_grad_().",
    ),
    (
        r"grad can be implicitly created only for scalar",
        "Differentiate one number: take the sum first.",
    ),
    (
        r"backward through the graph a second time",
        "A graph is freed once it was differentiated: retain_graph=True keeps it.",
    ),
    (
        r"leaf Variable that requires grad is being used in an in-place",
        "Do not change an argument in place.",
    ),
    (
        r"(maximum|minimum)\(\).*must be Tensor|: (max|min)\(\) received an invalid",
        "Against a single number: x.clamp(min=...) takes the larger, x.clamp(max=...) the smaller.",
    ),
    (
        r"Boolean value of Tensor with more than one value",
        "max, min, if, and, or of Python take single values; for tensors there are clamp, "
        "torch.where, & and |.",
    ),
    (
        r"not broadcastable with batch_shape",
        "Sizes are matched from the last axis: put in axes of length 1, with [:, None].",
    ),
    (
        r"must be Tensor, not (float|int)",
        "torch's functions take tensors; for single numbers there is math.",
    ),
    (
        r"only (one|1) element tensors|only integer tensors of a single",
        "math.* takes single numbers; for tensors use torch's functions.",
    ),
    (
        r"only length-1 arrays|can only convert an array of size 1",
        "math.* takes single numbers; for tensors use torch's functions.",
    ),
    (
        r"must match the (existing )?size",
        "Sizes are matched from the last axis: give the smaller one axes of length 1, with "
        "keepdim=True or [:, None].",
    ),
    (
        r"could not be broadcast",
        "Sizes are matched from the last axis: give the smaller one axes of length 1.",
    ),
    (
        r"inconsistent tensor size",
        "Two vectors of different lengths: which of them is too short?",
    ),
    (
        r"shapes cannot be multiplied|size mismatch",
        "In A @ B the last axis of A and the first of B are summed over: is one to be transposed?",
    ),
    (
        r"Dimension out of range",
        "Count the axes: [N, d] has two, with the numbers 0 and 1, or -1 for the last.",
    ),
    (
        r"must have same number of dimensions|number of dimensions",
        "Put in axes of length 1 with [:, None] until both have as many.",
    ),
    (
        r"same dtype|expected scalar type|expected m1 and m2",
        "Give what you make the inputs' precision: dtype=x.dtype.",
    ),
    (r"can't convert .* to numpy|Can't call numpy", "Stay with torch's functions."),
    (
        r"3D \(unbatched\) or 4D|Expected [34]D",
        "conv2d takes images [N, C, H, W] and kernels [out, in, h, w]: put in axes with x[None, "
        "None].",
    ),
    (r"name '(np|nn|F|math|torch)' is not defined", "Import it in a cell above."),
    (
        r"name '\w+' is not defined",
        "Is it spelled as you defined it, and defined inside the function or in a cell above?",
    ),
    (
        r"'NoneType'",
        "Something gives None here: a function without `return`, or one that works in place.",
    ),
    (
        r"concatenate tuple|'(tuple|torch.return_types.\w+)'",
        "max, min and sort along an axis give (values, indices): take .values or .indices.",
    ),
    (
        r"operand type\(s\) for \S+: 'list'|can't multiply sequence|can only concatenate list",
        "Lists do not calculate: make a tensor of it.",
    ),
)


def hint(error):
    """What an error may mean, with a space in front; empty where nothing is known."""
    text = f"{type(error).__name__}: {error}"
    return next((f" {advice}" for pattern, advice in HINTS if re.search(pattern, text)), "")


def stopped(error, line=""):
    """An error in words: stops with ZeroDivisionError: division by zero, in `return 1 / 0`."""
    text = " ".join(str(error).split())
    where = f", in `{line}`" if line else ""
    return f"stops with {type(error).__name__}: {text[:200]}{where}"
