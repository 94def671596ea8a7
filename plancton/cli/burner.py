"""One busy process of a drill: ``python -m plancton.cli.burner SECONDS``.

It says that it is ready, waits for a line, does equal units of work for so long, and writes several times a second how
far it is: CLOCK_MONOTONIC seconds, units done, CPU-seconds used. When whoever reads that is gone, it ends.
"""

import os
import sys
import time
from collections.abc import Callable

READY = b"ready\n"
REPORT_SECONDS = 0.05
_STEPS = 10_000
"""Of a unit: about a millisecond."""


def unit() -> int:
    """Do one unit of work; the result is always the same."""
    number = 1
    for _ in range(_STEPS):
        number = (number * 1_103_515_245 + 12_345) & 0x7FFFFFFF
    return number


def burn(seconds: float, write: Callable[[bytes], object]) -> None:
    """Work for so long and ``write`` reports, the first at once and the last at the end.

    Raises:
        OSError: whatever ``write`` does.

    """
    units, now = 0, time.monotonic()
    end, due = now + seconds, now
    while True:
        if now >= due or now >= end:
            write(b"%.6f %d %.6f\n" % (now, units, time.process_time()))
            due = now + REPORT_SECONDS
        if now >= end:
            return
        unit()
        units += 1
        now = time.monotonic()


def main() -> None:
    """Burn."""
    try:
        os.write(sys.stdout.fileno(), READY)
        if os.read(sys.stdin.fileno(), 1):
            burn(float(sys.argv[1]), lambda report: os.write(sys.stdout.fileno(), report))
    except (BrokenPipeError, KeyboardInterrupt):
        # Nobody listens any more: the drill was broken off.
        pass


if __name__ == "__main__":
    main()
