from typing import Any

from starlette.routing import Route

from tests.support.gateway_app import GatewayApp


async def document() -> dict[str, Any]:
    async with GatewayApp().client() as http:
        answer: dict[str, Any] = (await http.get("/openapi.json")).json()
    return answer


def referenced(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if "$ref" in part else []
        return own + [each for value in part.values() for each in referenced(value)]
    return [each for value in part for each in referenced(value)] if isinstance(part, list) else []


async def test_every_route_of_the_api_is_documented() -> None:
    told = {(path, method) for path, methods in (await document())["paths"].items() for method in methods}
    gateway = GatewayApp()
    routes = [route for route in gateway.app.routes if isinstance(route, Route)]  # type: ignore[attr-defined]
    hot = {
        (route.path, method.lower())
        for route in routes
        for method in route.methods or ()
        if method != "HEAD" and not route.path.startswith("/ws")
    }

    assert hot <= told
    assert {"/v1/topics", "/v1/topics/{topic}", "/v1/topics/{topic}/overview"} <= {path for path, _ in told}


async def test_it_is_openapi_3_1_and_every_reference_leads_somewhere() -> None:
    told = await document()

    assert told["openapi"].startswith("3.1")
    for reference in referenced(told):
        at = told
        for part in reference.removeprefix("#/").split("/"):
            at = at[part]


async def test_every_operation_tells_how_it_refuses() -> None:
    for path, methods in (await document())["paths"].items():
        if path.startswith("/v1"):
            for operation in methods.values():
                assert "application/problem+json" in operation["responses"]["default"]["content"]


async def test_every_operation_tells_what_it_asks_for() -> None:
    told = await document()
    schemes = told["components"]["securitySchemes"]
    asked = {
        (method, path): (operation["security"], operation.get("x-tivo-scope"))
        for path, methods in told["paths"].items()
        for method, operation in methods.items()
    }

    assert {"token", "cookie", "ticket"} == schemes.keys()
    assert "bearer" == schemes["token"]["scheme"]
    assert ([], None) == asked["get", "/livez"] == asked["post", "/v1/login"]
    assert ([{"token": []}, {"cookie": []}], "write:{topic}") == asked["post", "/v1/topics/{topic}/records"]
    assert ([{"token": []}, {"cookie": []}, {"ticket": []}], "read:{topic}") == asked["get", "/v1/topics/{topic}/tail"]
    assert ["read in some topic", "any token", "read"] == [
        asked[each][1] for each in (("get", "/v1/topics"), ("post", "/v1/tickets"), ("get", "/metrics"))
    ]
