"""Whether each event has the published shape of its class in OCSF 1.8.0.

    ocsf.py EVENTS

The shapes come from a package that holds the schema as it was published. An attribute that a class
or object does not have, a missing one, a wrong type and a number that is on no list are failures;
so is an attribute that 1.8.0 calls deprecated.
"""

import collections
import copy
import json
import sys

import jsonschema
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

VERSION = "1.8.0"
SCHEMA = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=VERSION))
VALIDATORS = {}


def validator(event):
    profiles = tuple(event["metadata"].get("profiles", ()))
    key = (event["class_uid"], profiles)
    if key not in VALIDATORS:
        name = SCHEMA.lookup_class_name_from_uid(event["class_uid"])
        shape = SCHEMA.get_class_schema(name, list(profiles))
        jsonschema.Draft202012Validator.check_schema(shape)
        VALIDATORS[key] = jsonschema.Draft202012Validator(shape)
    return VALIDATORS[key]


def deprecated(shape, value, defs, place=""):
    """The deprecated attributes in use."""
    if "$ref" in shape:
        shape = defs[shape["$ref"].rsplit("/", 1)[1]]
    if isinstance(value, list):
        for item in value:
            yield from deprecated(shape.get("items", {}), item, defs, place)
    elif isinstance(value, dict):
        for key, inner in value.items():
            below = shape.get("properties", {}).get(key, {})
            if below.get("deprecated"):
                yield f"{place}.{key}"
            yield from deprecated(below, inner, defs, f"{place}.{key}")


def faults(event):
    judge = validator(event)
    for error in judge.iter_errors(event):
        yield f"{'.'.join(map(str, error.absolute_path))}: {error.message}"
    yield from deprecated(judge.schema, event, judge.schema.get("$defs", {}))
    if event["metadata"]["version"] != VERSION:
        yield "metadata.version"
    if event["type_uid"] != event["class_uid"] * 100 + event["activity_id"]:
        yield "type_uid"
    # What is on no list must be said in words.
    for number, words in (("activity_id", "activity_name"), ("action_id", "action")):
        if event.get(number) == 99 and not event.get(words):
            yield words


def must_fail(event):
    """That the check can fail, and at what."""

    def changed(change):
        other = copy.deepcopy(event)
        change(other)
        return list(faults(other))

    changes = {
        "an unknown attribute": lambda e: e.update(record_integrity={}),
        "an unknown attribute below": lambda e: e["metadata"].update(shown=1),
        "a missing attribute": lambda e: e.pop("severity_id"),
        "a missing attribute below": lambda e: e["metadata"].pop("product"),
        "a wrong type": lambda e: e.update(time="now"),
        "a number on no list": lambda e: e.update(severity_id=7),
        "a wrong sum": lambda e: e.update(type_uid=e["class_uid"] * 100),
    }
    for name, change in changes.items():
        assert changed(change), f"{name} was not noticed in {event['class_name']}"


def main(path):
    classes = collections.Counter()
    for line in open(path, encoding="utf-8").read().split("\n"):
        if not line:
            continue
        event = json.loads(line)
        found = list(faults(event))
        assert not found, (found, line)
        if not classes[event["class_name"]]:
            must_fail(event)
        classes[event["class_name"]] += 1
    assert classes, "there is no event"
    for name, count in sorted(classes.items()):
        print(f"{name}: {count}")


main(*sys.argv[1:])
