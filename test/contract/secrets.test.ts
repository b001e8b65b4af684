import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { SecretVersions } from '#core/ports-secrets.ts';
import { memorySecrets } from '#memory/secrets.ts';
import type { LocalMode } from '#runtime/environment.ts';
import { runtimeSecrets } from '#runtime/secrets.ts';
import { secretsManager } from './support/secrets-manager.ts';
import { secretsContract } from './secrets.contract.ts';

const server = await secretsManager();
beforeEach(() => {
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, 'CONTRACT');
  for (const name of Object.keys(server.kept)) delete server.kept[name];
  server.asked.length = 0;
  server.break();
  onTestFinished(() => void vi.unstubAllEnvs());
});

const endpoints = { secretsmanager: server.url, ssm: server.url } as LocalMode['endpoints'];
const onAws = () => runtimeSecrets({ cell: 'test', region: 'us-east-1', local: { endpoints } });

function inFile(text: string, mode = 0o600) {
  const folder = mkdtempSync(join(tmpdir(), 'secrets-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const secretsFile = join(folder, 'secrets.json');
  writeFileSync(secretsFile, text);
  chmodSync(secretsFile, mode);
  return {
    secretsFile,
    secrets: runtimeSecrets({ cell: 'test', region: 'us-east-1', local: { endpoints, secretsFile } }),
  };
}

secretsContract('twin', async (kept) => memorySecrets(kept));
secretsContract('file', async (kept) => inFile(JSON.stringify(kept)).secrets);
secretsContract('Secrets Manager and Parameter Store', async (kept) => {
  for (const [name, versions] of Object.entries(kept)) {
    server.kept[`alphaswarm/test/${name}`] = versions;
    server.kept[`/alphaswarm/test/${name}`] = versions;
  }
  return onAws();
});

describe('on AWS', () => {
  const acme: Record<string, SecretVersions> = { 'alphaswarm/test/webhooks/acme': { current: 'new', previous: 'old' } };

  it('a secret is asked for once in five minutes, both versions of it, and then anew', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    Object.assign(server.kept, acme);
    const secrets = onAws();
    await secrets.read('webhooks/acme');
    await secrets.read('webhooks/acme');
    expect(server.asked.toSorted()).toEqual([
      'secretsmanager.GetSecretValue alphaswarm/test/webhooks/acme AWSCURRENT',
      'secretsmanager.GetSecretValue alphaswarm/test/webhooks/acme AWSPREVIOUS',
    ]);
    server.kept['alphaswarm/test/webhooks/acme'] = { current: 'newer', previous: 'new' };
    vi.setSystemTime(Date.now() + 299_000);
    expect(await secrets.read('webhooks/acme')).toEqual({ current: 'new', previous: 'old' });
    vi.setSystemTime(Date.now() + 2000);
    expect(await secrets.read('webhooks/acme')).toEqual({ current: 'newer', previous: 'new' });
  });

  it('a service that refuses or is away is tried again, and is no missing secret', async () => {
    Object.assign(server.kept, acme);
    const secrets = onAws();
    server.break('AccessDeniedException');
    await expect(secrets.read('webhooks/acme')).rejects.toMatchObject({
      code: 'DEPENDENCY_UNAVAILABLE',
      message: expect.stringContaining('AccessDeniedException'),
    });
    await expect(secrets.parameter('webhooks/acme')).rejects.toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE' });
    server.break();
    expect(await secrets.read('webhooks/acme')).toEqual({ current: 'new', previous: 'old' });
  });
});

describe('the file of the local plane', () => {
  it('is read anew each time', async () => {
    const { secrets, secretsFile } = inFile('{"webhooks/a": {"current": "one"}}');
    expect(await secrets.read('webhooks/a')).toEqual({ current: 'one' });
    writeFileSync(secretsFile, '{"webhooks/a": {"current": "two", "previous": "one"}}');
    expect(await secrets.read('webhooks/a')).toEqual({ current: 'two', previous: 'one' });
  });

  it('may be absent: then there are no secrets', async () => {
    const { secrets, secretsFile } = inFile('{}');
    rmSync(secretsFile);
    await expect(secrets.read('webhooks/a')).rejects.toThrow('SECRETS_FILE');
    writeFileSync(secretsFile, '{}');
  });

  it.each([
    ['that others may read', '{}', 0o644, 'chmod 600'],
    ['that is not JSON', '{"webhooks/a": hunter2', 0o600, 'not JSON'],
    ['of another shape', '{"webhooks/a": "hunter2"}', 0o600, 'webhooks/a'],
  ])('%s is refused, without a word of what stands in it', async (...[, text, mode, why]) => {
    const refusal = inFile(text, mode).secrets.read('webhooks/a');
    await expect(refusal).rejects.toMatchObject({ code: 'CONFIGURATION_INVALID' });
    await expect(refusal).rejects.toThrow(why);
    await expect(refusal).rejects.not.toThrow(/hunter2/);
  });
});
