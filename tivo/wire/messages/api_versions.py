"""ApiVersions: TODO."""

from __future__ import annotations

from typing import Annotated

from tivo.wire.schema import Api, Boolean, Int16, Int32, Int64, Message, Since, Struct, Tag

API = Api(key=18, name="ApiVersions", first=0, last=4, flexible=3)


class ApiVersionsRequest(Message):
    """TODO."""

    api = API

    client_software_name: Annotated[str, Since(3)] = ""
    client_software_version: Annotated[str, Since(3)] = ""


class ApiVersionsResponse(Message):
    """TODO."""

    api = API

    error_code: Int16 = 0
    api_keys: list[ApiVersion] = []
    throttle_time_ms: Annotated[Int32, Since(1)] = 0
    supported_features: Annotated[list[SupportedFeatureKey], Since(3), Tag(0)] = []
    finalized_features_epoch: Annotated[Int64, Since(3), Tag(1)] = -1
    finalized_features: Annotated[list[FinalizedFeatureKey], Since(3), Tag(2)] = []
    zk_migration_ready: Annotated[Boolean, Since(3), Tag(3)] = False


class ApiVersion(Struct):
    """TODO."""

    api_key: Int16 = 0
    min_version: Int16 = 0
    max_version: Int16 = 0


class SupportedFeatureKey(Struct):
    """TODO."""

    name: str = ""
    min_version: Int16 = 0
    max_version: Int16 = 0


class FinalizedFeatureKey(Struct):
    """TODO."""

    name: str = ""
    max_version_level: Int16 = 0
    min_version_level: Int16 = 0
