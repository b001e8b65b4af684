import type { VerifyPorts } from '#core/audit-verify.ts';
import type { Links, Rate, ScheduleReader } from '#core/ports-gateway.ts';
import type { Door } from '#core/catalogue/routes.ts';
import { parseEnvironment, type Environment } from './environment.ts';
import { runtimeLinks } from './links.ts';
import { once } from './once.ts';
import { runtimeRate } from './rate-limit.ts';
import { scheduleReader } from './schedule-reader.ts';
import { clientOptions, services, type Services } from './services.ts';

export interface DoorServices extends Services {
  readonly links: Links;
  readonly rate: Rate;
  readonly schedules: ScheduleReader;
  readonly verification: () => Promise<Pick<VerifyPorts, 'anchors' | 'verifier' | 'hash'>>;
  readonly environment: Environment;
}

/** The plane as a door has it: with links, a measure of who asks how often, and a look at the scheduler. */
export function doorServices(door: Door): DoorServices {
  const environment = parseEnvironment(door, process.env);
  const { region, local, bucket, own, cell } = environment;
  const plane = services(environment);
  const elsewhere = { ...clientOptions, region, ...(local && { endpoint: local.endpoints.events }) };
  return {
    ...plane,
    environment,
    verification: once(async () => (await import('./anchor-ports.ts')).anchorPorts(environment)),
    rate: runtimeRate(plane.cache, cell),
    schedules: scheduleReader({ client: elsewhere, cell }),
    links: runtimeLinks({
      bucket,
      role: own.LINKS_ROLE ?? '',
      s3: { ...clientOptions, region, ...(local && { endpoint: local.endpoints.s3, forcePathStyle: true }) },
      sts: elsewhere,
    }),
  };
}
