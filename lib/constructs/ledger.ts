import type { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { connectionIndex, ledgerIndexes } from '#core/catalogue/stores.ts';
import { planeName } from '#lib/names.ts';

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
  /** Open WebSockets. */
  readonly connections: Table;

  constructor(scope: Construct, id: string, props: LedgerProps) {
    super(scope, id);
    this.runs = this.table('Runs', props, { name: 'workload_runs', key: 'id', ttl: 'expiresAt' });
    // On a table that has rows an index is added alone, one a stack update.
    for (const [indexName, { partitionKey, sortKey, sortType }] of Object.entries(ledgerIndexes)) {
      this.runs.addGlobalSecondaryIndex({
        indexName,
        partitionKey: { name: partitionKey, type: AttributeType.STRING },
        sortKey: { name: sortKey, type: sortType === 'number' ? AttributeType.NUMBER : AttributeType.STRING },
        projectionType: ProjectionType.KEYS_ONLY,
      });
    }
    this.control = this.table('Control', props, { name: 'control', key: 'name', ttl: 'expiresAt' });
    this.connections = this.table('Connections', props, { name: 'connections', key: 'id', ttl: 'expiresAt' });
    this.connections.addGlobalSecondaryIndex({
      indexName: connectionIndex.name,
      partitionKey: { name: connectionIndex.partitionKey, type: AttributeType.STRING },
      sortKey: { name: connectionIndex.sortKey, type: AttributeType.NUMBER },
      projectionType: ProjectionType.KEYS_ONLY,
    });
  }

  /** ARNs of the runs' indexes, by name: `index/*` would cover whatever is added later. */
  get indexArns(): string[] {
    return Object.keys(ledgerIndexes).map((name) => `${this.runs.tableArn}/index/${name}`);
  }

  /** ARN of the index by which the system function finds the WebSockets to end. */
  get expiryArn(): string {
    return `${this.connections.tableArn}/index/${connectionIndex.name}`;
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
