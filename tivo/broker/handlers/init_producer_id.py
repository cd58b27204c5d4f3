"""InitProducerId (22), versions 0-4: a producer id for an idempotent producer.

Odd: CLUSTER_AUTHORIZATION_FAILED (31) for whoever may not WRITE to any topic, nor IDEMPOTENT_WRITE to the
cluster (KIP-679); a transactional id gets TRANSACTIONAL_ID_AUTHORIZATION_FAILED (53), a final error in all
clients: transactions are not served, and nobody may use them.

- Ids are 62 random bits: they need no memory to be unique, and 10 million of them meet with a
  probability of 10⁻⁵. The epoch is always 0.
- 3: a producer that names its former id and epoch gets a new id, as with Kafka.
"""

from secrets import randbits

from tivo.auth import acl
from tivo.auth.acl import Operation, ResourceType
from tivo.broker.broker import Broker, Caller
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse

ID_BITS = 62


def handle(broker: Broker, request: InitProducerIdRequest, caller: Caller) -> InitProducerIdResponse:
    if request.transactional_id is not None:
        return InitProducerIdResponse(error_code=ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    if not broker.authorizer.may_some(caller, Operation.WRITE, ResourceType.TOPIC):
        error = broker.authorizer.error(caller, Operation.IDEMPOTENT_WRITE, acl.CLUSTER)
        if error:
            return InitProducerIdResponse(error_code=error)
    return InitProducerIdResponse(producer_id=randbits(ID_BITS))
