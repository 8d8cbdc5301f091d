"""Whether a log is what the schema of SARIF 2.1.0 says. Arguments: the schema, the log."""

import json
import sys

import jsonschema

schema, log = (json.load(open(path, encoding="utf-8")) for path in sys.argv[1:])
validator = jsonschema.validators.validator_for(schema)
validator.check_schema(schema)
errors = list(validator(schema).iter_errors(log))
for error in errors:
    print(f"{error.json_path}: {error.message}")
print(f"{len(log['runs'][0]['results'])} results, {len(errors)} mistakes")
