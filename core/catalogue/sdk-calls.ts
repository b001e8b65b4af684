/** IAM actions of the SDK calls made: what a role may do is what its code does, and a law compares the two. */
export type SdkCall =
  | 'sqs:ReceiveMessage'
  | 'sqs:DeleteMessage'
  | 'sqs:ChangeMessageVisibility'
  | 'sqs:SendMessage'
  | 'sqs:GetQueueAttributes'
  | 'dynamodb:GetItem'
  | 'dynamodb:BatchGetItem'
  | 'dynamodb:PutItem'
  | 'dynamodb:DeleteItem'
  | 'dynamodb:Query'
  | 's3:GetObject'
  | 's3:PutObject'
  /** Without it S3 answers 403, not 404, for an object that is not there. */
  | 's3:ListBucket'
  | 'events:PutEvents'
  | 'elasticache:Connect'
  | 'ecs:RunTask'
  | 'ecs:StopTask'
  /** RunTask hands the task its roles. */
  | 'iam:PassRole'
  | 'scheduler:GetSchedule'
  /** For links that reach no further than one run. */
  | 'sts:AssumeRole'
  | 'kms:Sign'
  | 'kms:GetPublicKey'
  | 'secretsmanager:GetSecretValue'
  | 'execute-api:ManageConnections';

/** A service of AWS, by the name of its host. */
export type Host =
  | 'sqs'
  | 'dynamodb'
  | 's3'
  | 'events'
  | 'elasticache'
  | 'ecs'
  | 'scheduler'
  | 'sts'
  | 'kms'
  | 'secretsmanager'
  | 'execute-api';
