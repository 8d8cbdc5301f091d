"""Judges what `tollgate audit prove` wrote, with parts that are not ours: pymerkle's RFC 6962 tree
and cryptography's Ed25519. The forms are read here as their specifications say:
c2sp.org/tlog-proof, c2sp.org/tlog-checkpoint, c2sp.org/signed-note.

    judge.py REGISTRY EVENTS PROOF...

EVENTS are the record's lines. Prints one line of JSON, `{"proofs": n, "sizes": [...]}`; ends with a
traceback at the first thing that does not agree.
"""
import base64
import hashlib
import json
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from pymerkle import InmemoryTree, InvalidProof, verify_inclusion


def strict(text):
    """The bytes of base64 in its one form."""
    data = base64.b64decode(text, validate=True)
    assert base64.b64encode(data).decode() == text, "base64 in another form"
    return data


def read_proof(text):
    head, note = text.split("\n\n", 1)
    lines = head.split("\n")
    assert lines.pop(0) == "c2sp.org/tlog-proof@v1", "another version"
    extra = strict(lines.pop(0).removeprefix("extra "))
    word, index = lines.pop(0).split(" ")
    assert word == "index" and str(int(index)) == index, "no index"
    return extra, int(index), [strict(line) for line in lines], note


def read_note(note, keys):
    """Origin, size and root, once a key of the registry has signed them in the origin's name."""
    text, signatures = note.split("\n\n")
    text += "\n"
    origin, size, root = text.split("\n")[:3]
    assert str(int(size)) == size, "a size in another form"
    assert signatures.endswith("\n"), "no end of line"
    for line in signatures.removesuffix("\n").split("\n"):
        dash, name, blob = line.split(" ")
        assert dash == "\u2014" and name == origin, "another name"
        blob = strict(blob)
        assert len(blob) == 4 + 64, "no Ed25519 signature"
        for key in keys:
            raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
            key_id = hashlib.sha256(name.encode() + b"\n\x01" + raw).digest()[:4]
            if key_id != blob[:4]:
                continue
            key.verify(blob[4:], text.encode())
            try:
                key.verify(blob[4:], text.encode() + b"x")
            except InvalidSignature:
                return origin, int(size), strict(root)
            raise AssertionError("a signature that fits everything")
    raise AssertionError("nobody in the registry signed")


def believes(proof, leaf, root):
    try:
        verify_inclusion(leaf, root, proof)
        return True
    except InvalidProof:
        return False


def judge(tree, text, keys):
    extra, index, path, note = read_proof(text)
    origin, size, root = read_note(note, keys)
    first = json.loads(lines[0])
    assert origin == "tollgate/" + first["id"], "another origin"
    assert extra == lines[index], "another event"
    assert root == tree.get_root(size), f"pymerkle has another root of {size}"
    proof = tree.prove_inclusion(index + 1, size)
    leaf = tree.get_leaf(index + 1)
    assert leaf == hashlib.sha256(b"\x00" + extra).digest(), "another leaf"
    # Theirs begins with the leaf itself.
    assert proof.path == [leaf, *path], f"pymerkle has another path of {index} in {size}"
    proof.path = [leaf, *path]
    assert believes(proof, leaf, root), "pymerkle does not believe ours"
    if path:
        proof.path = [leaf, *path[:-1], bytes(32)]
        assert not believes(proof, leaf, root), "pymerkle believes anything"
    return size


registry, events, *proofs = sys.argv[1:]
with open(registry, encoding="utf-8") as file:
    signers = json.load(file)["signers"]
keys = [load_pem_public_key(signer["public_key_pem"].encode()) for signer in signers]
with open(events, "rb") as file:
    lines = file.read().splitlines()
tree = InmemoryTree(algorithm="sha256")
for line in lines:
    tree.append_entry(line)
sizes = set()
for path in proofs:
    with open(path, encoding="utf-8", newline="") as file:
        sizes.add(judge(tree, file.read(), keys))
print(json.dumps({"proofs": len(proofs), "sizes": sorted(sizes)}))
