"""Numbers as options: click's own ranges let through what is no number at all."""

import math
from typing import Any

import click


class FiniteRange(click.FloatRange):
    """A finite number within bounds."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401 - click's signature
        """Return the number, or fail as click's options do."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            # Comparisons with nan are all false, so no bounds keep it out, and no wait for it ever ends.
            self.fail(f"{number:g} isn't a number.", param, ctx)
        return number
