// The walk that every TypeScript client takes, and the one line it prints at the end.

/** The whole walk, however the gate or the server behaves. */
const WALK_MS = 60_000;

/** The endpoint's URL, the made-up secret and any further words, from the command line. */
export function commandLine() {
  const [url, secret, ...rest] = process.argv.slice(2);
  if (!url || !secret) {
    console.error(`usage: ${process.argv[1]} URL SECRET`);
    process.exit(2);
  }
  return { url: new URL(url), secret, rest };
}

/** The text parts of a result, as a model would read them. */
function shown(result) {
  return result.content.filter((part) => part.type === 'text').map((part) => part.text).join('\n');
}

/** List, an allowed call, a denied call, the allowed call again, and a call with a secret. */
export async function walk(name, protocol, client, secret) {
  const call = (tool, args) => client.callTool({ name: tool, arguments: args });
  const tools = (await client.listTools()).tools.map((tool) => tool.name);
  const allowed = shown(await call('get_weather', { city: 'Oslo' }));
  const refusal = await call('delete_branch', { branch: 'main' });
  const denied = { is_error: refusal.isError === true, text: shown(refusal) };
  console.error(`the model sees: ${denied.text}`);
  const again = shown(await call('get_weather', { city: 'Bergen' }));
  const redacted = shown(await call('echo', { text: `before ${secret} after` }));
  console.log(JSON.stringify({ client: name, protocol, tools, allowed, denied, again, redacted }));
}

/** Runs the walk to its end or its deadline. */
export async function run(main) {
  const deadline = setTimeout(() => {
    console.error(`the walk did not end within ${WALK_MS / 1000} s`);
    process.exit(1);
  }, WALK_MS);
  try {
    await main();
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  }
  clearTimeout(deadline);
}
