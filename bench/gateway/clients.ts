// Clients that ask and wait for the answer, one request at a time each, as many at once as there are clients.
import { Agent, request } from 'node:http';

export interface Asking {
  readonly url: string;
  /** How many ask at once. */
  readonly clients: number;
  /** Of people who ask by turns: each has a share of 20 requests a second, and none shall be refused here. */
  readonly tokens: readonly string[];
  /** Requests a client sends. */
  readonly each: number;
  readonly body: string;
}
export interface Asked {
  readonly seconds: number;
  /** Milliseconds from the request to the whole of its answer. */
  readonly samples: readonly number[];
  readonly ids: readonly string[];
}

/** Throws at the first answer that is not 202: a benchmark of refusals would be none. */
export async function ask({ url, clients, tokens, each, body }: Asking): Promise<Asked> {
  // Connections are kept, as a client of AWS keeps them.
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const samples: number[] = [];
  const ids: string[] = [];
  const beganMs = performance.now();
  const client = async (number: number): Promise<void> => {
    for (let sent = 0; sent < each; sent += 1) {
      const token = tokens[(number + sent * clients) % tokens.length] ?? '';
      const sentMs = performance.now();
      const text = await post(url, { agent, token, body });
      samples.push(performance.now() - sentMs);
      ids.push((JSON.parse(text) as { run: { id: string } }).run.id);
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
  agent.destroy();
  return { seconds: (performance.now() - beganMs) / 1000, samples, ids };
}

interface Post {
  readonly agent: Agent;
  readonly token: string;
  readonly body: string;
}
function post(url: string, { agent, token, body }: Post): Promise<string> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const asked = request(url, { method: 'POST', agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        if (response.statusCode === 202) resolve(text);
        else reject(new Error(`${url} answered ${response.statusCode}: ${text}`));
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });
}
