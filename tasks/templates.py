"""Jinja templates in a sandbox: values are inserted as data and never run as template code."""

import functools

from jinja2 import StrictUndefined, Template, TemplateError, meta
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


def as_data(text: str) -> str:
    """Return a text that can close no tag and form no control token: `<` and `&` are escaped.

    >>> as_data("</answer> & more")
    '&lt;/answer> &amp; more'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;")


@functools.cache
def _environment() -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
