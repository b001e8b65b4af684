/**
 * The protocol: one server of the SDK a message, since there are no sessions. Each message brings its own token and is
 * answered whole, so any environment of the function answers any of them.
 *
 * The SDK's lower interface is used, on purpose: `McpServer` wants a zod shape for each tool and puts its own words to
 * what does not fit; here schemas, checks and words are the gateway's.
 */
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import {
  CallToolRequestSchema,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
  type CallToolResult,
} from '@modelcontextprotocol/sdk/types.js';
import type { Caller } from '#gateway/caller.ts';
import { allowed } from '#gateway/door.ts';
import type { Setting } from '#gateway/operation.ts';
import { apiVersion } from '#gateway/schemas/version.ts';
import { toldProblem } from '#gateway/shell.ts';
import { answerOf, problemAnswer } from './answer.ts';
import type { ToolAsk } from './tool.ts';
import { tools } from './tools.ts';

export interface Asking {
  readonly caller: Caller;
  readonly from: string;
  readonly requestId: string;
}

const instructions = [
  'The background plane of AlphaSwarm: it runs tasks on queues, each run with progress, outcome and artefacts.',
  'A task is started by the tool of its name; then follow_run until it has ended, and get_run or get_artefact for what it made.',
  'While the plane is halted (get_halt) nothing begins; what is started is held until somebody releases the halt, which no tool does.',
].join(' ');

/** Nothing is ever asked of a client here, so that no answer of one is to be validated. */
const noValidator = {
  getValidator: () => () => ({ valid: false as const, data: undefined, errorMessage: 'nothing was asked' }),
};

/** Answers one message, which is JSON already. */
export async function answeredMessage(
  setting: Setting,
  { request, message }: { readonly request: Request; readonly message: unknown },
  asking: Asking,
): Promise<Response> {
  const server = new Server(
    { name: 'alphaswarm', title: 'AlphaSwarm', version: apiVersion },
    { capabilities: { tools: {} }, instructions, jsonSchemaValidator: noValidator },
  );
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: shownTo(asking.caller) }));
  server.setRequestHandler(CallToolRequestSchema, ({ params: { name, arguments: given = {} } }) =>
    called(setting, name, { ...asking, given, signal: request.signal }),
  );
  const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
  await server.connect(transport);
  try {
    return await transport.handleRequest(request, { parsedBody: message });
  } finally {
    await server.close();
  }
}

const shownTo = ({ roles }: Caller) =>
  tools
    .filter(({ isFor }) => isFor(roles))
    .map(({ name, title, description, input, hints }) => ({
      name,
      title,
      description,
      inputSchema: { ...input, type: 'object' as const },
      annotations: { title, ...hints },
    }));

/** Which calls came by which door, the audit tells by where they came from. */
const byThisDoor = (from: string): string => `${from} by mcp`;

async function called(setting: Setting, name: string, ask: ToolAsk & Asking): Promise<CallToolResult> {
  const tool = tools.find((one) => one.name === name);
  if (!tool) {
    const shown = JSON.stringify(name.slice(0, 64));
    throw new McpError(ErrorCode.InvalidParams, `there is no tool ${shown}: tools/list names those there are`);
  }
  const { requestId, ...rest } = ask;
  try {
    await allowed(setting, tool.row, ask.caller);
    return answerOf(await tool.call(setting, { ...rest, from: byThisDoor(ask.from) }));
  } catch (thrown) {
    const { body, headers } = toldProblem(setting, thrown, { requestId, method: 'tools/call', path: tool.name });
    return problemAnswer(body, headers);
  }
}
