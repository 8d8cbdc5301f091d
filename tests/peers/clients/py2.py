"""The Python SDK's second line, in the generation that `mode` names."""

import walk
from mcp import Client


async def take(client: str, mode: str) -> None:
    """One walk; `mode` is the SDK's own word."""
    url, secret = walk.arguments()
    async with Client(url, mode=mode, read_timeout_seconds=walk.WALK_SECS) as session:

        async def list_tools() -> list[str]:
            return [tool.name for tool in (await session.list_tools()).tools]

        async def call_tool(name: str, arguments: dict) -> tuple[bool, str]:
            result = await session.call_tool(name, arguments)
            return bool(result.is_error), walk.shown(result.content, result.structured_content)

        await walk.walk(client, session.protocol_version, list_tools, call_tool, secret)
