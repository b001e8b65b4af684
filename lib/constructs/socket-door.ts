import { Stack } from 'aws-cdk-lib';
import { type CfnStage, WebSocketApi, WebSocketStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { WebSocketLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { planeName } from '#lib/names.ts';

export interface SocketDoorProps {
  readonly cell: string;
}

/** Messages a second that all sockets together may send; frames go the other way, which is not counted. */
const throttle = { throttlingRateLimit: 100, throttlingBurstLimit: 200 };

/** The WebSocket API by which runs are followed. Its function is told where to post before it is made. */
export class SocketDoor extends Construct {
  readonly url: string;
  /** Where messages to connected sockets are posted. */
  readonly callbackUrl: string;
  /** What `execute-api:ManageConnections` is granted on. */
  readonly connectionsArn: string;
  readonly #api: WebSocketApi;

  constructor(scope: Construct, id: string, { cell }: SocketDoorProps) {
    super(scope, id);
    this.#api = new WebSocketApi(this, 'Api', {
      apiName: planeName(cell, 'progress'),
      description: `Progress of runs in the cell ${cell}`,
      routeSelectionExpression: '$request.body.action',
    });
    const stage = new WebSocketStage(this, 'Stage', { webSocketApi: this.#api, stageName: cell, autoDeploy: true });
    (stage.node.defaultChild as CfnStage).defaultRouteSettings = throttle;
    this.url = stage.url;
    this.callbackUrl = stage.callbackUrl;
    this.connectionsArn = Stack.of(this).formatArn({
      service: 'execute-api',
      resource: this.#api.apiId,
      resourceName: `${cell}/*/@connections/*`,
    });
  }

  answerWith(handler: LambdaFunction): void {
    for (const route of ['$connect', '$disconnect', '$default']) {
      this.#api.addRoute(route, { integration: new WebSocketLambdaIntegration(route.slice(1), handler) });
    }
  }
}
