"""ApiVersions (18), versions 0-4: which APIs and versions are served.

Odd: a version above 4 never comes here; the wire answers it in version 0 with
UNSUPPORTED_VERSION (35) and the same list, so that the client tries again (KIP-511).

- The list names Produce from version 0 although it is served from 3 on: older librdkafka looks
  for 0 and turns compression off without a word if it is missing (KAFKA-18659).
- 3: the client tells its name and version, on which nothing depends. The response header stays
  that of version 0. No features are listed, so nobody expects newer transactions.
"""

from tivo.broker.broker import Broker, Caller
from tivo.wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse


def handle(broker: Broker, request: ApiVersionsRequest, caller: Caller) -> ApiVersionsResponse:
    return ApiVersionsResponse(api_keys=broker.apis)
