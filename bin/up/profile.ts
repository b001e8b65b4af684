import type { ProfileSettings } from '#client/profile.ts';
import type { Plane } from '#local/plane.ts';

/** The client that every local issuer knows for this command line. */
const clientId = 'alphaswarm-cli';

/** Where the plane is, and for `halt --direct` all that the function of that name is given. */
export function profileOf(plane: Pick<Plane, 'endpoints' | 'resources' | 'environment'>): ProfileSettings {
  const { endpoints, resources } = plane;
  const halt = resources.functions.find(({ name }) => name.endsWith('-halt'));
  return {
    gateway: endpoints.gateway,
    sockets: endpoints.sockets,
    issuers: endpoints.issuers.map((issuer) => ({ issuer, clientId })),
    ...(halt ? { halt: plane.environment(halt.name) } : {}),
  };
}
