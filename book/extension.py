"""What the book adds to Sphinx: formulas, equations with anchors, links by number."""

import re

from docutils import nodes
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

from genimg_lib.course import chapters

logger = logging.getLogger(__name__)
DOCUMENTS = {c.name[:2]: f"notebooks/{c.name}" for c in chapters.CHAPTERS}
TAG = re.compile(r"\s*\\tag\{(\d+)\}")
MATHJAX = """
window.MathJax = {
  tex: {inlineMath: [["\\\\(", "\\\\)"]], displayMath: [["\\\\[", "\\\\]"]]},
  startup: {elements: [".math"]},
  options: {enableMenu: false},
};
"""
CHAPTER = r"(?:[Nn]otebook|[Cc]hapter)s?\s\d\d"
REFERENCE = re.compile(
    rf"(?P<far>{CHAPTER},\sequation\s\((?P<far_equation>\d+)\))"
    rf"|(?P<chapters>{CHAPTER}(?:(?:,\s|\sand\s|\sor\s|\sto\s)\d\d)*)"
    r"|(?<![\w)])\((?P<equation>\d+)\)"
    r"|(?P<paper>arXiv:(?P<number>\d{4}\.\d{4,5}))"
)


class NumberEquations(SphinxTransform):
    r"""Takes \tag{n} out of a displayed formula, which gets the number and an anchor.

    Other pages can find it by that.
    """

    default_priority = 400

    def apply(self):
        for node in self.document.findall(nodes.math_block):
            if found := TAG.search(node.astext()):
                number = found[1]
                node["tag"], anchor = number, f"equation-{number}"
                node["ids"].append(anchor)
                node.children = [nodes.Text(TAG.sub("", node.astext()))]
                labels = self.env.domains.standard_domain.anonlabels
                labels[f"{self.env.docname}:{number}"] = (self.env.docname, anchor)


class KeepPunctuation(SphinxTransform):
    """Ties a formula to the bracket, full stop or comma beside it, which begins no line."""

    default_priority = 410

    def apply(self):
        for node in list(self.document.findall(nodes.math)):
            place = node.parent.index(node)
            before, after = (
                node.parent[k] if 0 <= k < len(node.parent) else None
                for k in (place - 1, place + 1)
            )
            opening = re.search(r"[(\[“‘]+$", before) if isinstance(before, nodes.Text) else None
            closing = re.match(r"[)\].,;:?!”’-]+", after) if isinstance(after, nodes.Text) else None
            pieces = [nodes.Text(opening[0])] if opening else []
            pieces += [node.deepcopy(), *([nodes.Text(closing[0])] if closing else [])]
            if closing:
                after.parent.replace(after, nodes.Text(after[closing.end() :]))
            if opening:
                before.parent.replace(before, nodes.Text(before[: opening.start()]))
            if len(pieces) > 1:
                node.parent.replace(node, nodes.inline("", "", *pieces, classes=["together"]))


def join_texts(element):
    """One text for each run of texts: the parser begins a new one at every line."""
    joined = []
    for child in element.children:
        if isinstance(child, nodes.Text) and joined and isinstance(joined[-1], nodes.Text):
            joined[-1] = nodes.Text(joined[-1] + child)
        else:
            joined.append(child)
    element.children = []
    element.extend(joined)


class LinkNumbers(SphinxPostTransform):
    """Makes links of "(3)", "notebook 13, equation (14)" and "arXiv:1312.6114".

    And of "chapters 13 and 16", where there is something to link to.
    """

    default_priority = 7  # after the bibliography has been written out

    def run(self):
        closed = (
            nodes.reference,
            nodes.literal,
            nodes.literal_block,
            nodes.math,
            nodes.math_block,
            nodes.title,
            nodes.raw,
        )
        for element in list(self.document.findall(nodes.TextElement)):
            join_texts(element)
        for text in list(self.document.findall(nodes.Text)):
            ancestors, node = [], text.parent
            while node is not None:
                ancestors, node = [*ancestors, node], node.parent
            if not any(isinstance(a, closed) for a in ancestors) and (pieces := self.pieces(text)):
                text.parent.replace(text, pieces)

    def pieces(self, text):
        """The text cut into links and what stands between them; empty where nothing is linked."""
        found, end, whole = [], 0, text.astext()
        for match in REFERENCE.finditer(whole):
            for start, stop, target in self.targets(match, text):
                link = nodes.reference(
                    "", whole[start:stop], refuri=target, internal=not target.startswith("https:")
                )
                found += [nodes.Text(whole[end:start]), link]
                end = stop
        return [*found, nodes.Text(whole[end:])] if found else []

    def targets(self, match, text):
        """(start, stop, address) of each link in a match."""
        if match["far"]:
            number = re.search(r"\d\d", match["far"])[0]
            yield from self._found(
                match, "far", self.equation(DOCUMENTS.get(number), match["far_equation"], text)
            )
        elif match["chapters"]:
            numbers = list(re.finditer(r"\d\d", match["chapters"]))
            for number in numbers:
                start = match.start() + (number.start() if len(numbers) > 1 else 0)
                if address := self.document_address(DOCUMENTS.get(number[0])):
                    yield start, match.start() + number.end(), address
        elif match["equation"]:
            yield from self._found(
                match,
                0,
                self.equation(self.env.docname.replace("/exercises/", "/"), match["equation"]),
            )
        else:
            yield from self._found(match, "paper", f"https://arxiv.org/abs/{match['number']}")

    @staticmethod
    def _found(match, group, address):
        return [(match.start(group), match.end(group), address)] if address else []

    def document_address(self, document):
        """The address of a document of the book, as seen from this one.

        None where it is not in the book, empty where it is this one.
        """
        return (
            self.app.builder.get_relative_uri(self.env.docname, document)
            if document in self.env.all_docs
            else None
        )

    def equation(self, document, number, text=None):
        """The address of an equation.

        One that is named with its notebook, and is not in it, is a mistake in the text.
        """
        page = self.document_address(document)
        if page is None:
            return None
        if f"{document}:{number}" in self.env.domains.standard_domain.anonlabels:
            return f"{page}#equation-{number}"
        if text is not None:
            logger.warning("%s has no equation (%s)", document, number, location=text.parent)
        return None


def visit_math(translator, node):
    """A formula in the text, between the delimiters that MathJax looks for."""
    translator.body.append(rf'<span class="math">\({translator.encode(node.astext())}\)</span>')
    raise nodes.SkipNode


def visit_math_block(translator, node):
    """A formula on a line of its own; its number stands beside it and leads to it."""
    translator.body.append(translator.starttag(node, "div", CLASS="equation"))
    translator.body.append(rf'<div class="math">\[{translator.encode(node.astext())}\]</div>')
    if "tag" in node:
        translator.body.append(f'<a class="number" href="#{node["ids"][-1]}">({node["tag"]})</a>')
    translator.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer(
        "own_mathjax", inline_renderers=(visit_math, None), block_renderers=(visit_math_block, None)
    )
    app.add_transform(NumberEquations)
    app.add_transform(KeepPunctuation)
    app.add_post_transform(LinkNumbers)
    app.add_js_file(None, body=MATHJAX)
    app.add_js_file("tex-svg.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
