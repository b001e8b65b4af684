import type { VerifyPorts } from '#core/audit-verify.ts';
import type { Links, Rate, ScheduleReader } from '#core/ports-gateway.ts';
import type { Door } from '#core/catalogue/routes.ts';
import { parseEnvironment, type Environment } from './environment.ts';
import { once } from './once.ts';
import { runtimeRate } from './rate-limit.ts';
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
  // Few requests want these, and none shall wait for them at a cold start. What is imported is a module of ours, so that
  // the bundle holds of a client only what that module uses.
  const links = once(async () => {
    const { runtimeLinks } = await import('./links.ts');
    return runtimeLinks({
      bucket,
      role: own.LINKS_ROLE ?? '',
      s3: { ...clientOptions, region, ...(local && { endpoint: local.endpoints.s3, forcePathStyle: true }) },
      sts: elsewhere,
    });
  });
  const schedules = once(async () =>
    (await import('./schedule-reader.ts')).scheduleReader({ client: elsewhere, cell }),
  );
  return {
    ...plane,
    environment,
    verification: once(async () => (await import('./anchor-ports.ts')).anchorPorts(environment)),
    rate: runtimeRate(plane.cache, cell),
    schedules: { read: async (key) => (await schedules()).read(key) },
    links: {
      reading: async (...asked) => (await links()).reading(...asked),
      writing: async (...asked) => (await links()).writing(...asked),
    },
  };
}
