"""
Puts the local plane's DynamoDB (dynalite) behind LocalStack's.

LocalStack would fetch DynamoDB Local, which needs Java and listens on every interface. Everything of LocalStack's
provider but the store itself stays: keys, tags, time to live, point-in-time recovery.
"""

import os
import socket

from localstack.services.dynamodb.server import DynamodbServer


class OutsideServer(DynamodbServer):
    """A server that somebody else has started and will end."""

    def start_dynamodb(self) -> bool:
        """Look whether it is there. Raises OSError when it is not: then the first call to DynamoDB fails."""
        socket.create_connection((self.host, self.port), timeout=5).close()
        return True

    def stop_dynamodb(self) -> None:
        """Leave it to whoever has started it."""


def use_outside_tables() -> None:
    """Replace the server that LocalStack would start."""
    server = OutsideServer(port=int(os.environ["ALPHASWARM_DYNAMODB_PORT"]), host="127.0.0.1")
    DynamodbServer.get = staticmethod(lambda: server)  # type: ignore[method-assign]
