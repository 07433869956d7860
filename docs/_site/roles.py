"""Single backquotes in docstrings: a link where the name is public, code where it is an argument."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.domains.python import PyXRefRole
from sphinx.util import inspect as sphinx_inspect

import cdk_incidents

if TYPE_CHECKING:
    from sphinx.application import Sphinx


class _Ours(PyXRefRole):
    """Links names that begin with a public one, or that stand in the class at hand; others are code."""

    def run(self) -> Any:
        name = self.text.partition(".")[0]
        if name in cdk_incidents.__all__ or self._is_a_sibling():
            self.name = "py:obj"
            return super().run()
        return [nodes.literal(self.text, self.text)], []

    def _is_a_sibling(self) -> bool:
        within = (self.env.ref_context.get("py:class") or "").partition(".")[0]
        found = getattr(getattr(cdk_incidents, within, None), self.text, None)
        # A field of a value has the name of its argument, and no entry of its own.
        return isinstance(found, property) or inspect.isroutine(found)


def _as_prose(_app: Sphinx, what: str, _name: str, _of: object, _options: object, lines: list[str]) -> None:
    """Keep napoleon from taking what stands before a colon for an attribute's type."""
    if what in {"attribute", "property", "data"}:
        lines.insert(0, "\\ ")


def _as_written(
    _app: Sphinx, what: str, _name: str, value: object, _options: object, signature: str | None, returns: str
) -> tuple[str, str] | None:
    """Give a class the signature of its constructor, which jsii's metaclass hides."""
    if what != "class" or not inspect.isclass(value) or not (signature or "").startswith("(*args"):
        return None
    if getattr(value, "_is_protocol", False):
        return "", returns
    constructor = sphinx_inspect.signature(value.__init__, bound_method=True)
    shown = sphinx_inspect.stringify_signature(
        constructor, show_return_annotation=False, unqualified_typehints=True
    )
    return shown, returns


def register(app: Sphinx) -> None:
    """Register the role that `default_role` names."""
    app.add_role("ours", _Ours())
    app.connect("autodoc-process-signature", _as_written)
    app.connect("autodoc-process-docstring", _as_prose, priority=100)
