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

/**
 * The text parts of a result, as a model would read them, and its structured twin. The twin of a
 * bare text is that text again, and is left out.
 */
function shown(result) {
  const texts = result.content.filter((part) => part.type === 'text').map((part) => part.text);
  const twin = result.structuredContent;
  if (twin && Object.keys(twin).join() !== 'result') texts.push(JSON.stringify(twin));
  return texts.join('\n');
}

/** List, an allowed call, a denied call, the allowed call again; then a secret each way. */
export async function walk(name, protocol, client, secret) {
  const call = (tool, args) => client.callTool({ name: tool, arguments: args });
  const works = async (tool, args) => {
    const result = await call(tool, args);
    if (result.isError) {
      throw new Error(`\`${tool}\` should work, but the model sees: ${shown(result)}`);
    }
    return shown(result);
  };
  const tools = (await client.listTools()).tools.map((tool) => tool.name);
  const allowed = await works('get_weather', { city: 'Oslo' });
  const refusal = await call('delete_branch', { branch: 'main' });
  const denied = { is_error: refusal.isError === true, text: shown(refusal) };
  console.error(`the model sees: ${denied.text}`);
  const again = await works('get_weather', { city: 'Bergen' });
  const redacted = await works('echo', { text: `before ${secret} after` });
  const customer = await works('read_customer', { id: 'c-1001' });
  const line = { client: name, protocol, tools, allowed, denied, again, redacted, customer };
  console.log(JSON.stringify(line));
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
    // An open stream of the session would keep the process alive.
    process.exit(1);
  }
  clearTimeout(deadline);
}
