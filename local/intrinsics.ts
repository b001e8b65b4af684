// CloudFormation's functions, as far as a synthesised app of ours uses them. What is not known is refused by its name and
// place: a value guessed wrongly would make the local run differ from the deployed one without a word.
import type { Resource, Stack } from '#local/assembly.ts';
import { PlaneError } from '#local/errors.ts';

export interface Scope {
  stack: Stack;
  /** Logical id and type of what is being read, for messages. */
  where: string;
  pseudo: Record<string, string>;
  /** What the plane answers to parameters of the template, in place of their defaults. */
  parameters: Readonly<Record<string, string>>;
  /** What `Ref` (attribute `Ref`) or `Fn::GetAtt` of a resource gives. */
  attribute(resource: Resource, attribute: string, where: string): string;
  /** The value that another stack exports under a name. */
  imported(name: string): unknown;
}

/** `AWS::NoValue`: the property that holds it does not exist. */
const NO_VALUE = Symbol('AWS::NoValue');

type Intrinsic = (argument: unknown, scope: Scope) => unknown;

const INTRINSICS: Record<string, Intrinsic> = {
  Ref: (name, scope) => reference(string(name, 'Ref', scope), scope),
  'Fn::GetAtt': getAtt,
  'Fn::Join': join,
  'Fn::Sub': substitute,
  'Fn::Select': select,
  'Fn::Split': split,
  'Fn::If': conditional,
  'Fn::ImportValue': (name, scope) => scope.imported(string(resolveValue(name, scope), 'Fn::ImportValue', scope)),
};

const CONDITIONS: Record<string, Intrinsic> = {
  'Fn::Equals': (argument, scope) => {
    const [left, right] = list(argument, 'Fn::Equals', scope).map((side) => resolveValue(side, scope));
    return JSON.stringify(left) === JSON.stringify(right);
  },
  'Fn::Not': (argument, scope) => !list(argument, 'Fn::Not', scope).every((part) => isTrue(part, scope)),
  'Fn::And': (argument, scope) => list(argument, 'Fn::And', scope).every((part) => isTrue(part, scope)),
  'Fn::Or': (argument, scope) => list(argument, 'Fn::Or', scope).some((part) => isTrue(part, scope)),
  Condition: (name, scope) => conditionNamed(string(name, 'Condition', scope), scope),
};

/** Replaces every intrinsic in `value`. Throws TEMPLATE_UNSUPPORTED with the name of what is not understood. */
export function resolveValue(value: unknown, scope: Scope): unknown {
  if (typeof value === 'string') return refuseDynamicReference(value, scope);
  if (Array.isArray(value)) return value.map((item) => resolveValue(item, scope)).filter((item) => item !== NO_VALUE);
  if (typeof value !== 'object' || value === null) return value;
  const name = intrinsicName(value);
  if (name === undefined) {
    const resolved = Object.entries(value).map(([key, item]) => [key, resolveValue(item, scope)] as const);
    return Object.fromEntries(resolved.filter(([, item]) => item !== NO_VALUE));
  }
  const intrinsic = INTRINSICS[name];
  if (!intrinsic) throw unsupported(`the function ${name}`, scope);
  return intrinsic(Object.values(value)[0], scope);
}

/** The function that an object stands for: it has one key, `Ref` or `Fn::...`. */
function intrinsicName(value: object): string | undefined {
  const [name, ...others] = Object.keys(value);
  if (name === undefined || others.length > 0) return undefined;
  return name === 'Ref' || name.startsWith('Fn::') ? name : undefined;
}

function refuseDynamicReference(value: string, scope: Scope): string {
  const reference = /\{\{resolve:[^}]*\}\}/.exec(value)?.[0];
  if (reference) throw unsupported(`the dynamic reference ${reference}`, scope);
  return value;
}

function reference(name: string, scope: Scope): unknown {
  if (name === 'AWS::NoValue') return NO_VALUE;
  if (name === 'AWS::StackName') return scope.stack.name;
  const pseudo = scope.pseudo[name];
  if (pseudo !== undefined) return pseudo;
  const resource = scope.stack.resources.get(name);
  if (resource) return scope.attribute(resource, 'Ref', scope.where);
  if (scope.stack.parameters[name]) return parameterValue(name, scope);
  throw unsupported(`Ref ${name}`, scope);
}

function parameterValue(name: string, scope: Scope): unknown {
  if (Object.hasOwn(scope.parameters, name)) return scope.parameters[name];
  const parameter = scope.stack.parameters[name];
  if (parameter?.Default !== undefined && !parameter.Type.startsWith('AWS::SSM')) return parameter.Default;
  throw unsupported(`the parameter ${name} without a plain default`, scope);
}

function getAtt(argument: unknown, scope: Scope): unknown {
  const path = typeof argument === 'string' ? argument.split('.') : list(argument, 'Fn::GetAtt', scope).map(String);
  const [logicalId = '', ...attribute] = path;
  const resource = scope.stack.resources.get(logicalId);
  if (!resource) throw unsupported(`Fn::GetAtt of ${logicalId}, which this template does not hold`, scope);
  return scope.attribute(resource, attribute.join('.'), scope.where);
}

function join(argument: unknown, scope: Scope): string {
  const [separator, parts] = list(argument, 'Fn::Join', scope);
  return list(resolveValue(parts, scope), 'Fn::Join', scope)
    .map(String)
    .join(string(separator, 'Fn::Join', scope));
}

function substitute(argument: unknown, scope: Scope): string {
  const [template, variables] = Array.isArray(argument) ? argument : [argument, {}];
  const given = resolveValue(variables, scope) as Record<string, unknown>;
  return string(template, 'Fn::Sub', scope).replace(/\$\{(!?)([^}]+)\}/g, (_whole, literal: string, name: string) => {
    if (literal) return `\${${name}}`;
    if (name in given) return String(given[name]);
    return String(name.includes('.') ? getAtt(name, scope) : reference(name, scope));
  });
}

function select(argument: unknown, scope: Scope): unknown {
  const [index, items] = list(argument, 'Fn::Select', scope);
  const picked = list(resolveValue(items, scope), 'Fn::Select', scope)[Number(resolveValue(index, scope))];
  if (picked === undefined) throw unsupported(`Fn::Select with index ${JSON.stringify(index)} outside its list`, scope);
  return picked;
}

function split(argument: unknown, scope: Scope): string[] {
  const [separator, source] = list(argument, 'Fn::Split', scope);
  return string(resolveValue(source, scope), 'Fn::Split', scope).split(string(separator, 'Fn::Split', scope));
}

function conditional(argument: unknown, scope: Scope): unknown {
  const [condition, yes, no] = list(argument, 'Fn::If', scope);
  return resolveValue(conditionNamed(string(condition, 'Fn::If', scope), scope) ? yes : no, scope);
}

function conditionNamed(name: string, scope: Scope): boolean {
  if (!(name in scope.stack.conditions)) throw unsupported(`the condition ${name}, which is not declared`, scope);
  return isTrue(scope.stack.conditions[name], scope);
}

function isTrue(condition: unknown, scope: Scope): boolean {
  const [name, argument] = Object.entries(condition ?? {})[0] ?? ['nothing', undefined];
  const evaluate = CONDITIONS[name];
  if (!evaluate) throw unsupported(`the condition function ${name}`, scope);
  return evaluate(argument, scope) === true;
}

function list(value: unknown, name: string, scope: Scope): unknown[] {
  if (Array.isArray(value)) return value;
  throw unsupported(`${name} of ${JSON.stringify(value)}, where a list belongs,`, scope);
}

function string(value: unknown, name: string, scope: Scope): string {
  if (typeof value === 'string') return value;
  throw unsupported(`${name} of ${JSON.stringify(value)}, where a string belongs,`, scope);
}

function unsupported(what: string, scope: Scope): PlaneError {
  return new PlaneError(
    'TEMPLATE_UNSUPPORTED',
    `${scope.stack.name}, ${scope.where}: ${what} is not understood by the local plane. Express it otherwise in lib/, or teach local/intrinsics.ts.`,
  );
}
