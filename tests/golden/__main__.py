"""Add golden bytes of whatever the samples now encode differently; the files that are there stay as they are."""

import sys

from plancton.common.codec import encode
from plancton.common.requests import encode_request
from tests.golden import add, plain
from tests.golden.samples import ENVELOPES, REQUESTS

added = [add("bus", kind, encode(envelope)[1], plain(envelope)) for kind, envelope in ENVELOPES.items()]
added += [add("control", verb, encode_request(request), plain(request)) for verb, request in REQUESTS.items()]
sys.stdout.writelines(f"added {golden}\n" for golden in added if golden is not None)
