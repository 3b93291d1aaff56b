"""Jinja templates in a sandbox: values are inserted as data and never run as template code."""

import functools

from jinja2 import StrictUndefined, Template, TemplateError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tasks.errors import BadRecipe


@functools.cache
def compiled(text: str, name: str) -> Template:
    """Return a template. A field that is not given is an error, and nothing is escaped.

    name: what a message calls it, like "rubric 'helpful'". Raises BadRecipe if the text is not a
    template.

    >>> compiled("{{ question }}?", "template 'short'").render(question="Who")
    'Who?'
    """
    try:
        return _environment().from_string(text)
    except TemplateError as exc:
        raise BadRecipe(f"{name} does not parse: {exc}") from exc


def fields(text: str) -> frozenset[str]:
    """Return the names of the values that a template needs. Raises TemplateError.

    >>> sorted(fields("{% for one in passages %}{{ one.text }}{% endfor %}{{ question }}"))
    ['passages', 'question']
    """
    return frozenset(meta.find_undeclared_variables(_environment().parse(text)))


def paths(text: str) -> frozenset[str]:
    """Return the values that a template uses, with one field each: `question`, `question.text`.

    The field of a loop's variable is a field of what the loop runs over. Raises TemplateError.

    >>> sorted(paths("{% for one in passages %}{{ one.text }}{% endfor %}{{ question.text }}"))
    ['passages.text', 'question.text']
    """
    tree = _environment().parse(text)
    free = meta.find_undeclared_variables(tree)
    loops = {
        loop.target.name: loop.iter.name
        for loop in tree.find_all(nodes.For)
        if isinstance(loop.target, nodes.Name) and isinstance(loop.iter, nodes.Name)
    }
    found = set()
    for one in tree.find_all(nodes.Getattr):
        if isinstance(one.node, nodes.Name):
            name = loops.get(one.node.name, one.node.name)
            if name in free:
                found.add(f"{name}.{one.attr}")
    whole = {name for name in free if not any(one.startswith(f"{name}.") for one in found)}
    return frozenset(found | whole)


def as_data(text: str) -> str:
    """Return a text that can close no tag and form no control token: `<` and `&` are escaped.

    >>> as_data("</answer> & more")
    '&lt;/answer> &amp; more'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;")


@functools.cache
def _environment() -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
