import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { limits } from '#core/catalogue/limits.ts';
import { prefixes, storeKey } from '#core/catalogue/stores.ts';
import { taskContract, tasksOf } from '#core/catalogue/tasks.ts';
import type { QueueName } from '#core/catalogue/queues.ts';

type Access = 'read' | 'write';

/** The bucket of payloads, artefacts, inboxes and the status page. */
export class ArtefactStore extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, { removal }: { readonly removal: RemovalPolicy }) {
    super(scope, id);
    this.bucket = new Bucket(this, 'Bucket', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      versioned: true,
      removalPolicy: removal,
      lifecycleRules: [
        // A week to take back an inbox file that was overwritten. The status page alone makes 4,320 versions a day.
        { noncurrentVersionExpiration: Duration.days(7), abortIncompleteMultipartUploadAfter: Duration.days(1) },
        // A payload is of no use beyond its row.
        { prefix: storeKey('payloads', ''), expiration: Duration.seconds(limits.runRetention) },
      ],
    });
  }

  /** ARNs of the objects that a consumer of `queue` may reach: what its tasks' ports need, and no more. */
  objectArns(queue: QueueName, wanted: Access): string[] {
    return this.arnsFor(new Set(tasksOf(queue).flatMap((task) => [...taskContract(task).uses])), wanted);
  }

  /** ARNs of the objects that a door may reach: payloads and artefacts, and the inbox, from which payloads are taken. */
  doorArns(wanted: Access): string[] {
    return this.arnsFor(new Set(['artefacts']), wanted);
  }

  private arnsFor(uses: ReadonlySet<string>, wanted: Access): string[] {
    return Object.entries(prefixes)
      .filter(([, { of }]) => of === 'pipeline' || uses.has(of))
      .filter(([, { access }]) => access.some((one) => one === wanted))
      .map(([prefix]) => this.bucket.arnForObjects(`${prefix}/*`));
  }
}
