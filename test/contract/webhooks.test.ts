import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memorySecrets } from '#memory/secrets.ts';
import { publicAddresses, type Resolve } from '#runtime/public-address.ts';
import { runtimeWebhooks, type WebhookOptions } from '#runtime/webhooks.ts';
import { selfSigned } from '#test/contract/support/certificate.ts';
import { receiver } from '#test/contract/support/receiver.ts';

const first = `whsec_${Buffer.from('a key of twenty-four byte').toString('base64')}`;
const second = `whsec_${Buffer.from('another of the same size.').toString('base64')}`;
const body = JSON.stringify({ type: 'run.succeeded', timestamp: '2026-01-01T00:00:00.000Z', data: { run: 'ü' } });
const kept = () => memorySecrets({ 'webhooks/acme': { current: first } });
const sender = (options: Partial<WebhookOptions> = {}) => runtimeWebhooks({ secrets: kept(), local: true, ...options });
const message = (url: string) => ({ id: 'run-1', url, secret: 'webhooks/acme', body });
const refused = { code: 'CALLBACK_REFUSED' };
const unanswered = { code: 'DEPENDENCY_UNAVAILABLE' };
const at =
  (address: string, family = 4): Resolve =>
  async () => [{ address, family }];

describe('a webhook', () => {
  it('is a signed POST of JSON that the library of its receiver verifies', async () => {
    const { port, received } = await receiver();
    expect(await sender().deliver(message(`http://127.0.0.1:${port}/hook?x=1`))).toEqual({ status: 204 });
    const [one] = received;
    expect(one).toMatchObject({
      url: '/hook?x=1',
      body,
      headers: { 'content-type': 'application/json', 'webhook-id': 'run-1', host: `127.0.0.1:${port}` },
    });
    const headers = one!.headers as Record<string, string>;
    expect(new Webhook(first).verify(one!.body, headers)).toEqual(JSON.parse(body));
    expect(() => new Webhook(second).verify(one!.body, headers)).toThrow('signature');
    expect(() => new Webhook(first).verify(`${one!.body} `, headers)).toThrow('signature');
  });

  it('is signed with both keys while one takes over from the other', async () => {
    const { port, received } = await receiver();
    const secrets = memorySecrets({ 'webhooks/acme': { current: second, previous: first } });
    await sender({ secrets }).deliver(message(`http://127.0.0.1:${port}/`));
    const headers = received[0]!.headers as Record<string, string>;
    for (const key of [first, second]) expect(new Webhook(key).verify(body, headers)).toEqual(JSON.parse(body));
    expect(headers['webhook-signature']!.split(' ')).toHaveLength(2);
  });

  it('needs a key that can sign, and says nothing of one that cannot', async () => {
    const secrets = memorySecrets({ 'webhooks/acme': { current: 'hunter2!' } });
    const refusal = sender({ secrets }).deliver(message('http://127.0.0.1:1/'));
    await expect(refusal).rejects.toMatchObject({ ...refused, message: expect.stringContaining('webhooks/acme') });
    await expect(refusal).rejects.not.toThrow(/hunter2/);
    await expect(sender({ secrets: memorySecrets() }).deliver(message('http://127.0.0.1:1/'))).rejects.toMatchObject({
      code: 'CONFIGURATION_INVALID',
    });
  });

  it('follows nobody', async () => {
    const other = await receiver();
    const { port } = await receiver({
      answer: (response) => response.writeHead(307, { location: `http://127.0.0.1:${other.port}/` }).end(),
    });
    expect(await sender().deliver(message(`http://127.0.0.1:${port}/`))).toEqual({ status: 307 });
    expect(other.received).toEqual([]);
  });

  it('waits for an answer for so long, and no longer', async () => {
    const { port } = await receiver({ answer: () => undefined });
    const began = performance.now();
    await expect(sender({ timeLimitMs: 150 }).deliver(message(`http://127.0.0.1:${port}/`))).rejects.toMatchObject({
      ...unanswered,
      message: `127.0.0.1:${port} did not answer in time: it is tried again`,
    });
    await expect(
      sender({ timeLimitMs: 150, resolve: () => new Promise(() => undefined) }).deliver(message('https://a.example/')),
    ).rejects.toMatchObject(unanswered);
    expect(performance.now() - began).toBeLessThan(3000);
  });

  it('takes in little of an answer without an end, and none that never goes on', async () => {
    let sentBytes = 0;
    const endless = await receiver({
      answer(response) {
        response.writeHead(200);
        const more = () => {
          while (!response.destroyed && sentBytes < 1e9) {
            sentBytes += 65_536;
            if (!response.write(Buffer.alloc(65_536))) return;
          }
        };
        response.on('drain', more);
        more();
      },
    });
    expect(await sender().deliver(message(`http://127.0.0.1:${endless.port}/`))).toEqual({ status: 200 });
    expect(sentBytes).toBeLessThan(1e8);
    const slow = await receiver({ answer: (response) => void response.writeHead(500).write('x') });
    const brief = sender({ timeLimitMs: 300 });
    expect(await brief.deliver(message(`http://127.0.0.1:${slow.port}/`))).toEqual({ status: 500 });
  });

  it('to nobody, or to whom hangs up, is tried again; its path is not told', async () => {
    const { port } = await receiver({ answer: (response) => void response.destroy() });
    const lost = sender().deliver(message(`http://127.0.0.1:${port}/p4th`));
    await expect(lost).rejects.toMatchObject({ ...unanswered, message: expect.stringContaining('ECONNRESET') });
    await expect(lost).rejects.not.toThrow(/p4th/);
    await expect(sender().deliver(message('http://127.0.0.1:1/'))).rejects.toMatchObject(unanswered);
    const unknown: Resolve = () => Promise.reject(new Error('ENOTFOUND'));
    await expect(sender({ resolve: unknown }).deliver(message('https://a.example/'))).rejects.toMatchObject(unanswered);
  });
});

describe('over TLS', () => {
  const certificate = selfSigned();
  const authorities = getCACertificates();
  beforeAll(() => setDefaultCACertificates([...authorities, certificate.certificate]));
  afterAll(() => setDefaultCACertificates(authorities));

  it('the name is verified, and the connection goes to the address that was looked at', async () => {
    const { port, received } = await receiver({ tls: certificate });
    const names: string[] = [];
    // A name that answers differently each time: the second answer would be another machine's.
    const rebinding: Resolve = async (name) => {
      names.push(name);
      return [{ address: names.length === 1 ? '127.0.0.1' : '127.0.0.2', family: 4 }];
    };
    const send = sender({ resolve: rebinding });
    expect(await send.deliver(message(`https://localhost:${port}/`))).toEqual({ status: 204 });
    expect(names).toEqual(['localhost']);
    expect(received[0]!.headers.host).toBe(`localhost:${port}`);
    await expect(
      sender({ resolve: at('127.0.0.1') }).deliver(message(`https://other.example:${port}/`)),
    ).rejects.toMatchObject({ ...unanswered, message: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID') });
    expect(received).toHaveLength(1);
  });

  it('a certificate that nobody vouches for is refused', async () => {
    const { port, received } = await receiver({ tls: selfSigned() });
    const lost = sender({ resolve: at('127.0.0.1') }).deliver(message(`https://localhost:${port}/`));
    await expect(lost).rejects.toMatchObject(unanswered);
    expect(received).toEqual([]);
  });
});

describe('the address', () => {
  const strangers = [
    ['10.0.0.1', '172.16.0.1', '192.168.1.1', '127.0.0.1', '169.254.169.254', '100.64.0.1', '0.0.0.0', '224.0.0.1'],
    ['255.255.255.255', '240.0.0.1', '192.0.2.1', '198.18.0.1', '::', '::1', '::7f00:1', 'fe80::1', 'fd00::1'],
    ['::ffff:8.8.8.8', '64:ff9b::808:808', '64:ff9b:1::1', '2002:7f00:1::', '2001::1', 'ff02::1', 'fec0::1'],
    ['2001:db8::1', 'fe80::1%eth0', 'nonsense'],
  ].flat();
  const asked = (resolve: Resolve, allowLoopback = false) => publicAddresses('a.example', { resolve, allowLoopback });

  it.each(strangers)('%s is not one to call, alone or among others', async (address) => {
    await expect(asked(at(address))).rejects.toMatchObject(refused);
    const both: Resolve = async () => [
      { address: '8.8.8.8', family: 4 },
      { address, family: 6 },
    ];
    await expect(asked(both)).rejects.toMatchObject(refused);
  });

  it.each(['8.8.8.8', '2001:4860:4860::8888'])('%s is', async (address) => {
    expect(await asked(at(address))).toEqual([{ address, family: 4 }]);
    expect(await publicAddresses(`[${address}]`, { resolve: at('10.0.0.1'), allowLoopback: false })).toHaveLength(1);
  });

  it('on loopback is one on the local plane, and no other private one is', async () => {
    expect(await asked(at('127.0.0.1'), true)).toHaveLength(1);
    expect(await asked(at('::1', 6), true)).toHaveLength(1);
    await expect(asked(at('10.0.0.1'), true)).rejects.toMatchObject(refused);
    await expect(asked(at('::ffff:127.0.0.1', 6), true)).rejects.toMatchObject(refused);
  });

  it.each([
    'http://example.com/',
    'https://127.0.0.1/',
    'https://0x7f.1/',
    'https://2130706433/',
    'https://[::ffff:7f00:1]/',
    'https://user:hunter2@example.com/',
    'ftp://example.com/',
    'nonsense',
  ])('%s is refused where the plane is no local one, before anything is sent', async (url) => {
    const refusal = sender({ local: false, resolve: at('8.8.8.8') }).deliver(message(url));
    await expect(refusal).rejects.toMatchObject(refused);
    await expect(refusal).rejects.not.toThrow(/hunter2/);
  });
});
