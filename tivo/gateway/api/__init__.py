"""The HTTP API, one file per resource; `docs/reference/http-api.md` lists the endpoints."""
