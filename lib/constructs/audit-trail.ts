import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { Key, KeySpec, KeyUsage, type IKey } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectLockRetention } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { auditIndexes } from '#core/catalogue/stores.ts';
import { planeName } from '#lib/names.ts';
import type { Stage } from '#lib/stages.ts';

export interface AuditTrailProps {
  readonly cell: string;
  readonly key: IKey;
  readonly stage: Pick<Stage, 'deletionProtection' | 'dataRemoval' | 'anchors'>;
}

/**
 * Who did what: the rows, a key that signs each hour of them, and a bucket where the signed hours lie locked. Rows are
 * only ever added, and leave by TTL; nobody has a permission to change one.
 */
export class AuditTrail extends Construct {
  readonly table: Table;
  readonly anchors: Bucket;
  readonly signing: Key;

  constructor(scope: Construct, id: string, { cell, key, stage }: AuditTrailProps) {
    super(scope, id);
    this.table = new Table(this, 'Events', {
      tableName: planeName(cell, 'audit_events'),
      partitionKey: { name: 'chain', type: AttributeType.STRING },
      sortKey: { name: 'seq', type: AttributeType.NUMBER },
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.CUSTOMER_MANAGED,
      encryptionKey: key,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: stage.deletionProtection,
      removalPolicy: stage.dataRemoval,
      timeToLiveAttribute: 'expiresAt',
    });
    for (const [indexName, { partitionKey, sortKey, projection }] of Object.entries(auditIndexes)) {
      this.table.addGlobalSecondaryIndex({
        indexName,
        partitionKey: { name: partitionKey, type: AttributeType.STRING },
        sortKey: { name: sortKey, type: AttributeType.STRING },
        projectionType: projection === 'all' ? ProjectionType.ALL : ProjectionType.KEYS_ONLY,
      });
    }
    this.signing = new Key(this, 'Signing', {
      alias: planeName(cell, 'audit'),
      description: `Signs the hours of the audit of the cell ${cell}`,
      keySpec: KeySpec.ECC_NIST_P256,
      keyUsage: KeyUsage.SIGN_VERIFY,
      // Signed hours are verified for as long as they are kept.
      removalPolicy: RemovalPolicy.RETAIN,
    });
    this.anchors = new Bucket(this, 'Anchors', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      versioned: true,
      objectLockEnabled: true,
      objectLockDefaultRetention: retention(stage.anchors),
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }

  /** ARNs of the indexes, by name: `index/*` would cover whatever is added later. */
  get indexArns(): string[] {
    return Object.keys(auditIndexes).map((name) => `${this.table.tableArn}/index/${name}`);
  }
}

/** In compliance mode nobody can shorten it, the account's root included; in governance mode an administrator can. */
const retention = ({ lock, days }: Stage['anchors']): ObjectLockRetention =>
  lock === 'compliance'
    ? ObjectLockRetention.compliance(Duration.days(days))
    : ObjectLockRetention.governance(Duration.days(days));
