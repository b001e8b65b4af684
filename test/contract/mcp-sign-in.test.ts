// A client of the Model Context Protocol that knows the address of the tools and nothing else, but for a client's id and
// secret, finds the issuer, gets a token there, and calls a tool: by the SDK's own hand, from a real OpenID provider.
import { ClientCredentialsProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { expect, it, onTestFinished } from 'vitest';
import { parseIdentity } from '#gateway/identity/config.ts';
import { createIdentity } from '#gateway/identity/verify.ts';
import { machineSecret } from '#local/identity/people.ts';
import { startIdentity } from '#local/identity/start.ts';
import { pull } from '#test/unit/gateway/support.ts';
import { mcpDoor } from '#test/unit/gateway/mcp/support.ts';

it('a machine finds its way in from the address alone', async () => {
  const local = await startIdentity();
  onTestFinished(() => local.stop());
  const config = parseIdentity(local.config, { local: true });
  const nowMs = () => Date.now();
  const door = await mcpDoor({
    options: {
      identity: createIdentity(config, { nowMs }),
      realNowMs: nowMs,
      issuers: config.map(({ issuer }) => issuer),
    },
  });
  const authProvider = new ClientCredentialsProvider({
    clientId: 'alphaswarm-ci',
    clientSecret: machineSecret,
    expectedIssuer: local.issuers[0]!.url,
  });
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(new StreamableHTTPClientTransport(new URL(`${door.url}/mcp`), { authProvider }));
  onTestFinished(() => client.close());
  const { structuredContent } = await client.callTool({ name: 'ingest_pull', arguments: pull.payload });
  expect(structuredContent).toMatchObject({
    state: 'queued',
    run: { tenant: 'local', actor: { kind: 'service', id: 'alphaswarm-ci' } },
  });
});
