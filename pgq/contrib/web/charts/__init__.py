"""Charts that the server draws: SVG whose colours are classes, and the same numbers as a table.

No chart has a style of its own, because the pages allow none. Widths are per cents, so texts are as
large on a phone as on a desk. What is coloured also has a pattern, a place or a word.
"""

from __future__ import annotations

from pgq.contrib.web.charts.heat import heat_map
from pgq.contrib.web.charts.markup import Drawing, Markup
from pgq.contrib.web.charts.series import Line, Stack, series
from pgq.contrib.web.charts.small import gauge, shares, sparkline, strip
from pgq.contrib.web.charts.timeline import Phase, timeline

__all__ = [
    "Drawing",
    "Line",
    "Markup",
    "Phase",
    "Stack",
    "gauge",
    "heat_map",
    "series",
    "shares",
    "sparkline",
    "strip",
    "timeline",
]
