"""The plug-in's name card. It imports LocalStack's Lambda only when it is asked for, as LocalStack's own plug-ins do."""

from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor


class AlphaSwarmExecutorPlugin(RuntimeExecutorPlugin):
    """Chosen by LAMBDA_RUNTIME_EXECUTOR=alphaswarm."""

    name = "alphaswarm"

    def load(self, *_args: object, **_kwargs: object) -> type[RuntimeExecutor]:
        """Return the class that LocalStack makes one of for each of its environments."""
        from alphaswarm_localstack.executor import HostExecutor  # noqa: PLC0415

        return HostExecutor
