// Whether another canonicalizer makes the same text, and SHA-256 the same hash, of each payload.
//
//     canonical.mjs PAYLOADS
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

import canonicalize from "canonicalize";

let count = 0;
for (const line of readFileSync(process.argv[2], "utf8").split("\n")) {
  if (line === "") continue;
  const { payload, canonical, hash } = JSON.parse(line);
  const found = canonicalize(payload);
  if (found !== canonical) throw new Error(`${found} is not ${canonical}`);
  const digest = createHash("sha256").update(found, "utf8").digest("hex");
  if (digest !== hash) throw new Error(`${digest} is not ${hash}`);
  count += 1;
}
console.log(`${count} payloads agree`);
