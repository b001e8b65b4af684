"""
Hands every invocation to AlphaSwarm's Lambda host (local/lambda-host.ts) over loopback HTTP.

There is one implementation of Lambda's behaviour in this project, and it is not here: environments, time-outs, freezing
and log lines are the host's. An executor is therefore no process but a name under which LocalStack counts concurrency.
"""

import json
import os
import urllib.request
from typing import Any

from localstack import config
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

LOOPBACK = "127.0.0.1"
# Beyond a function's own time-out, which the host enforces: a cold start, and a queue of invocations on a busy machine.
PATIENCE_SECONDS = 60


def ask(method: str, path: str, body: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
    """Ask the host. Raises urllib.error.HTTPError for what it refuses: then the deployment or the invocation fails."""
    url = os.environ["ALPHASWARM_LAMBDA_HOST"] + path
    data = json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"}, method=method)  # noqa: S310
    with urllib.request.urlopen(request, timeout=timeout_seconds) as response:  # noqa: S310
        return json.loads(response.read())


class HostExecutor(RuntimeExecutor):
    """One of LocalStack's environments: it has no process of its own."""

    def start(self, env_vars: dict[str, str]) -> None:
        """Do nothing: the host starts an environment when it has an invocation for it."""

    def stop(self) -> None:
        """Do nothing: the host's environments live as long as the host."""

    def get_address(self) -> str:
        """Functions run on this machine."""
        return LOOPBACK

    def get_endpoint_from_executor(self) -> str:
        """LocalStack does, too."""
        return LOOPBACK

    def get_runtime_endpoint(self) -> str:
        """Nobody calls back: the answer comes with the request."""
        return f"http://{LOOPBACK}:{config.GATEWAY_LISTEN[0].port}"

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        """Run the function once, and wait for it."""
        version = self.function_version
        request_id = payload["invoke-id"]
        event = json.loads(payload["payload"] or "null")
        answer = ask(
            "POST",
            f"/functions/{version.id.function_name}/invocations",
            {"requestId": request_id, "event": event},
            version.config.timeout + PATIENCE_SECONDS,
        )
        return InvocationResult(
            request_id=request_id,
            payload=json.dumps(answer["payload"]).encode(),
            is_error=answer["isError"],
            logs=answer["logs"],
            executed_version=version.id.qualifier,
        )

    def get_logs(self) -> str:
        """Lines come with each answer."""
        return ""

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        """Unpack the code that was deployed, and tell the host of the function as CloudFormation made it."""
        version_config = function_version.config
        if version_config.code is None:
            message = f"{function_version.id.function_name} is a container image; deploy it as a zip, or leave it out."
            raise ValueError(message)
        version_config.code.prepare_for_execution()
        function = {
            "arn": function_version.id.unqualified_arn(),
            "handler": version_config.handler,
            "runtime": version_config.runtime,
            "timeoutSeconds": version_config.timeout,
            "memoryMb": version_config.memory_size,
            "codeDir": str(version_config.code.get_unzipped_code_location()),
            "variables": version_config.environment or {},
            "logGroup": version_config.logging_config.get("LogGroup"),
        }
        ask("PUT", f"/functions/{function_version.id.function_name}", function, PATIENCE_SECONDS)

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        """Do nothing: a plane lives for one deployment."""
