// Joins the pure template reader to this machine's addresses: physical names, Ref, GetAtt, and exports between stacks.
import type { Assembly, Resource, Stack } from '#local/assembly.ts';
import { PlaneError } from '#local/errors.ts';
import { resolveValue, type Scope } from '#local/intrinsics.ts';
import { isIrrelevant, LOCAL_ACCOUNT_ID, RESOURCE_TYPES, type Addresses, type Named } from '#local/resource-types.ts';

export interface Resolver {
  addresses: Addresses;
  /** All resources of one type, over all stacks. */
  ofType(type: string): Resource[];
  /** A property of a resource, every intrinsic replaced. */
  property(resource: Resource, key: string): unknown;
  physicalName(resource: Resource): string;
  attribute(resource: Resource, attribute: string): string;
}

/** Throws TEMPLATE_UNSUPPORTED with the first resource whose type has no local meaning and is not known to need none. */
export function refuseUnknownTypes(assembly: Assembly): void {
  for (const stack of assembly.stacks) {
    for (const { logicalId, type } of stack.resources.values()) {
      if (type in RESOURCE_TYPES || isIrrelevant(type)) continue;
      throw new PlaneError(
        'TEMPLATE_UNSUPPORTED',
        `${stack.templateFile}: resource ${logicalId} is of type ${type}, which the local plane does not know. Teach local/resource-types.ts what it means here, or list it there as irrelevant.`,
      );
    }
  }
}

/** A resolver of one assembly for one set of addresses. */
export function createResolver(assembly: Assembly, addresses: Addresses): Resolver {
  const pseudo = pseudoParameters(addresses);
  const scopeOf = (stack: Stack, where: string): Scope => ({
    stack,
    where,
    pseudo,
    parameters: addresses.parameters ?? {},
    attribute,
    imported: (name) => exportedValue(assembly, name, (owner) => scopeOf(owner, 'an output')),
  });

  function property(resource: Resource, key: string): unknown {
    if (resource.properties[key] === undefined) return undefined;
    return resolveValue(
      resource.properties[key],
      scopeOf(resource.stack, `${resource.logicalId}.${key} (${resource.type})`),
    );
  }

  function physicalName(resource: Resource): string {
    const key = RESOURCE_TYPES[resource.type]?.nameProperty;
    const declared = key === undefined ? undefined : property(resource, key);
    if (typeof declared === 'string') return declared;
    const deployed = addresses.physicalNames?.get(`${resource.stack.name}/${resource.logicalId}`);
    if (deployed !== undefined) return deployed;
    const made = `${resource.stack.name}-${resource.logicalId}`;
    if (resource.type === 'AWS::S3::Bucket') return made.toLowerCase();
    return property(resource, 'FifoQueue') === true ? `${made}.fifo` : made;
  }

  function attribute(resource: Resource, wanted: string, where = 'the plane'): string {
    const type = RESOURCE_TYPES[resource.type];
    const give = wanted === 'Ref' ? type && (type.ref ?? ((named: Named) => named.name)) : type?.attributes?.[wanted];
    if (!give) throw unknownAttribute(resource, wanted, where);
    const name = physicalName(resource);
    return give({ resource, name, addresses, property: (key) => property(resource, key) });
  }

  return {
    addresses,
    ofType: (type) =>
      assembly.stacks.flatMap((stack) => [...stack.resources.values()].filter((one) => one.type === type)),
    property,
    physicalName,
    attribute,
  };
}

function pseudoParameters({ region }: Addresses): Record<string, string> {
  return {
    'AWS::Region': region,
    'AWS::AccountId': LOCAL_ACCOUNT_ID,
    'AWS::Partition': 'aws',
    'AWS::URLSuffix': 'amazonaws.com',
  };
}

function exportedValue(assembly: Assembly, name: string, scopeOf: (stack: Stack) => Scope): unknown {
  for (const stack of assembly.stacks) {
    const scope = scopeOf(stack);
    const found = stack.exports.find((output) => resolveValue(output.name, scope) === name);
    if (found) return resolveValue(found.value, scope);
  }
  throw new PlaneError(
    'TEMPLATE_UNSUPPORTED',
    `A stack imports ${name}, which no stack of ${assembly.dir} exports. Synthesise all stacks into one assembly.`,
  );
}

function unknownAttribute(resource: Resource, wanted: string, where: string): PlaneError {
  const asked = wanted === 'Ref' ? 'Ref' : `attribute ${wanted}`;
  return new PlaneError(
    'TEMPLATE_UNSUPPORTED',
    `${resource.stack.name}, ${where}: ${asked} of ${resource.logicalId} (${resource.type}) is not known to the local plane. Teach local/resource-types.ts.`,
  );
}
