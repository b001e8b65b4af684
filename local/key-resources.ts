// The keys of the template, as far as the local KMS uses them: to sign.
import * as z from 'zod';
import type { Resolver } from '#local/resolver.ts';

export interface KeySpec {
  id: string;
  arn: string;
  /** `ECC_NIST_P256`, or what encrypts, which nothing does here. */
  spec: string;
  /** `alias/...` names that lead to it. */
  aliases: string[];
}

export function keySpecs(resolver: Resolver): KeySpec[] {
  const aliases = resolver.ofType('AWS::KMS::Alias').map((resource) => ({
    name: resolver.physicalName(resource),
    target: String(resolver.property(resource, 'TargetKeyId')),
  }));
  return resolver.ofType('AWS::KMS::Key').map((resource) => {
    const [id, arn] = [resolver.attribute(resource, 'KeyId'), resolver.attribute(resource, 'Arn')];
    return {
      id,
      arn,
      spec: z.string().default('SYMMETRIC_DEFAULT').parse(resolver.property(resource, 'KeySpec')),
      aliases: aliases.flatMap(({ name, target }) => (target === id || target === arn ? name : [])),
    };
  });
}
