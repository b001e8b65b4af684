import { memoryControl } from '#memory/control.ts';
import { runtimeControl } from '#runtime/control.ts';
import { controlContract } from '#test/contract/control.contract.ts';
import { dynamodb } from '#test/contract/support/aws.ts';

const { client, fresh } = await dynamodb();

controlContract('in memory', async () => memoryControl());
controlContract('DynamoDB', async () => runtimeControl(client, await fresh('control')));
