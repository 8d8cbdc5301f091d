// The TypeScript client 2: sessions as it comes; `auto` as a third word asks which generation the
// server speaks.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

import { commandLine, run, walk } from './walk.mjs';

await run(async () => {
  const { url, secret, rest } = commandLine();
  const mode = rest[0] ?? 'legacy';
  const client = new Client(
    { name: 'ts_client2', version: '1.0.0' },
    { versionNegotiation: { mode } },
  );
  const transport = new StreamableHTTPClientTransport(url);
  await client.connect(transport);
  await walk(`ts_client2_${mode}`, client.getNegotiatedProtocolVersion(), client, secret);
  await client.close();
});
