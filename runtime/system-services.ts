import { anchoring } from '#core/audit-anchoring.ts';
import type { Live } from '#core/plane.ts';
import type { Anchors } from '#core/ports.ts';
import { anchorPorts } from './anchor-ports.ts';
import type { Environment } from './environment.ts';
import { livePorts } from './live.ts';
import { services, type Services } from './services.ts';

/** The plane with the key of the audit and a hand on the WebSockets: in a file of its own, for no other bundle has these. */
export function systemServices(
  environment: Environment,
): Services & { readonly anchors: Anchors; readonly live: Live } {
  const plane = services(environment);
  const ports = anchorPorts(environment);
  const { live, close } = livePorts(environment, plane);
  return {
    ...plane,
    live,
    anchors: anchoring({ ...plane, ...ports }),
    close() {
      close();
      ports.close();
      plane.close();
    },
  };
}
