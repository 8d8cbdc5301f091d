"""The Python SDK's first line, whose session dies of any HTTP error on a call."""

from datetime import timedelta

import walk
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client


async def main() -> None:
    url, secret = walk.arguments()
    async with streamable_http_client(url) as (read, write, _):
        async with ClientSession(read, write, read_timeout_seconds=timedelta(seconds=walk.WALK_SECS)) as session:
            opened = await session.initialize()

            async def list_tools() -> list[str]:
                return [tool.name for tool in (await session.list_tools()).tools]

            async def call_tool(name: str, arguments: dict) -> tuple[bool, str]:
                result = await session.call_tool(name, arguments)
                return bool(result.isError), walk.shown(result.content, result.structuredContent)

            await walk.walk("py_v1", str(opened.protocolVersion), list_tools, call_tool, secret)


if __name__ == "__main__":
    walk.run(main)
