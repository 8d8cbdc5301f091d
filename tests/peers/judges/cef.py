"""Whether readers of CEF that we did not write find in each line what its event says.

    cef.py EVENTS LINES RULEBASE

EVENTS are the events as JSON lines, LINES the same as CEF, RULEBASE liblognorm's. The readers are
pycef, jc and liblognorm's lognormalizer.
"""

import datetime
import json
import re
import subprocess
import sys

import jc
import pycef

# CEF's word for a fact, and how many characters it may have.
FACTS = {
    "act": ("effect", 63),
    "app": ("protocol", 31),
    "dhost": ("host", 255),
    "request": ("path", 1023),
    "requestMethod": ("method", 255),
    "cs1": ("tool", 4000),
    "cs2": ("rule", 4000),
}
HEADER = re.compile(r"^((?:(?:[^|\\]|\\.)*\|){7})")


def expected(event):
    """What must stand in the line, by the documented mapping."""
    payload = event["payload"]
    ts = datetime.datetime.fromisoformat(event["ts"].replace("Z", "+00:00"))
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    fields = {
        "rt": str((ts - epoch) // datetime.timedelta(milliseconds=1)),
        "cat": event["event_type"],
        "externalId": event["id"],
        "suser": event["actor"][:1023],
        "seq": str(event["seq"]),
        "prev_hash": event["prev_hash"] or "",
        "hash": event["hash"],
        "signature": event["signature"],
        "signer_kid": event["signer_kid"],
        "payload": json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False),
    }
    for word, (fact, most) in FACTS.items():
        if isinstance(payload["data"].get(fact), str):
            fields[word] = payload["data"][fact][:most]
    # An empty value is left out, and so are blanks at a value's ends.
    fields = {word: text.strip(" ") for word, text in fields.items()}
    return {word: text for word, text in fields.items() if text}


def unescaped(text):
    """pycef and jc leave escapes as they are."""
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "r": "\r"}.get(m[1], m[1]), text)


def by_pycef(lines):
    for line in lines:
        found = pycef.parse(line)
        fields = {word: unescaped(text) for word, text in found.items()}
        # It puts the label in the word's place.
        for word, label in (("cs1", "tool"), ("cs2", "rule")):
            if label in fields:
                fields[word] = fields[label]
        yield found["DeviceEventClassID"], fields


def by_jc(lines):
    for line in lines:
        (found,) = jc.parse("cef", line, raw=True)
        yield found["deviceEventClassId"], {word: unescaped(text) for word, text in found.items()}


def by_liblognorm(lines, rulebase):
    # It loses the first letter behind the header's last bar unless a blank stands there.
    text = "".join(HEADER.sub(r"\1 ", line) + "\n" for line in lines)
    done = subprocess.run(
        ["lognormalizer", "-r", rulebase, "-e", "json"],
        input=text.encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    for line in done.stdout.decode().split("\n")[:-1]:
        found = json.loads(line)["f"]
        yield found["SignatureID"], found["Extensions"]


def main(events, lines, rulebase):
    # Not splitlines: only a newline ends a line.
    events = [json.loads(line) for line in open(events, encoding="utf-8").read().split("\n") if line]
    lines = [line for line in open(lines, encoding="utf-8", newline="\n").read().split("\n") if line]
    assert events and len(events) == len(lines), f"{len(events)} events, {len(lines)} lines"
    readers = {
        "pycef": by_pycef(lines),
        "jc": by_jc(lines),
        "liblognorm": by_liblognorm(lines, rulebase),
    }
    for name, found in readers.items():
        read = 0
        for event, line, (kind, fields) in zip(events, lines, found):
            due = expected(event)
            assert kind == event["event_type"], (name, line, kind)
            for word, text in due.items():
                assert fields.get(word) == text, (name, line, word, fields.get(word), text)
            # Nothing that an agent wrote became a field of its own.
            for word in FACTS:
                assert word in due or word not in fields, (name, line, word, fields)
            read += 1
        assert read == len(events), f"{name} read {read} of {len(events)}"
        print(f"{name}: {read} lines read as they were written")


main(*sys.argv[1:])
