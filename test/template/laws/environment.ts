import { environmentNames } from '#core/catalogue/entry-environment.ts';
import { entryPoints, type EntryPointName } from '#core/catalogue/entry-points.ts';
import { at, differences, textOf, type Law, type Plane } from '../plane.ts';
import { containerIn, eachEntryPoint, functionIn, refOf, variablesOf } from '../workers.ts';
import { deadLettersIn, queueIn } from './queues.ts';

/** Names and values that a secret would have; secrets are read at run time, by version, never laid into a template. */
const secretName = /secret|password|passwd|token|credential|private|api_?key/i;
const secretValue = /\{\{resolve:|-----BEGIN|AKIA[A-Z0-9]{12}|eyJ[A-Za-z0-9_-]{10}/;

/** The template's own variables of a function. */
const variables = (plane: Plane) =>
  at(functionIn(plane, 'system').Properties, 'Environment.Variables') as Record<string, unknown>;

function urlsOf(plane: Plane, name: EntryPointName): string[] {
  const given = Object.fromEntries(variablesOf(plane, name));
  return entryPoints[name].writesTo.flatMap((queue) => [
    ...differences(
      `${name}: queue ${queue}`,
      textOf(given[`QUEUE_URL_${queue.toUpperCase()}`]),
      refOf(queueIn(plane, queue)),
    ),
    ...differences(
      `${name}: dead letters of ${queue}`,
      textOf(given[`DLQ_URL_${queue.toUpperCase()}`]),
      refOf(deadLettersIn(plane, queue)),
    ),
  ]);
}

export const environmentLaws: Law[] = [
  {
    says: 'every function and executor has exactly the variables that the catalogue lists for it',
    broken: eachEntryPoint((plane, name) =>
      differences(
        `variables of ${name}`,
        variablesOf(plane, name).map(([variable]) => variable),
        environmentNames(name),
      ),
    ),
    planted: (plane) => (containerIn(plane, 'backtest')['Environment'] as unknown[]).pop(),
  },
  {
    says: 'the URLs in the environment are those of the queues whose names they carry',
    broken: eachEntryPoint(urlsOf),
    planted: (plane) => (variables(plane)['QUEUE_URL_SYSTEM'] = variables(plane)['QUEUE_URL_INGESTION']),
  },
  {
    says: 'no variable holds a secret, or looks as if it did, and no container is handed one',
    broken: (plane) => [
      ...eachEntryPoint((one, name) =>
        variablesOf(one, name)
          .filter(([key, value]) => secretName.test(key) || secretValue.test(textOf(value)))
          .map(([key]) => `${name} has the variable ${key}`),
      )(plane),
      ...('Secrets' in containerIn(plane, 'backtest') ? ['backtest is handed secrets'] : []),
    ],
    planted: (plane) => (variables(plane)['LOG_LEVEL'] = '{{resolve:secretsmanager:plane}}'),
  },
];
