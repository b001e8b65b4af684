import { crashContract } from './crash.contract.ts';
import { worldInMemory, worldsOnAws } from './support/world.ts';

crashContract('in memory', worldInMemory);
crashContract('DynamoDB and SQS', await worldsOnAws());
