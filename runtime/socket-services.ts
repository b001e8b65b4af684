import type { Live } from '#core/plane.ts';
import type { Rate } from '#core/ports-gateway.ts';
import { parseEnvironment, type Environment } from './environment.ts';
import { livePorts } from './live.ts';
import { runtimeRate } from './rate-limit.ts';
import { services, type Services } from './services.ts';

export interface SocketServices extends Services, Live {
  readonly rate: Rate;
  readonly environment: Environment;
}

/** The plane as the door of the WebSockets and the relay have it. */
export function socketServices(entryPoint: 'sockets' | 'relay'): SocketServices {
  const environment = parseEnvironment(entryPoint, process.env);
  const plane = services(environment);
  const { live, close } = livePorts(environment, plane);
  return {
    ...plane,
    ...live,
    environment,
    rate: runtimeRate(plane.cache, environment.cell),
    close() {
      close();
      plane.close();
    },
  };
}
