"""What each construct creates, drawn from a synthesised template; the colours are the theme's own."""

from __future__ import annotations

import json
import tempfile
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk

from _site import drawn

if TYPE_CHECKING:
    from collections.abc import Iterator

_BOX_W, _BOX_H, _GAP_X, _GAP_Y, _MARGIN = 178, 40, 46, 12, 4
_STYLE = (
    "<style>.cdk rect{fill:var(--color-background-secondary);stroke:var(--color-brand-primary)}"
    ".cdk text{fill:var(--color-foreground-primary);font:12px sans-serif}"
    ".cdk .id{fill:var(--color-foreground-muted);font-size:10px}"
    ".cdk path{fill:none;stroke:var(--color-foreground-muted)}</style>"
)


def write(directory: Path) -> None:
    """Write one drawing for each function of `drawn`."""
    for name in drawn.__all__:
        (directory / f"{name}.svg").write_text(svg(template_of(name), title=name))


def template_of(name: str) -> dict[str, Any]:
    """Return the resources of what a function of `drawn` makes."""
    with tempfile.TemporaryDirectory() as outdir:
        app = cdk.App(outdir=outdir, analytics_reporting=False)
        stack = cdk.Stack(app, "Stack")
        getattr(drawn, name)(stack)
        template = json.loads(Path(app.synth().get_stack_by_name("Stack").template_full_path).read_text())
    found: dict[str, Any] = template["Resources"]
    return found


def svg(resources: dict[str, Any], *, title: str) -> str:
    """Draw resources from left to right: what a line leads to is made first."""
    needs = {name: needs_of(resource, resources) for name, resource in resources.items()}
    columns: dict[str, int] = {}

    def column(name: str) -> int:
        if name not in columns:
            columns[name] = 0
            columns[name] = 1 + max(map(column, needs[name]), default=-1)
        return columns[name]

    for name in resources:
        column(name)
    last = max(columns.values(), default=0)
    rows: dict[int, int] = {}
    places: dict[str, tuple[int, int]] = {}
    for name in sorted(resources, key=lambda name: (columns[name], resources[name]["Type"], name)):
        row = rows.get(columns[name], 0)
        rows[columns[name]] = row + 1
        x = _MARGIN + (last - columns[name]) * (_BOX_W + _GAP_X)
        places[name] = (x, _MARGIN + row * (_BOX_H + _GAP_Y))
    width = 2 * _MARGIN + (last + 1) * (_BOX_W + _GAP_X) - _GAP_X
    height = 2 * _MARGIN + max(rows.values(), default=1) * (_BOX_H + _GAP_Y) - _GAP_Y
    lines = "".join(_line(places[name], places[other]) for name in resources for other in sorted(needs[name]))
    boxes = "".join(_box(places[name], name, resource["Type"]) for name, resource in resources.items())
    return (
        f'<svg class="cdk" role="img" aria-label="{escape(title)}" viewBox="0 0 {width} {height}"'
        f' style="max-width:{width}px" xmlns="http://www.w3.org/2000/svg">{_STYLE}{lines}{boxes}</svg>\n'
    )


def needs_of(resource: dict[str, Any], resources: dict[str, Any]) -> set[str]:
    """Return the other resources that one refers to, or waits for."""
    return {name for name in _named(resource) if name in resources and resources[name] is not resource}


def _box(place: tuple[int, int], name: str, kind: str) -> str:
    x, y = place
    short = kind.removeprefix("AWS::").replace("::", " ")
    shown = name if len(name) < _BOX_W // 6 else name[: _BOX_W // 6 - 1] + "…"
    return (
        f"<g><title>{escape(f'{kind} {name}')}</title>"
        f'<rect x="{x}" y="{y}" width="{_BOX_W}" height="{_BOX_H}" rx="4"/>'
        f'<text x="{x + 8}" y="{y + 17}">{escape(short)}</text>'
        f'<text class="id" x="{x + 8}" y="{y + 31}">{escape(shown)}</text></g>'
    )


def _line(start: tuple[int, int], end: tuple[int, int]) -> str:
    x1, y1 = start[0] + _BOX_W, start[1] + _BOX_H // 2
    x2, y2 = end[0], end[1] + _BOX_H // 2
    bend = _GAP_X // 2
    return f'<path d="M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"/>'


def _named(value: Any) -> Iterator[str]:
    """Yield the names in a value's references."""
    if isinstance(value, list):
        for item in value:
            yield from _named(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            match key, item:
                case "Ref", str(name):
                    yield name
                case "Fn::GetAtt", [str(name), *_]:
                    yield name
                case "DependsOn", _:
                    yield from [item] if isinstance(item, str) else item
                case _:
                    yield from _named(item)
