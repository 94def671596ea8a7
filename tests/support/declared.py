"""Whether a point is what the catalogue of series declares."""

import math

from plancton.common.points import Point
from plancton.common.series import SERIES


def faults(point: Point) -> list[str]:
    """Return in which ways the point isn't what was declared: names, kinds of fields, numbers that are none."""
    declared = SERIES.get(point.series)
    if declared is None:
        return [f"no series {point.series}"]
    found = []
    if point.tags.keys() != {"hostname", *declared.tags}:
        found.append(f"{point.series} has the tags {sorted(point.tags)}")
    found += [f"{point.series} has an empty tag {name}" for name, value in point.tags.items() if not value]
    if not point.fields:
        found.append(f"{point.series} has no field")
    for name, value in point.fields.items():
        if name not in declared.fields:
            found.append(f"{point.series} has no field {name}")
        elif type(value) is not (str if declared.fields[name].unit == "text" else float):
            found.append(f"{point.series}.{name} is a {type(value).__name__}")
        elif isinstance(value, float) and not math.isfinite(value):
            found.append(f"{point.series}.{name} is {value}")
    return found
