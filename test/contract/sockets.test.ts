import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listenOnLoopback } from '#local/loopback.ts';
import { runtimeSockets, socketsClient } from '#runtime/sockets.ts';
import { socketsContract } from '#test/contract/sockets.contract.ts';
import { memorySockets } from '#memory/sockets.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
const failing =
  (status: number, type: string): Answer =>
  (_, response) =>
    void response.writeHead(status, { 'x-amzn-errortype': type }).end('{}');

/** What API Gateway answers to PostToConnection and DeleteConnection, as its documentation has it. */
async function managementApi(withinMs = 5000) {
  const heard = new Map<string, string[]>();
  let answer: Answer | undefined;
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const id = decodeURIComponent(/^\/test\/@connections\/(.+)$/.exec(request.url ?? '')?.[1] ?? '');
    asked.push(`${request.method} ${id}`);
    if (answer) return answer(request, response);
    const texts = heard.get(id);
    if (!texts) return failing(410, 'GoneException')(request, response);
    if (request.method === 'DELETE') return void (heard.delete(id) && response.writeHead(204).end());
    let text = '';
    request.on('data', (data) => (text += String(data))).on('end', () => void (texts.push(text), response.end()));
  });
  const port = await listenOnLoopback(server, { what: 'The management API of the test' });
  process.env['AWS_ACCESS_KEY_ID'] = 'CONTRACT';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'contract';
  const client = socketsClient(`http://127.0.0.1:${port}/test`, 'us-east-1');
  onTestFinished(() => {
    client.destroy();
    server.close();
    server.closeAllConnections();
  });
  return {
    asked,
    sockets: runtimeSockets(client, withinMs),
    answers: (next: Answer) => void (answer = next),
    open: (id: string) => void heard.set(id, []),
    lose: (id: string) => void heard.delete(id),
    posted: (id: string) => heard.get(id) ?? [],
  };
}

socketsContract('in memory', async () => {
  const sockets = memorySockets();
  return { ...sockets, sockets };
});
socketsContract('the management API of API Gateway', () => managementApi());

describe('sockets behind API Gateway', () => {
  it.each([
    ['does not answer', () => undefined],
    ['says that it takes no more', failing(429, 'LimitExceededException')],
  ])('one that %s is slow, and that is known soon', async (_, answer) => {
    const api = await managementApi(300);
    api.open('a=');
    api.answers(answer);
    const beganMs = performance.now();
    expect(await api.sockets.post('a=', 'x')).toBe('slow');
    expect(performance.now() - beganMs).toBeLessThan(1500);
  });

  it('an id that is none is gone', async () => {
    const api = await managementApi();
    api.answers(failing(400, 'BadRequestException'));
    expect(await api.sockets.post('nonsense', 'x')).toBe('gone');
    await api.sockets.close('nonsense');
  });

  it.each([
    [403, 'ForbiddenException'],
    [500, 'InternalServerError'],
  ])('%i is nobody’s end: it fails, and is tried again', async (status, type) => {
    const api = await managementApi();
    api.answers(failing(status, type));
    await expect(api.sockets.post('a=', 'x')).rejects.toThrow();
    await expect(api.sockets.close('a=')).rejects.toThrow();
  });
});
