/**
 * The gateway as an application: the rows of core/catalogue/routes.ts that belong to one door, each with its operation.
 *
 * The same code is every door's, on Lambda and on one machine; what differs stands in its options. It knows neither AWS
 * nor Node: a request comes in, a response goes out.
 */
import { answered, type Mounted } from './door.ts';
import type { Reply, Setting } from './operation.ts';
import type { AppOptions, GatewayPorts } from './ports.ts';
import { mountedAt } from './routes/index.ts';
import { emptyDoor, incomingOf, type Door } from './shell.ts';

export function createApp(ports: GatewayPorts, options: AppOptions): Door {
  const setting: Setting = { ports, options };
  const app = emptyDoor(setting);
  for (const mounted of mountedAt(options.door)) {
    const path = mounted.row.path.replaceAll(/\{(\w+)\}/g, ':$1');
    app.on(mounted.row.method, path, async (context) =>
      responseOf(mounted, await answered(setting, mounted, incomingOf(context))),
    );
  }
  return app;
}

function responseOf({ operation }: Mounted, { body, status, headers }: Reply): Response {
  const { contentType } = operation;
  return new Response(contentType === undefined ? JSON.stringify(body) : String(body), {
    status: status ?? operation.status,
    headers: { 'content-type': contentType ?? 'application/json', ...headers },
  });
}
