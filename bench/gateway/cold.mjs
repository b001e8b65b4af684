// One cold start, as Lambda makes it: Node on a bundle, JavaScript as it is deployed. Prints how long after the start of
// the process it had Node ready, and the handler.
import { pathToFileURL } from 'node:url';

const bootMs = performance.now();
const { handler } = await import(pathToFileURL(process.argv[2]).href);
const readyMs = performance.now();
if (typeof handler !== 'function') throw new Error('the bundle exports no handler');
process.stdout.write(`${JSON.stringify({ bootMs, readyMs })}\n`, () => process.exit(0));
