// Functions and executors as the laws read them: what runs an entry point, its variables, its role.
import {
  entryPoints,
  families,
  functionNames,
  isFamily,
  type EntryPointName,
  type Family,
  type FunctionName,
} from '#core/catalogue/entry-points.ts';
import { at, named, textOf, type Plane, type Properties } from './plane.ts';
import { roleIdOf } from './policies.ts';

export const entryPointNames = Object.keys(entryPoints) as EntryPointName[];

export const functionIn = (plane: Plane, name: FunctionName) =>
  named(plane, 'AWS::Lambda::Function', `alphaswarm-${plane.stage.cell}-${name}`);
export const definitionIn = (plane: Plane, family: Family) =>
  named(plane, 'AWS::ECS::TaskDefinition', `alphaswarm-${plane.stage.cell}-${family}`);

/** The only container of a family's task; the template's own, to be changed. */
export const containerIn = (plane: Plane, family: Family): Properties =>
  (definitionIn(plane, family).Properties['ContainerDefinitions'] as Properties[])[0] ?? {};

export const eachFunction = (check: (plane: Plane, name: FunctionName) => string[]) => (plane: Plane) =>
  functionNames.flatMap((name) => check(plane, name));
export const eachFamily = (check: (plane: Plane, family: Family) => string[]) => (plane: Plane) =>
  families.flatMap((family) => check(plane, family));
export const eachEntryPoint = (check: (plane: Plane, name: EntryPointName) => string[]) => (plane: Plane) =>
  entryPointNames.flatMap((name) => check(plane, name));

/** The variables of an entry point, in their order. */
export function variablesOf(plane: Plane, name: EntryPointName): [name: string, value: unknown][] {
  if (!isFamily(name)) return Object.entries(at(functionIn(plane, name).Properties, 'Environment.Variables') as object);
  const variables = containerIn(plane, name)['Environment'] as { Name: string; Value: unknown }[];
  return variables.map(({ Name, Value }) => [Name, Value]);
}

/** Logical id of the role under which an entry point's code calls AWS. */
export const roleOf = (plane: Plane, name: EntryPointName): string =>
  roleIdOf(
    isFamily(name) ? definitionIn(plane, name).Properties['TaskRoleArn'] : functionIn(plane, name).Properties['Role'],
  );
export const executionRoleOf = (plane: Plane, family: Family): string =>
  roleIdOf(definitionIn(plane, family).Properties['ExecutionRoleArn']);

/** A reference to a resource of the template, as `textOf` shows it. */
export const arnOf = ({ id }: { id: string }, attribute = 'Arn'): string => `\${${id}.${attribute}}`;
export const refOf = ({ id }: { id: string }): string => textOf({ Ref: id });
