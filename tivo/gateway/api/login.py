"""`/v1/login`: a token in, a cookie out that no script can read; who is logged in; and out again."""

import msgspec
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tivo.gateway.admission import Admission
from tivo.gateway.bodies import read_body
from tivo.gateway.credentials import Credential, Way, cookie, credential_of, forgetting
from tivo.gateway.parameters import bad
from tivo.gateway.problems import Problem
from tivo.gateway.sessions import address_of
from tivo.gateway.stay import Stay

MAX_BODY = 4_096
_NO_STORE = {"Cache-Control": "no-store"}


class _Login(msgspec.Struct, forbid_unknown_fields=True):
    token: str


def routes(admission: Admission) -> list[Route]:
    """To log in, to ask who is, and to log out."""

    async def show(request: Request) -> Response:
        credential = credential_of(request.scope, takes_ticket=False)
        if not admission.asks or credential is None:
            return _shown(admission, None)
        try:
            return _shown(admission, await admission.admit(credential, None, address=address_of(request.scope)))
        except Problem as problem:
            raise forgetting(problem, request.scope) from None

    async def log_in(request: Request) -> Response:
        token = await _token(request)
        if not admission.asks:
            raise Problem(409, "no_login", "this gateway asks nobody who he is: there is nothing to log in to")
        stay = await admission.admit(Credential(Way.HEADER, token), None, address=address_of(request.scope))
        return _shown(admission, stay, set_cookie=_cookie(request, token))

    async def log_out(request: Request) -> Response:
        return Response(status_code=204, headers={**_NO_STORE, "Set-Cookie": _cookie(request, "")})

    return [
        Route("/v1/login", show, methods=["GET"]),
        Route("/v1/login", log_in, methods=["POST"]),
        Route("/v1/login", log_out, methods=["DELETE"]),
    ]


async def _token(request: Request) -> str:
    """The token in the body. Nothing of a body is ever told back: it may be a token in the wrong place."""
    try:
        return msgspec.json.decode(await read_body(request, at_most=MAX_BODY), type=_Login).token.strip()
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise bad("bad_json", "token", 'the body is not {"token": "…"}') from None


def _shown(admission: Admission, stay: Stay | None, *, set_cookie: str | None = None) -> Response:
    told = {
        "asks": admission.asks,
        "user": stay.bearer.principal.name if stay else None,
        "scopes": [f"{each.permit}:{each.prefix}" if each.prefix else each.permit for each in stay.bearer.scopes]
        if stay
        else [],
    }
    headers = _NO_STORE if set_cookie is None else {**_NO_STORE, "Set-Cookie": set_cookie}
    return Response(orjson.dumps(told), headers=headers, media_type="application/json")


def _cookie(request: Request, token: str) -> str:
    """Marked as secure where the page came by TLS, be it that a proxy in front has taken that off."""
    is_secure = request.url.scheme == "https" or request.headers.get("origin", "").startswith("https:")
    return cookie(request.headers.get("host", ""), token, secure=is_secure)
