// `npm run localstack`: the demo on LocalStack, deployed there by the real CDK. Ends with the document that the demo ends with.
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PlaneError } from '#local/errors.ts';
import { freePort } from '#local/loopback.ts';
import { startPlane, type Plane } from '#local/plane.ts';
import { localstack } from '#localstack/profiles/localstack.ts';
import { startEmulator, type Deployment } from '#localstack/run/emulator.ts';
import { install } from '#localstack/run/install.ts';
import { findPython, noPython } from '#localstack/run/python.ts';
import { runLog, summaryOf, writeRunLog, type RunLog } from '#localstack/run/run-log.ts';
import { operatorOf } from './demo/operator.ts';
import { demoOptions, type Asked } from './demo/options.ts';
import { play } from './demo/play.ts';
import { terminalProgress, type Progress } from './demo/progress.ts';
import { toJson, toText, type Told } from './demo/report.ts';
import { synthesise } from './synthesise.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, '.alphaswarm', 'localstack');
const logFile = join(folder, 'run-log.json');

interface Run {
  readonly progress: Progress;
  readonly asked: Asked;
  /** Ends the plane; called at the end and at a signal. */
  readonly onPlane: (plane: Plane) => void;
}

async function main(): Promise<void> {
  const { json, ...asked } = demoOptions('npm run localstack');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  let plane: Plane | undefined;
  stopAtSignals(() => plane);
  const { told, log } = await run({
    progress: terminalProgress(process.stderr),
    asked,
    onPlane: (one) => (plane = one),
  });
  process.stderr.write(`\n${summaryOf(log)}\nThe run's log: ${relative(process.cwd(), logFile)}\n`);
  process.stdout.write(json ? `${JSON.stringify(toJson(told), null, 2)}\n` : `\n${toText(told)}\n`);
}

async function run({ progress, asked, onPlane }: Run): Promise<{ told: Told; log: RunLog }> {
  const startedMs = performance.now();
  const steps: { what: string; atSeconds: number }[] = [];
  const done = (what: string): void =>
    void steps.push({ what, atSeconds: Math.round((performance.now() - startedMs) / 100) / 10 });
  const interpreter = await pythonEnvironment(progress);
  done('the environment of LocalStack stands');
  const redis = await redisAddress();
  const assemblyDir = await progress.step(
    "synthesise the emulator's stage",
    () => synthesise(root, { assemblyDir: join(folder, 'cdk.out'), context: { emulatorRedis: redis.hostPort } }),
    (made) => `written to ${made}`,
  );
  done('the stage is synthesised');
  let deployment: Deployment | undefined;
  const startMs = minuteOf(Date.now());
  const plane = await progress.step(
    `start LocalStack ${localstack.version}, bootstrap it, deploy to it, attach to it`,
    (note) => {
      const noted = (text: string): void => {
        note(text);
        done(text);
      };
      const emulator = {
        root,
        interpreter,
        folder,
        note: noted,
        onDeployed: (made: Deployment) => (deployment = made),
      };
      const settings = { assemblyDir, dataDir: join(folder, 'plane'), clock: 'driven', startAtMs: startMs } as const;
      return startPlane({ ...settings, ports: redis.ports }, (base) => startEmulator(base, emulator));
    },
    ({ resources }) =>
      `${resources.queues.length} queues, ${resources.functions.length} functions, ${resources.schedules.length} schedules read back`,
  );
  onPlane(plane);
  done('scheduler, pollers and clock are attached');
  try {
    // A deployment may have taken more than a minute: the play begins where the clock is.
    const told = await playOn(plane, { progress, asked, startMs: minuteOf(plane.clock.now()) });
    done('the demo is played');
    if (!deployment) throw new PlaneError('START_FAILED', 'Nothing was deployed. Look into the log of LocalStack.');
    const log = runLog(deployment, localstack, { steps, result: toJson(told) });
    writeRunLog(logFile, log);
    return { told, log };
  } finally {
    await plane.stop();
  }
}

async function playOn(
  plane: Plane,
  { progress, asked, startMs }: Omit<Run, 'onPlane'> & { startMs: number },
): Promise<Told> {
  return play({ plane, operator: operatorOf(plane, 'demo'), progress }, { ...asked, startMs, folder });
}

const minuteOf = (instantMs: number): number => Math.floor(instantMs / 60_000) * 60_000;

function pythonEnvironment(progress: Progress): Promise<string> {
  const python = findPython();
  if (!python) throw new PlaneError('START_FAILED', `LocalStack cannot run here: ${noPython}.`);
  return progress.step(
    `the environment of LocalStack ${localstack.version}`,
    (note) => install({ root, python, note }),
    (interpreter) => `${relative(root, interpreter)}, Python ${python.version}`,
  );
}

/** Where Valkey will be: the stage is told before the plane starts it. */
async function redisAddress(): Promise<{ hostPort: string; ports: { redis?: number } }> {
  const given = process.env['REDIS_URL'];
  if (given) return { hostPort: new URL(given).host, ports: {} };
  const port = await freePort({ what: 'Valkey' });
  return { hostPort: `127.0.0.1:${port}`, ports: { redis: port } };
}

/** In order where there is a plane; before that the guardian ends whatever was started. A second signal does not wait. */
function stopAtSignals(planeOf: () => Plane | undefined): void {
  let stopping = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      process.stderr.write('\nlocalstack: stopping, every process is ended ...\n');
      void Promise.resolve(planeOf()?.stop()).finally(() => process.exit(130));
    });
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`\nlocalstack: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
