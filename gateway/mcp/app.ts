/**
 * The catalogue as tools of the Model Context Protocol: Streamable HTTP without sessions and without streams, since a
 * function behind an HTTP API has neither. One POST is one message, and its answer is JSON.
 *
 * Who asks, how often, what a body may be and what every answer carries is the gateway's own; only what stands in the
 * body is the protocol's. What no message came of is answered as a problem, what a tool could not do as its answer.
 */
import { routeRow } from '#core/catalogue/routes.ts';
import { admitted } from '#gateway/door.ts';
import { readJson } from '#gateway/json-body.ts';
import type { Setting } from '#gateway/operation.ts';
import type { AppOptions, GatewayPorts } from '#gateway/ports.ts';
import { Problem } from '#gateway/problem.ts';
import { emptyDoor, incomingOf, type Door } from '#gateway/shell.ts';
import { addressOf, needOwnOrigin, protectedResource, withDescription } from './authorization.ts';
import { answeredMessage } from './server.ts';

export interface McpOptions extends AppOptions {
  readonly door: 'mcp';
  /** Whose tokens are taken, as `iss` has them. */
  readonly issuers: readonly string[];
  /** The address of /mcp for whoever is outside; absent: as a request has reached it. */
  readonly address?: string;
}

export function createMcpApp(ports: GatewayPorts, options: McpOptions): Door {
  const setting: Setting = { ports, options };
  const app = emptyDoor(setting);
  for (const name of ['describeResource', 'describeResourceAtRoot'] as const) {
    app.get(routeRow(name).path, ({ req }) =>
      Response.json(protectedResource(addressOf(req.raw, options.address), options.issuers)),
    );
  }
  const row = routeRow('mcp');
  app.post(row.path, async (context) => {
    const { request, from } = incomingOf(context);
    const address = addressOf(request, options.address);
    needOwnOrigin(request, address);
    const caller = await admitted(setting, row, { request, from }).catch((refused: unknown) => {
      throw withDescription(refused, address);
    });
    const message = await messageOf(request);
    return answeredMessage(setting, { request, message }, { caller, from, requestId: context.get('origin').requestId });
  });
  return app;
}

/**
 * The message, without what would make a tool's call a task of the protocol's: that is not offered, and where it is not
 * it is to be passed over.
 *
 * @throws Problem BODY_TOO_LARGE, CONTENT_TYPE_UNSUPPORTED, REQUEST_INVALID
 */
async function messageOf(request: Request): Promise<unknown> {
  const message = await readJson(request);
  if (message === undefined) throw noMessage('is empty: send one JSON-RPC message');
  // Each is counted on its own. The protocol has no batches any more.
  if (Array.isArray(message)) throw noMessage('is a list: send one JSON-RPC message a request');
  const { params } = Object(message) as { params?: unknown };
  if (typeof params !== 'object' || params === null || !('task' in params)) return message;
  const { task: _task, ...rest } = params;
  return { ...(message as object), params: rest };
}

const noMessage = (wrong: string): Problem =>
  new Problem('REQUEST_INVALID', `the body ${wrong}`, { issues: [{ path: 'body', message: wrong }] });
