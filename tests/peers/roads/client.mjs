// One GET by Node.js, deno or bun; says the status and the body, and fails when it is refused.
// Usage: client.mjs fetch|https URL
import https from "node:https";
import process from "node:process";

const [way, url] = process.argv.slice(2);

const ways = {
  async fetch() {
    const answer = await fetch(url);
    return [answer.status, await answer.text()];
  },
  https() {
    return new Promise((resolve, reject) => {
      const ask = https.get(url, (answer) => {
        let body = "";
        answer.on("data", (part) => (body += part));
        answer.on("end", () => resolve([answer.statusCode, body]));
      });
      ask.on("error", reject);
    });
  },
};

const [status, body] = await ways[way]();
console.log(status, body);
process.exitCode = status >= 400 ? 1 : 0;
