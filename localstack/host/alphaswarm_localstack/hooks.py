"""What is done once, while LocalStack starts."""

from localstack.runtime import hooks


@hooks.on_infra_start(name="alphaswarm")
def attach() -> None:
    """Attach the tables and the look into queues."""
    from localstack.services.edge import ROUTER  # noqa: PLC0415

    from alphaswarm_localstack.queues import QueueRoutes  # noqa: PLC0415
    from alphaswarm_localstack.tables import use_outside_tables  # noqa: PLC0415

    use_outside_tables()
    ROUTER.add(QueueRoutes())
