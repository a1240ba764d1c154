"""Mistakes that nobody listed: the right answer with one thing changed.

A term left out, a sign turned, an axis exchanged, `mean` for `sum`. An answer that gives the same
as such a variant, on all inputs, has made that mistake, or one that cannot be told from it.
"""

import ast
import copy
import functools
import inspect
import itertools
import warnings

CONTEXT = 44  # characters of an expression that a sentence quotes
# what stands alone and may be forgotten
FORGOTTEN = {
    *("log", "log2", "log10", "exp", "sqrt", "abs", "square", "reciprocal", "round", "clamp"),
    *("sigmoid", "logsigmoid", "softplus", "relu", "tanh", "softmax", "log_softmax", "normalize"),
    *("flip", "cumsum", "sort", "t", "diff", "mean", "sum", "std", "var", "amax", "roll"),
    *("triu", "tril", "pad", "outer", "inv", "det", "logsumexp", "max", "min", "floor", "ceil"),
}
EXCHANGED = {
    "sum": ("mean", "amax", "prod"),
    "mean": ("sum", "median", "amax"),
    "std": ("var",),
    "var": ("std",),
    "log": ("log2", "log10", "log1p"),
    "exp": ("exp2", "expm1"),
    "abs": ("square",),
    "square": ("abs",),
    "sqrt": ("square",),
    "max": ("min", "mean"),
    "amax": ("amin", "mean"),
    "min": ("max",),
    "amin": ("amax",),
    "argmax": ("argmin",),
    "argmin": ("argmax",),
    "softplus": ("relu",),
    "relu": ("abs",),
    "floor": ("ceil", "round"),
    "ceil": ("floor", "round"),
    "round": ("floor", "ceil"),
    "cos": ("sin",),
    "sin": ("cos",),
    "softmax": ("sigmoid", "log_softmax"),
    "log_softmax": ("softmax",),
    "logsigmoid": ("sigmoid",),
    "triu": ("tril",),
    "tril": ("triu",),
}
SUMS = ast.Add | ast.Sub
AXES = ("dim", "dims", "axis")
ODD = ("the other way round", "squared in", "root of", "` squared", "upside down")
UNSAFE = ("solve",)  # torch.linalg.solve may end the process where shapes do not fit (2.13.0)


def of(right, reduced=lambda function: function):
    """{sentence: (function, ...)} of the variants of a right answer; {} where it has no source.

    reduced: what a check does with each function, see `Check`.
    """
    function = inspect.unwrap(right)
    tree = _definition(function)
    if tree is None or any(getattr(n, "attr", "") in UNSAFE for n in ast.walk(tree)):
        return {}
    found = {}
    every = [*_of_itself(tree, function), *_of_helpers(tree, function)]
    for text, variant in sorted(every, key=lambda row: any(sign in row[0] for sign in ODD)):
        found.setdefault(f"this is what comes out {text}.", []).append(reduced(variant))
    return {sentence: tuple(functions) for sentence, functions in found.items()}


def _of_itself(tree, function):
    """(what was changed, the function with it) for each change of its own source."""
    for text in _changes(tree):
        if (code := _compiled(tree)) is not None:
            yield text, _run(code, function, {})


def _of_helpers(tree, function):
    """The function with one thing changed in what it calls of its own module."""
    called = [n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and _is_name(n.func)]
    as_it_is = _compiled(tree)
    for name in dict.fromkeys(called):
        helper = function.__globals__.get(name)
        if not inspect.isfunction(helper) or helper.__module__ != function.__module__:
            continue
        below = _definition(helper)
        for text, variant in _of_itself(below, helper) if below is not None else ():
            yield text, _run(as_it_is, function, {name: variant})


# ---------------------------------------------------------------- source and back


@functools.cache
def _module(path):
    with open(path, encoding="utf-8") as file:
        return ast.parse(file.read())


def _definition(function):
    """The `def` of a function, or what a lambda would be as one; None where it is not found."""
    code = getattr(function, "__code__", None)
    try:
        tree = _module(inspect.getsourcefile(function)) if code else None
    except (OSError, TypeError, SyntaxError):
        tree = None
    if tree is None or function.__closure__:
        return None
    words = inspect.getfullargspec(function).args
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.Lambda):
            continue
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
        if first == code.co_firstlineno and [a.arg for a in node.args.args] == words:
            return _as_definition(node)
    return None


def _as_definition(node):
    if isinstance(node, ast.FunctionDef):
        plain = copy.deepcopy(node)
        plain.decorator_list, plain.returns = [], None
        return plain
    definition = ast.parse("def variant(): return None").body[0]
    definition.args = copy.deepcopy(node.args)
    definition.body[0].value = copy.deepcopy(node.body)
    return definition


def _compiled(definition):
    """The code of a definition as it is now; None where it has no sense."""
    module = ast.Module(body=[definition], type_ignores=[])
    try:
        with warnings.catch_warnings(action="ignore"):
            return compile(ast.fix_missing_locations(module), "<variant>", "exec"), definition.name
    except (SyntaxError, ValueError):
        return None


def _run(compiled, function, others):
    """The function that code defines, in the module of another.

    others: what it finds there in the place of functions of the same name.
    """
    code, name = compiled
    names = dict(function.__globals__) | others
    exec(code, names)
    return names[name]


# ---------------------------------------------------------------- one thing changed


def _changes(tree):
    """Makes one change after the other in a definition, and takes it back; says what it is."""
    names = [argument.arg for argument in tree.args.args]
    names += [n.id for n in ast.walk(tree) if _is_name(n) and _is_stored(n)]
    names = list(dict.fromkeys(names))
    for one, other in itertools.combinations(names[:8], 2):
        _exchange(tree, one, other)
        yield f"with `{one}` and `{other}` exchanged"
        _exchange(tree, one, other)
    for statement in [s for s in tree.body if _may_be_forgotten(s)]:
        place = tree.body.index(statement)
        tree.body.remove(statement)
        yield f"without the line `{_short(statement)}`"
        tree.body.insert(place, statement)
    for parent in [n for statement in tree.body for n in ast.walk(statement)]:
        for put, node in list(_places(parent)):
            for text, other in list(_edits(node, parent, names)):
                put(other)
                yield text
                put(node)


def _places(parent):
    """(a function that puts another node there, the node) for each node below one."""
    for field, value in ast.iter_fields(parent):
        if isinstance(value, ast.AST):
            yield functools.partial(setattr, parent, field), value
        elif isinstance(value, list):
            for k, node in enumerate(value):
                if isinstance(node, ast.AST):
                    yield functools.partial(value.__setitem__, k), node


def _is_name(node):
    return isinstance(node, ast.Name)


def _is_stored(name):
    return isinstance(name.ctx, ast.Store)


def _may_be_forgotten(statement):
    """Whether a line changes what was there before."""
    if isinstance(statement, ast.AugAssign):
        return True
    if not isinstance(statement, ast.Assign):
        return False
    stored = {n.id for target in statement.targets for n in ast.walk(target) if _is_name(n)}
    used = {n.id for n in ast.walk(statement.value) if _is_name(n)}
    return bool(stored & used)


def _exchange(tree, one, other):
    """Exchange two names wherever they are read."""
    for node in ast.walk(tree):
        if _is_name(node) and not _is_stored(node):
            node.id = {one: other, other: one}.get(node.id, node.id)


def _short(node):
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= CONTEXT else f"{text[: CONTEXT - 4]} ..."


def _edits(node, parent, names):
    """(what is changed, the other expression) for a node."""
    if isinstance(node, ast.BinOp):
        yield from _of_operation(node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield f"without the minus before `{_short(node.operand)}`", node.operand
    elif isinstance(node, ast.Constant):
        yield from _of_number(node, parent)
    elif isinstance(node, ast.Call):
        yield from _of_call(node)
    elif isinstance(node, ast.Attribute) and node.attr in ("T", "mT", "mH"):
        yield f"without the transposition of `{_short(node.value)}`", node.value
    elif isinstance(node, ast.Attribute) and node.attr == "values":
        if isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute):
            subject = node.value.func.value
            yield f"without the {node.value.func.attr} of `{_short(subject)}`", subject
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        yield from _of_name(node, parent, names)
    elif isinstance(node, ast.IfExp):
        yield f"with `{_short(node.body)}` always", node.body
        yield f"with `{_short(node.orelse)}` always", node.orelse
    elif isinstance(node, ast.Compare):
        yield from _of_comparison(node)
    elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        yield f"with all of `{_short(node.value)}` for `{_short(node)}`", node.value


def _of_operation(node):
    left, right = node.left, node.right
    a, b = _short(left), _short(right)
    if isinstance(node.op, ast.Mult | ast.Div):  # parentheses forgotten
        if isinstance(right, ast.BinOp) and isinstance(right.op, SUMS):
            inner = ast.BinOp(left, node.op, right.left)
            yield f"without parentheses around `{b}`", ast.BinOp(inner, right.op, right.right)
        if isinstance(left, ast.BinOp) and isinstance(left.op, SUMS):
            inner = ast.BinOp(left.right, node.op, right)
            yield f"without parentheses around `{a}`", ast.BinOp(left.left, left.op, inner)
    if isinstance(node.op, ast.Add):
        yield f"with - in place of + before `{b}`", ast.BinOp(left, ast.Sub(), right)
        yield f"with `{a}` taken off `{b}`, not added", ast.BinOp(right, ast.Sub(), left)
        yield f"without `+ {b}`", left
        yield f"without `{a} +`", right
        yield f"with * in place of + before `{b}`", ast.BinOp(left, ast.Mult(), right)
    elif isinstance(node.op, ast.Sub):
        yield f"with + in place of - before `{b}`", ast.BinOp(left, ast.Add(), right)
        yield f"with `{b} - {a}`, the other way round", ast.BinOp(right, ast.Sub(), left)
        yield f"without `- {b}`", left
        yield f"without `{a}` before `- {b}`", ast.UnaryOp(ast.USub(), right)
        yield f"without `{a}`, and with plus for `- {b}`", right
    elif isinstance(node.op, ast.Mult):
        yield f"without the factor `{b}`", left
        yield f"without the factor `{a}`", right
        yield f"with a division by `{b}` in place of the product", ast.BinOp(left, ast.Div(), right)
        yield f"with a division by `{a}` in place of the product", ast.BinOp(right, ast.Div(), left)
        yield f"with `{a} + {b}`, a sum for the product", ast.BinOp(left, ast.Add(), right)
        squared = ast.BinOp(right, ast.Pow(), ast.Constant(2))
        yield f"with `{b}` squared", ast.BinOp(left, ast.Mult(), squared)
    elif isinstance(node.op, ast.Div | ast.FloorDiv):
        yield f"without the division by `{b}`", left
        yield f"with `{b}` as a factor, not a divisor", ast.BinOp(left, ast.Mult(), right)
        yield f"upside down, `{b} / {a}`", ast.BinOp(right, node.op, left)
        squared = ast.BinOp(right, ast.Pow(), ast.Constant(2))
        yield f"with `{b}` squared", ast.BinOp(left, node.op, squared)
        root = ast.BinOp(right, ast.Pow(), ast.Constant(0.5))
        yield f"with the root of `{b}`", ast.BinOp(left, node.op, root)
    elif isinstance(node.op, ast.MatMult):
        yield f"with `{a}` transposed", ast.BinOp(_transposed(left), node.op, right)
        yield f"with `{b}` transposed", ast.BinOp(left, node.op, _transposed(right))
        yield f"with `{b} @ {a}`, the other way round", ast.BinOp(right, node.op, left)
    elif isinstance(node.op, ast.Pow):
        yield f"without the power of `{a}`, `** {b}`", left
        absolute = ast.Call(ast.Name("abs", ast.Load()), [left], [])
        yield f"with |{a}| for `{_short(node)}`", absolute


def _transposed(node):
    return ast.Attribute(node, "mT", ast.Load())


def _of_number(node, parent):
    value = node.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    if isinstance(parent, ast.keyword) and parent.arg in AXES:
        return  # of the call
    others = (2 * value, value / 2, value + 1, value - 1, value**2)
    for other in dict.fromkeys(others):
        if isinstance(value, int) and float(other).is_integer():
            other = int(other)
        if other != value and isinstance(parent, ast.Subscript):
            place = ast.Subscript(parent.value, ast.Constant(other), parent.ctx)
            text = f"with `{_short(place)}` in place of `{_short(parent)}`"
            yield text, ast.Constant(other)
        elif other != value:
            context = "" if isinstance(parent, ast.Call) else f" in `{_short(parent)}`"
            if isinstance(parent, ast.keyword):
                context = f" for `{parent.arg}`"
            yield f"with {other:g} in place of {value:g}{context}", ast.Constant(other)


def _of_name(node, parent, names):
    if (isinstance(parent, ast.Call) and parent.func is node) or node.id not in names:
        return
    for other in names[:10]:
        if other != node.id:
            yield (
                f"with `{other}` in place of `{node.id}` in `{_short(parent)}`",
                ast.Name(other, ast.Load()),
            )
    squared = ast.BinOp(node, ast.Pow(), ast.Constant(2))
    yield f"with `{node.id}` squared in `{_short(parent)}`", squared
    root = ast.BinOp(node, ast.Pow(), ast.Constant(0.5))
    yield f"with the root of `{node.id}` in `{_short(parent)}`", root


def _of_comparison(node):
    others = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
    other = others.get(type(node.ops[0]))
    if other and len(node.ops) == 1:
        changed = ast.Compare(node.left, [other()], node.comparators)
        yield f"with `{_short(changed)}` for `{_short(node)}`", changed


def _of_call(node):
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    is_method = isinstance(node.func, ast.Attribute) and not _is_module(node.func.value)
    subject = node.func.value if is_method else (node.args[0] if node.args else None)
    if subject is None:
        return
    what = _short(subject)
    if name in FORGOTTEN:
        yield f"without the `{name}` of `{what}`", subject
    if name == "sqrt":
        squared = ast.BinOp(subject, ast.Pow(), ast.Constant(2))
        yield f"with the square of `{what}` for its root", squared
    if name in ("sum", "mean", "argmax", "amax", "std", "var") and node.args + node.keywords:
        kept = ast.keyword("keepdim", ast.Constant(True))
        yield (
            f"with keepdim=True in `{name}`",
            ast.Call(node.func, node.args, [*node.keywords, kept]),
        )
    if is_method and isinstance(subject, ast.Call) and isinstance(subject.func, ast.Attribute):
        first, after = subject.func.attr, node.func.attr
        inner = ast.Call(
            ast.Attribute(subject.func.value, after, ast.Load()), node.args, node.keywords
        )
        outer = ast.Call(ast.Attribute(inner, first, ast.Load()), subject.args, subject.keywords)
        yield f"with `{after}` before `{first}`", outer
    for other in EXCHANGED.get(name, ()):
        yield f"with `{other}` in place of `{name}` of `{what}`", _renamed(node, other)
    yield from _of_axes(node, name, is_method)
    for k, keyword in enumerate(node.keywords):
        rest = [w for j, w in enumerate(node.keywords) if j != k]
        yield f"without `{_short(keyword)}` in `{name}`", ast.Call(node.func, node.args, rest)
    if len(node.args) >= 2:
        first, second, *others = node.args
        text = f"with `{_short(first)}` and `{_short(second)}` exchanged in `{name}`"
        yield text, ast.Call(node.func, [second, first, *others], node.keywords)


def _is_module(node):
    return isinstance(node, ast.Name) and node.id in ("torch", "F", "math", "np", "nn", "layers")


def _renamed(node, name):
    if isinstance(node.func, ast.Attribute):
        function = ast.Attribute(node.func.value, name, ast.Load())
    else:
        function = ast.Name(name, ast.Load())
    return ast.Call(function, node.args, node.keywords)


def _of_axes(node, name, is_method):
    """Other axes where a call names some, by keyword or as a method's number."""
    axes = (-1, 0, 1, 2, 3, -2)
    for k, keyword in enumerate(node.keywords):
        if keyword.arg in AXES:
            for other in (*axes, (0, 2, 3), (1, 2, 3), (2, 3), (1, 2)):
                word = ast.keyword(keyword.arg, ast.parse(repr(other)).body[0].value)
                words = [word if j == k else w for j, w in enumerate(node.keywords)]
                text = f"with axis {other} in place of {_short(keyword.value)} in `{name}`"
                yield text, ast.Call(node.func, node.args, words)
    if is_method and (name in EXCHANGED or name in FORGOTTEN) and node.args:
        for other in axes:
            text = f"with axis {other} in place of {_short(node.args[0])} in `{name}`"
            changed = [ast.Constant(other), *node.args[1:]]
            yield text, ast.Call(node.func, changed, node.keywords)
        yield f"with `{name}` over all axes", ast.Call(node.func, node.args[1:], node.keywords)
