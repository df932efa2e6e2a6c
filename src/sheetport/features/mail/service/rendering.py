"""Templates: ``NAME.txt``, whose first line is the subject, and ``NAME.html``, in one folder.

Every value is escaped in HTML, and none can begin a header: a subject is one line.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, meta, select_autoescape

from sheetport import NAME
from sheetport.features.mail.model import Rendered

SUBJECT_LENGTH = 150
_SUBJECT = "Subject:"
#: Values that every template has, and the macros of base.html.
_GIVEN = frozenset({"subject", "product", "button", "code"})
_templates = Environment(
    loader=PackageLoader("sheetport.features.mail"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(template: str, values: dict[str, Any]) -> Rendered:
    """The subject, text and HTML of a mail. Raises ``jinja2.TemplateError`` for a missing template or value."""
    text = _templates.get_template(f"{template}.txt").render(product=NAME, **values)
    first, _, body = text.partition("\n")
    subject = " ".join(first.removeprefix(_SUBJECT).split())[:SUBJECT_LENGTH]
    html = _templates.get_template(f"{template}.html").render(product=NAME, subject=subject, **values)
    return Rendered(subject, body.strip() + "\n", html)


@cache
def names_of(template: str) -> frozenset[str]:
    """The values that a template needs."""
    found: set[str] = set()
    for ending in ("txt", "html"):
        source = _source(f"{template}.{ending}")
        found |= meta.find_undeclared_variables(_templates.parse(source))
    return frozenset(found - _GIVEN)


def _source(name: str) -> str:
    loader = _templates.loader
    if loader is None:
        raise LookupError("mail templates have no loader")
    return loader.get_source(_templates, name)[0]
