"""What the interface asks of a request that JSON Schema cannot say, added to requests that fit their schema.

Nothing here makes a request easier to accept where the schema could have said it, and requests that are meant to be
refused go out as they were made: a value that does not fit is left alone.
"""

import base64
import datetime
import hashlib
import json
import os
import re
import urllib.parse
import urllib.request

import schemathesis
from hypothesis import strategies as st

UTC = datetime.timezone.utc
NOW = datetime.datetime.now(UTC)
INBOX = os.environ["SCHEMATHESIS_INBOX"]
PAYLOADS = json.loads(os.environ["SCHEMATHESIS_PAYLOADS"])

# Cursors are opaque, so none can be made by looking at the schema: these are such as pages end with.
_days = st.dates(min_value=(NOW - datetime.timedelta(days=40)).date(), max_value=NOW.date()).map(str)
_instants = st.integers(min_value=0, max_value=int(NOW.timestamp() * 1000))


def _run_cursor(day, before):
    position = {"day": day} if before is None else {"day": day, "before": f"{before:015}"}
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def _audit_cursor(at_ms, seq):
    return base64.b64encode(urllib.parse.quote(f"{at_ms:015}#writer#{seq:09}", safe="").encode()).decode()


_tags = st.from_regex(r"\"[A-Za-z0-9_.:-]{1,64}\"", fullmatch=True)
schemathesis.openapi.format("etag", st.just("*") | _tags)
schemathesis.openapi.format("frame-position", st.integers(0, 999).map(str))
schemathesis.openapi.format("run-cursor", st.builds(_run_cursor, _days, st.none() | _instants))
schemathesis.openapi.format("audit-cursor", st.builds(_audit_cursor, _instants, st.integers(0, 9)))


@schemathesis.hook
def before_call(_context, case, **_kwargs):
    """The one place where requests are changed; those that are meant to be refused go out as they were made."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    operation = case.operation.definition.raw.get("operationId", "")
    body = case.body if isinstance(case.body, dict) else {}
    if operation == "startRun":
        soon(body)
        reachable(body.get("callback"))
        reachable(body.get("payload"))
        upload(body)
    if operation == "verifyAudit":
        in_order(case.query or {})
    if operation == "followRun":
        briefly(case.query or {})
    one_key_a_request(case)


def soon(body):
    """`notBefore` is at most 30 days ahead."""
    if FITS_TIME.fullmatch(str(body.get("notBefore", ""))) and body["notBefore"] > stamp(days=29):
        body["notBefore"] = stamp(days=29)


FITS_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z", re.ASCII)


def stamp(days):
    return (NOW + datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def reachable(holder):
    """An address as browsers read it, of a host that can be: `uri` of JSON Schema takes ports and hosts that cannot."""
    if not isinstance(holder, dict) or "secret" not in holder or "url" not in holder:
        return
    match = ADDRESS.fullmatch(holder["url"])
    if match and not HOST.fullmatch(match["host"]):
        holder["url"] = f"{match['scheme']}localhost{match['rest']}"


ADDRESS = re.compile(r"(?P<scheme>https?://)(?P<host>[^/?#]*)(?P<rest>.*)", re.DOTALL)
HOST = re.compile(r"[a-z][a-z0-9]{0,30}(?:\.[a-z][a-z0-9]{0,30})*", re.ASCII)


def upload(body):
    """A file lies where `payloadPath` says, and it is what the task takes: else there is nothing to start with."""
    path, task = body.get("payloadPath"), body.get("task")
    if task not in PAYLOADS or not isinstance(path, str) or not FITS_PATH.fullmatch(path) or "payload" in body:
        return
    data = json.dumps(PAYLOADS[task]).encode()
    url = f"{INBOX}/{urllib.parse.quote(path)}"
    headers = {"content-type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(url, data=data, headers=headers, method="PUT")).read()


FITS_PATH = re.compile(r"(?!.*(?:^|/)\.{0,2}(?:/|$))\w[\w !&'()+,./:;=@-]{0,511}", re.ASCII)


def in_order(query):
    """The hours of an audit come in order, and are at most a month: said of two parameters at once."""
    given = {name: query[name] for name in ("from", "to") if FITS_HOUR.fullmatch(str(query.get(name, "")))}
    if not given or set(given) != set(query):
        return
    end = hour_of(given.get("to", NOW.strftime(HOUR)))
    begin = hour_of(given["from"]) if "from" in given else end
    if end - datetime.timedelta(days=20) <= begin <= end:
        return
    query["from"] = given["from"]
    query["to"] = (begin + datetime.timedelta(days=1)).strftime(HOUR)


HOUR = "%Y-%m-%dT%H"
FITS_HOUR = re.compile(r"2\d{3}-\d\d-\d\dT\d\d", re.ASCII)


def hour_of(text):
    return datetime.datetime.strptime(text, HOUR).replace(tzinfo=UTC)


def briefly(query):
    """Nobody works on most runs here, and to wait 20 s for their frames would be most of the time there is."""
    if query.get("wait") in WAITS:
        query["wait"] = 1


WAITS = [*range(2, 21), *map(str, range(2, 21))]


def one_key_a_request(case):
    """A key names one request: the same key for the same request, which is then replayed, and another for another."""
    headers = case.headers or {}
    if not FITS_KEY.fullmatch(str(headers.get("Idempotency-Key", ""))):
        return
    asked = [case.method, case.formatted_path, case.query, case.body, headers.get("If-Match")]
    headers["Idempotency-Key"] = hashlib.sha256(json.dumps(asked, default=str).encode()).hexdigest()[:40]


FITS_KEY = re.compile(r"(?!\.)[A-Za-z0-9_.:@-]{1,64}")
