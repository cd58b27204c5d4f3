"""The HTTP API, one file per resource; `docs/reference/http.md` lists the endpoints."""
