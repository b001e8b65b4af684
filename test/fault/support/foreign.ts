import { connect } from 'node:net';
import { once } from 'node:events';

/** One command by a client that knows nothing of us, as redis-cli would type it; resolves with the server's raw answer. */
export async function foreign(url: string, command: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.setTimeout(5000, () => socket.destroy(new Error(`no answer to ${command}`)));
  socket.write(`${command}\r\n`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return answer.toString();
}
