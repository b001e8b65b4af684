// The side of an executor in a process of its own: it runs one body in a child and says what it hears of it.
//   node executor-side.ts <entry of the child> <what the body does>
import { childBodies } from '#runtime/executor/child.ts';
import { sideOfExecutor } from './side.ts';

const [, , entry = '', does = ''] = process.argv;
const { context, log } = sideOfExecutor((report) => process.stdout.write(`${JSON.stringify(report)}\n`));
await childBodies({ 'backtest.run': async () => undefined }, { entry, log })['backtest.run']?.({ does }, context);
