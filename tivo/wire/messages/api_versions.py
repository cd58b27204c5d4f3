"""ApiVersions: which APIs and versions a broker serves; the first thing that clients ask (KIP-35, KIP-511)."""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import Api, Boolean, Int16, Int32, Int64, Message, Since, Struct, Tag

API = Api(key=18, name="ApiVersions", first=0, last=4, flexible=3)


class ApiVersionsRequest(Message):
    """Asks what is served. From v3 on the client tells its own name and version."""

    api = API

    client_software_name: Annotated[str, Since(3)] = ""
    client_software_version: Annotated[str, Since(3)] = ""


class ApiVersionsResponse(Message):
    """What is served; its header has no tagged fields in any version. Features are listed by brokers that have any."""

    api = API

    error_code: Int16 = 0
    api_keys: list[ApiVersion] = []
    throttle_time_ms: Annotated[Int32, Since(1)] = 0
    supported_features: Annotated[list[SupportedFeatureKey], Since(3), Tag(0)] = []
    finalized_features_epoch: Annotated[Int64, Since(3), Tag(1)] = -1
    finalized_features: Annotated[list[FinalizedFeatureKey], Since(3), Tag(2)] = []
    zk_migration_ready: Annotated[Boolean, Since(3), Tag(3)] = False


class ApiVersion(Struct):
    """One API and the versions of it that are served, both ends included."""

    api_key: Int16 = 0
    min_version: Int16 = 0
    max_version: Int16 = 0


class SupportedFeatureKey(Struct):
    """A cluster feature and the levels of it that this broker knows."""

    name: str = ""
    min_version: Int16 = 0
    max_version: Int16 = 0


class FinalizedFeatureKey(Struct):
    """A cluster feature and the levels of it that are in force."""

    name: str = ""
    max_version_level: Int16 = 0
    min_version_level: Int16 = 0
