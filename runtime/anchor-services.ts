import { anchoring } from '#core/audit-anchoring.ts';
import type { Anchors } from '#core/ports.ts';
import { anchorPorts } from './anchor-ports.ts';
import type { Environment } from './environment.ts';
import { services, type Services } from './services.ts';

/** The plane with the key of the audit: in a file of its own, so that no other bundle carries that client. */
export function anchorServices(environment: Environment): Services & { readonly anchors: Anchors } {
  const plane = services(environment);
  const { close, ...ports } = anchorPorts(environment);
  return {
    ...plane,
    anchors: anchoring({ ...plane, ...ports }),
    close() {
      close();
      plane.close();
    },
  };
}
