// The Lambda host of a run on LocalStack: functions come one by one, as they are deployed.
import type { Base } from '#local/backplane.ts';
import { PlaneError } from '#local/errors.ts';
import { functionEnvironment } from '#local/function-environment.ts';
import { createLambdaHost, type Lambdas } from '#local/lambda-host.ts';
import { createMetrics, type MetricsRecorder } from '#local/metrics.ts';
import type { PlaneEndpoints } from '#local/plane-event.ts';
import type { FunctionSpec } from '#local/resources.ts';

export interface Functions {
  readonly lambdas: Lambdas;
  readonly metrics: MetricsRecorder;
  /** The lines that an invocation left, in order; asked once, and then forgotten. */
  linesOf(requestId: string): string[];
  /** Throws UNKNOWN_NAME. */
  environment(name: string): Record<string, string>;
}

/** A host without functions. Every line goes to the plane's listeners, to the metrics, and to whoever asks for it. */
export function lambdasOf({ settings, folder, options, guardian, emit }: Base, endpoints: PlaneEndpoints): Functions {
  const path = (options.variables ?? process.env)['PATH'] ?? '';
  const lines = new Map<string, string[]>();
  const known = new Map<string, FunctionSpec>();
  const metrics = createMetrics();
  const environmentOf = (spec: FunctionSpec): Record<string, string> =>
    functionEnvironment(spec, { endpoints, settings, ...folder, path });
  const host = createLambdaHost({
    functions: [],
    variablesOf: environmentOf,
    guardian,
    emit: (event) => {
      if (event.type === 'log' && event.requestId !== undefined) append(lines, event.requestId, event.line);
      emit(event);
    },
    onLogLine: (line) => metrics.readLine(line),
  });
  const lambdas: Lambdas = {
    invoke: (name, event, requestId) => host.invoke(name, event, requestId),
    environments: () => host.environments(),
    killInFlight: (name, requestId) => host.killInFlight(name, requestId),
    inFlight: () => host.inFlight(),
    begun: () => host.begun(),
    async add(spec) {
      // Here and not at its first run: a function that names another AWS fails its deployment.
      environmentOf(spec);
      known.set(spec.name, spec);
      await host.add(spec);
    },
    stop: () => host.stop(),
  };
  return {
    lambdas,
    metrics,
    linesOf(requestId) {
      const own = lines.get(requestId) ?? [];
      lines.delete(requestId);
      return own;
    },
    environment(name) {
      const spec = known.get(name);
      if (spec) return environmentOf(spec);
      throw new PlaneError(
        'UNKNOWN_NAME',
        `There is no function ${name} on this plane. Known functions: ${[...known.keys()].join(', ')}.`,
      );
    },
  };
}

function append(lines: Map<string, string[]>, requestId: string, line: string): void {
  const own = lines.get(requestId);
  if (own) own.push(line);
  else lines.set(requestId, [line]);
}
