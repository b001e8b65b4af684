"""What is done once, while LocalStack starts."""

import sys

from localstack.runtime import hooks


@hooks.on_infra_start(name="alphaswarm")
def attach() -> None:
    """Attach the tables and the look into queues."""
    import jsonpath_ng  # noqa: PLC0415
    from localstack.services.edge import ROUTER  # noqa: PLC0415

    from alphaswarm_localstack.queues import QueueRoutes  # noqa: PLC0415
    from alphaswarm_localstack.tables import use_outside_tables  # noqa: PLC0415

    # LocalStack asks for the package's old name, which exists as a source archive only. Same author, same calls.
    sys.modules.setdefault("jsonpath_rw", jsonpath_ng)
    use_outside_tables()
    ROUTER.add(QueueRoutes())
