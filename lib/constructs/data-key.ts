import { Stack, type RemovalPolicy } from 'aws-cdk-lib';
import { ArnPrincipal, PolicyStatement, type IRole } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { planeName } from '#lib/names.ts';

export interface DataKeyProps {
  readonly cell: string;
  readonly removal: RemovalPolicy;
}

/**
 * The key of the plane's tables: 1 USD a month, and what makes a deleted account's backups unreadable. The bucket keeps
 * S3's own key: its objects are many and small, and each would cost a request to KMS.
 */
export class DataKey extends Construct {
  readonly key: Key;

  constructor(scope: Construct, id: string, { cell, removal }: DataKeyProps) {
    super(scope, id);
    this.key = new Key(this, 'Key', {
      alias: planeName(cell, 'data'),
      description: `Tables of the cell ${cell}`,
      enableKeyRotation: true,
      removalPolicy: removal,
    });
  }

  /** Lets `role` use the key where DynamoDB asks on its behalf, and in no other way: so the role itself names no KMS action. */
  admitThroughTables(role: IRole): void {
    this.key.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ArnPrincipal(role.roleArn)],
        // What DynamoDB needs of a caller, https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
        actions: ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'],
        resources: ['*'],
        conditions: { StringEquals: { 'kms:ViaService': `dynamodb.${Stack.of(this).region}.amazonaws.com` } },
      }),
    );
  }
}
