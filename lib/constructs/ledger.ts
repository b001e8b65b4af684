import type { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { planeName } from '#lib/names.ts';

/**
 * Indexes of `workload_runs`, keys only: whoever acts on a hit reads the row again, consistently. Each partition key
 * ends in `#<shard>`, because a time-ordered key of one queue is a hot partition, and a throttled index throttles the
 * table. On a table that has rows an index is added alone, one a stack update.
 */
const ledgerIndexes = {
  open: { partitionKey: 'openKey', sortKey: 'checkAfterMs', sortType: AttributeType.NUMBER },
  by_queue: { partitionKey: 'queueDay', sortKey: 'createdKey', sortType: AttributeType.STRING },
  by_actor: { partitionKey: 'actorDay', sortKey: 'createdKey', sortType: AttributeType.STRING },
  by_tenant: { partitionKey: 'tenantDay', sortKey: 'createdKey', sortType: AttributeType.STRING },
} as const;

export interface LedgerProps {
  readonly cell: string;
  readonly key: IKey;
  readonly deletionProtection: boolean;
  readonly removal: RemovalPolicy;
}

/** The rows of all runs, and the small named records beside them. */
export class Ledger extends Construct {
  readonly runs: Table;
  readonly control: Table;

  constructor(scope: Construct, id: string, props: LedgerProps) {
    super(scope, id);
    this.runs = this.table('Runs', props, { name: 'workload_runs', key: 'id', ttl: 'expiresAt' });
    for (const [indexName, { partitionKey, sortKey, sortType }] of Object.entries(ledgerIndexes)) {
      this.runs.addGlobalSecondaryIndex({
        indexName,
        partitionKey: { name: partitionKey, type: AttributeType.STRING },
        sortKey: { name: sortKey, type: sortType },
        projectionType: ProjectionType.KEYS_ONLY,
      });
    }
    this.control = this.table('Control', props, { name: 'control', key: 'name' });
  }

  /** ARNs of the runs' indexes, by name: `index/*` would cover whatever is added later. */
  get indexArns(): string[] {
    return Object.keys(ledgerIndexes).map((name) => `${this.runs.tableArn}/index/${name}`);
  }

  // `Table`, not `TableV2`: the latter renders AWS::DynamoDB::GlobalTable, which the local stores do not know.
  private table(id: string, props: LedgerProps, of: { name: string; key: string; ttl?: string }): Table {
    return new Table(this, id, {
      tableName: planeName(props.cell, of.name),
      partitionKey: { name: of.key, type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.CUSTOMER_MANAGED,
      encryptionKey: props.key,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: props.deletionProtection,
      removalPolicy: props.removal,
      ...(of.ttl === undefined ? {} : { timeToLiveAttribute: of.ttl }),
    });
  }
}
