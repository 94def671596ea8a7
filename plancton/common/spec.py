"""What tells one kind of pilot from another: pure."""

import functools
import hashlib

import msgspec

from plancton.common.settings import SPEC_KEYS, Settings


@functools.lru_cache(maxsize=4)
def spec_hash(settings: Settings) -> str:
    """Return 12 hex digits that differ where containers made of these settings would."""
    spec = [(key, getattr(settings, key)) for key in sorted(SPEC_KEYS)]
    return hashlib.sha256(msgspec.json.encode(spec)).hexdigest()[:12]
