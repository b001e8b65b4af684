import { Duration, Stack } from 'aws-cdk-lib';
import { ArnPrincipal, CompositePrincipal, PolicyStatement, Role, type IRole } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { storeKey } from '#core/catalogue/stores.ts';
import type { ArtefactStore } from '#lib/constructs/artefact-store.ts';
import { planeName } from '#lib/names.ts';

export interface LinksRoleProps {
  readonly cell: string;
  readonly store: ArtefactStore;
  /** Who hands out links. */
  readonly signers: readonly [IRole, ...IRole[]];
}

const roleName = (cell: string): string => planeName(cell, 'links');
/** By name: its signers, whose roles it names, are told of it before it is made. */
export const linksRoleArn = (scope: Construct, cell: string): string =>
  Stack.of(scope).formatArn({ service: 'iam', region: '', resource: 'role', resourceName: roleName(cell) });

/**
 * Under whose name links are signed. A link is as good as the credentials behind it, so those are a session's, bound by a
 * policy to one run or one inbox key; this role is the most that any of them can reach.
 */
export class LinksRole extends Construct {
  constructor(scope: Construct, id: string, { cell, store: { bucket }, signers }: LinksRoleProps) {
    super(scope, id);
    const [first, ...others] = signers.map(({ roleArn }) => new ArnPrincipal(roleArn));
    const role = new Role(this, 'Role', {
      roleName: roleName(cell),
      description: 'Links to artefacts, and into inboxes',
      assumedBy: first && others.length > 0 ? new CompositePrincipal(first, ...others) : first!,
      maxSessionDuration: Duration.hours(1),
    });
    const may = (action: string, prefix: 'artifacts' | 'inbox') =>
      role.addToPolicy(
        new PolicyStatement({ actions: [action], resources: [bucket.arnForObjects(storeKey(prefix, '*'))] }),
      );
    may('s3:GetObject', 'artifacts');
    may('s3:PutObject', 'inbox');
  }
}
