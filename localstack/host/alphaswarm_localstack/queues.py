"""
A look into LocalStack's queues without receiving from them, and a way to let time pass for them.

The local plane's clock jumps only when no queue holds work, and hidden messages must keep its time. SQS itself tells
neither who holds a message nor when it comes back.
"""

import json
import time
from collections.abc import Iterable

from localstack.http import Request, Response, route
from localstack.services.sqs.models import SqsMessage, SqsQueue, sqs_stores

# SqsQueue.receive takes a message out of the heap and only then notes it as in flight: a second look finds what the first
# missed in between.
SECOND_LOOK_SECONDS = 0.002


def queues() -> Iterable[SqsQueue]:
    """Return every queue of every account and region."""
    for _account, _region, store in sqs_stores.iter_stores():
        yield from list(store.queues.values())


def state_of(queue: SqsQueue) -> dict[str, object]:
    """Return what waits, is delayed, is in flight, and when the next of these comes back, once what is due has come."""
    with queue.mutex:
        queue.requeue_inflight_messages()
        queue.enqueue_delayed_messages()
        in_flight = list(queue.inflight)
        delayed = list(queue.delayed)
        # Younger receipts of a message replace older ones.
        handles = {message: handle for handle, message in queue.receipts.items() if message in queue.inflight}
        returns = [m.visibility_deadline for m in in_flight if m.visibility_deadline]
        returns += [m.created + (m.delay_seconds or 0) for m in delayed]
        return {
            "visible": queue.approximate_number_of_messages,
            "delayed": len(delayed),
            "inFlight": len(in_flight),
            "handles": list(handles.values()),
            "nextReturnMs": round(min(returns) * 1000) if returns else None,
        }


def hurry(message: SqsMessage, seconds: float) -> None:
    """Let a hidden or delayed message come back sooner."""
    if message.visibility_deadline is not None:
        message.visibility_deadline -= seconds
    if message.delay_seconds:
        message.delay_seconds -= seconds  # type: ignore[assignment]


class QueueRoutes:
    """Routes of LocalStack's own gateway, so that nothing else has to listen."""

    @route("/_alphaswarm/queues", methods=["GET"])
    def look(self, _request: Request) -> Response:
        """Return the state of each queue by its name."""
        first = {queue.name: state_of(queue) for queue in queues()}
        if any(state["visible"] or state["inFlight"] for state in first.values()):
            return answer(first)
        time.sleep(SECOND_LOOK_SECONDS)
        return answer({queue.name: state_of(queue) for queue in queues()})

    @route("/_alphaswarm/queues/pass", methods=["POST"])
    def pass_time(self, request: Request) -> Response:
        """Let `byMs` pass for every hidden or delayed message."""
        seconds = float(request.get_json()["byMs"]) / 1000
        for queue in queues():
            with queue.mutex:
                for message in [*queue.inflight, *queue.delayed]:
                    hurry(message, seconds)
        return answer({})


def answer(body: dict[str, object]) -> Response:
    """Return a body as JSON."""
    return Response(json.dumps(body), mimetype="application/json")
