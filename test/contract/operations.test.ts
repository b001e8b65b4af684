import { operationsContract } from './operations.contract.ts';
import { worldInMemory, worldsOnAws } from './support/world.ts';

operationsContract('in memory', worldInMemory);
operationsContract('DynamoDB and SQS', await worldsOnAws());
