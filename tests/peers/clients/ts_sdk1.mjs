// The TypeScript SDK's first line.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

import { commandLine, run, walk } from './walk.mjs';

await run(async () => {
  const { url, secret } = commandLine();
  const client = new Client({ name: 'ts_sdk1', version: '1.0.0' });
  const transport = new StreamableHTTPClientTransport(url);
  await client.connect(transport);
  await walk('ts_sdk1', transport.protocolVersion, client, secret);
  await transport.terminateSession();
  await client.close();
});
