"""What a training's loop says: its source, that of the reader's functions, how it was left.

A training that was interrupted, and whose loop was changed since, is another training.
"""

import ast
import dis
import inspect
import linecache
import textwrap
import types


def loop_source(frame):
    """The loop that a frame is about to begin and the functions that it names, without comments.

    Only functions of the same file or notebook, and those that they name. Empty where there is no
    source, as in an interactive interpreter.
    """
    loop = _loop_at("".join(linecache.getlines(frame.f_code.co_filename)), frame.f_lineno)
    if loop is None:
        return ""
    known = frame.f_globals | frame.f_locals
    home, parts, waiting, seen = frame.f_globals.get("__name__"), [ast.unparse(loop)], [loop], set()
    while waiting:
        for name in sorted({n.id for n in ast.walk(waiting.pop()) if isinstance(n, ast.Name)}):
            function = known.get(name)
            is_ours = isinstance(function, types.FunctionType) and function.__module__ == home
            if is_ours and name not in seen and (tree := _tree_of(function)):
                seen.add(name)
                parts.append(ast.unparse(tree))
                waiting.append(tree)
    return "\n".join(parts)


def left_on_purpose(frame):
    """True where a frame's loop was left by `break` or `return`, False by an error.

    An interrupt is an error. To be asked while the loop's iterator is being closed. `break` and
    `return` take it off the frame's stack by an instruction of its own, at which the frame then
    stands; an error leaves the frame at the instruction that raised it.
    """
    instruction = frame.f_code.co_code[frame.f_lasti] if frame.f_lasti >= 0 else 0
    return dis.opname[instruction] in ("POP_TOP", "POP_ITER")


def _loop_at(source, line):
    """The innermost `for` of a source whose head stands at a line, or None."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    loops = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.For) and node.lineno <= line <= node.iter.end_lineno
    ]
    return max(loops, key=lambda node: node.lineno, default=None)


def _tree_of(function):
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return None
