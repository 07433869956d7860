"""The ratios of the results as a drawing: bars, and one line that none should cross."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LABEL_W, _BAR_W, _TOLD_W, _ROW_H, _BAR_H, _HEAD_H = 400, 300, 130, 22, 12, 22
_WIDTH = _LABEL_W + _BAR_W + _TOLD_W
# How far beyond its bound a bar may go before it is cut.
_SCALE = 1.5
# The site's own colours where it stands in the site, and some that suit light and dark elsewhere.
_STYLE = (
    "<style>.ratios text{fill:var(--color-foreground-primary,#777);font:12px sans-serif}"
    ".ratios .bar{fill:var(--color-brand-primary,#2a7ae2)}.ratios .over{fill:#d33}"
    ".ratios path{fill:none;stroke:var(--color-foreground-primary,#777)}</style>"
)


def svg(results: Mapping[str, Any]) -> str:
    """Return a bar for each ratio that has a bound, as long as the part of the bound that it takes.

    Parameters
    ----------
    results
        those of `benchmarks/results.json`
    """
    figures = list(_ratios(results))
    height = _HEAD_H + _ROW_H * len(figures) + 4
    line = _x(1)
    rows = "".join(_row(figure, _HEAD_H + _ROW_H * number) for number, figure in enumerate(figures))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="ratios" role="img" viewBox="0 0 {_WIDTH} {height}"'
        f' style="max-width:100%"><title>Ratios, and what they may be at most</title>{_STYLE}{rows}'
        f'<path d="M{line} {_HEAD_H - 4}V{height}"/>'
        f'<text x="{line}" y="14" text-anchor="middle">at most</text></svg>\n'
    )


def _ratios(results: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for taken in results.values():
        for figure in taken["figures"]:
            if not figure["unit"] and figure.get("at_most"):
                yield figure


def _row(figure: Mapping[str, Any], top: int) -> str:
    least, median, most = (figure[name] / figure["at_most"] for name in ("min", "median", "max"))
    middle = top + _ROW_H // 2
    text_y = middle + 4
    return (
        f'<text x="{_LABEL_W - 8}" y="{text_y}" text-anchor="end">{escape(figure["what"])}</text>'
        f'<rect class="{"over" if median > 1 else "bar"}" x="{_LABEL_W}" y="{middle - _BAR_H // 2}"'
        f' width="{_x(median) - _LABEL_W}" height="{_BAR_H}"/>'
        f'<path d="M{_x(least)} {middle}H{_x(most)}"/>'
        f'<text x="{_WIDTH - _TOLD_W + 8}" y="{text_y}">{figure["median"]:g} (at most {figure["at_most"]:g})'
        f"</text>\n"
    )


def _x(part: float) -> int:
    """Return where a part of the bound ends."""
    return _LABEL_W + round(_BAR_W * min(part, _SCALE) / _SCALE)
