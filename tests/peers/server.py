"""A tool server of the Python SDK: the demonstration's tools, as somebody else's server has them.

It speaks both generations at `/mcp`, counts at `/_seen` which tools were reached, and says on its
first line where it listens. To try a client without the gate:

    .tools/peers/py2/bin/python tests/peers/server.py
    .tools/peers/py2/bin/python tests/peers/clients/py_modern.py http://127.0.0.1:PORT/mcp SECRET
"""

import socket
from collections import Counter

import uvicorn
from mcp.server import MCPServer
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse

server = MCPServer("outside-tools", version="1.0.0", log_level="WARNING")
seen: Counter[str] = Counter()


class Customer(BaseModel):
    """Made up; the number is the card schemes' own for tests."""

    id: str
    name: str = "Ada Byron"
    email: str = "ada.byron@customers.example"
    card: str = "4111 1111 1111 1111"


@server.tool()
def get_weather(city: str) -> str:
    """Tells the weather of a city."""
    seen["get_weather"] += 1
    return f"It is sunny in {city}."


@server.tool()
def delete_branch(branch: str) -> str:
    """Deletes a branch of the repository, for good."""
    seen["delete_branch"] += 1
    return f"branch `{branch}` deleted"


@server.tool()
def echo(text: str) -> str:
    """Says the text back."""
    seen["echo"] += 1
    return text


@server.tool()
def read_customer(id: str) -> Customer:
    """Reads a customer's record from the shop's books."""
    seen["read_customer"] += 1
    return Customer(id=id)


@server.custom_route("/_seen", methods=["GET"])
async def show(_: Request) -> JSONResponse:
    return JSONResponse({"tools": seen})


def main() -> None:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
    app = server.streamable_http_app()
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


if __name__ == "__main__":
    main()
