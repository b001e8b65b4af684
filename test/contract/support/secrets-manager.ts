import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll } from 'vitest';
import type { SecretVersions } from '#core/ports-secrets.ts';

type Input = Partial<Record<'SecretId' | 'Name' | 'VersionStage', string>>;
interface Reply {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** Secrets Manager and Parameter Store on loopback, as far as a reader needs them; ends with the test file. */
export async function secretsManager() {
  const kept: Record<string, SecretVersions> = {};
  const asked: string[] = [];
  let broken: string | undefined;
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const call = String(request.headers['x-amz-target']);
      const { status, body: answer } = broken === undefined ? reply(call, JSON.parse(body)) : failed(broken);
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify(answer));
    });
  });
  const parameterOf = (name: string): Reply => {
    const found = kept[name];
    return found ? answer({ Parameter: { Value: found.current } }) : failed('ParameterNotFound');
  };
  const secretOf = (name: string, stage: string | undefined): Reply => {
    const value = stage === 'AWSPREVIOUS' ? kept[name]?.previous : kept[name]?.current;
    return value === undefined ? failed('ResourceNotFoundException') : answer({ SecretString: value });
  };
  const reply = (call: string, { SecretId, Name, VersionStage }: Input): Reply => {
    asked.push([call, SecretId, Name, VersionStage].filter(Boolean).join(' '));
    return Name === undefined ? secretOf(SecretId ?? '', VersionStage) : parameterOf(Name);
  };
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  afterAll(() => void server.close());
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    kept,
    asked,
    /** From now on every call fails with this code; absent: it is well again. */
    break: (code?: string): void => void (broken = code),
  };
}

const answer = (body: Record<string, unknown>): Reply => ({ status: 200, body });
const failed = (code: string): Reply => ({ status: 400, body: { __type: code, message: `${code} of something` } });
