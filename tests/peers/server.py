"""A small real tool server, to try the clients without the gate:

    .tools/peers/py2/bin/python tests/peers/server.py 8000
    .tools/peers/py2/bin/python tests/peers/clients/py_modern.py http://127.0.0.1:8000/mcp SECRET
"""

import sys

from mcp.server import MCPServer

server = MCPServer("trial-tools", version="1.0.0", log_level="WARNING")


@server.tool()
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"It is sunny in {city}."


@server.tool()
def delete_branch(branch: str) -> str:
    """Deletes a branch."""
    return f"Deleted {branch}."


@server.tool()
def echo(text: str) -> str:
    """Says it again."""
    return text


if __name__ == "__main__":
    server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
