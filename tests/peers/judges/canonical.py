"""Whether another canonicalizer makes the same bytes, and SHA-256 the same hash, of each payload.

    canonical.py PAYLOADS
"""

import hashlib
import json
import sys

import rfc8785

count = 0
for line in open(sys.argv[1], encoding="utf-8").read().split("\n"):
    if line:
        case = json.loads(line)
        found = rfc8785.dumps(case["payload"])
        assert found == case["canonical"].encode(), (found, case)
        assert hashlib.sha256(found).hexdigest() == case["hash"], case
        count += 1
print(f"{count} payloads agree")
