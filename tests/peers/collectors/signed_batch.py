"""Checks the HTTP message signature of a batch as a collector would, before looking into it.

    signed_batch.py BATCH.json PUBLIC.pem KEYID

BATCH.json holds `method`, `url`, `headers` and the `body` in base64. Exit code 0: it is signed."""

import base64
import json
import sys
from types import SimpleNamespace

from cryptography.hazmat.primitives.serialization import load_pem_public_key
from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver, algorithms

batch = json.load(open(sys.argv[1], encoding="utf-8"))
public = load_pem_public_key(open(sys.argv[2], "rb").read())


class Keys(HTTPSignatureKeyResolver):
    def resolve_public_key(self, key_id):
        assert key_id == sys.argv[3], f"an unknown key: {key_id}"
        return public


covered = ["@method", "@authority", "@path", "content-digest", "content-type"]
covered += ["tollgate-first-seq", "tollgate-last-seq", "tollgate-last-hash"]
covered += ["content-encoding"] if "content-encoding" in batch["headers"] else []
[found] = HTTPMessageVerifier(signature_algorithm=algorithms.ED25519, key_resolver=Keys()).verify(
    SimpleNamespace(method=batch["method"], url=batch["url"], headers=batch["headers"]),
    expect_tag="tollgate-batch",
    require_components=[f'"{name}"' for name in covered],
    body=base64.b64decode(batch["body"]),
)
print("signed by", found.parameters["keyid"])
