"""How long the names may be by which clients speak of things: as long as Kafka's, and what the journals can keep."""

from tivo.auth.acl import Resource, ResourceType
from tivo.broker.refusal import Refusal
from tivo.wire.error_codes import ErrorCode

LONGEST_ID_BYTES = 32_767
"""Of a group or a transactional id, as of every string in the journals: flexible versions let clients send more."""

LONGEST_NAME_BYTES = 249
"""Of a topic, and of what else clients give a name: Kafka's own clients stop there."""

_LONGEST = {
    ResourceType.TOPIC: (LONGEST_NAME_BYTES, ErrorCode.INVALID_TOPIC_EXCEPTION),
    ResourceType.GROUP: (LONGEST_ID_BYTES, ErrorCode.INVALID_GROUP_ID),
    ResourceType.TRANSACTIONAL_ID: (LONGEST_ID_BYTES, ErrorCode.INVALID_REQUEST),
}


def size_of(name: str) -> int:
    """Bytes of a name in UTF-8."""
    return len(name) if name.isascii() else len(name.encode())


def error_of(resource: Resource) -> ErrorCode:
    """What a client is told that names something at too great a length; NONE for any other."""
    longest, error = _LONGEST.get(resource.type, (LONGEST_NAME_BYTES, ErrorCode.INVALID_REQUEST))
    return error if size_of(resource.name) > longest else ErrorCode.NONE


def check(resource: Resource) -> None:
    """Raises Refusal where the name is too long for anything that there can be."""
    if error := error_of(resource):
        kind = resource.type.name.lower().replace("_", " ")
        raise Refusal(
            error, f"the name of a {kind} has {size_of(resource.name)} bytes, it begins with {resource.name[:50]!r}"
        )
