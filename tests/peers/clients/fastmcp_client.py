"""fastmcp, which raises a refusal as `ToolError`; its text is what the model is shown."""

import walk
from fastmcp import Client
from fastmcp.exceptions import ToolError


async def main() -> None:
    url, secret = walk.arguments()
    async with Client(url, timeout=walk.WALK_SECS) as session:

        async def list_tools() -> list[str]:
            return [tool.name for tool in await session.list_tools()]

        async def call_tool(name: str, arguments: dict) -> tuple[bool, str]:
            try:
                result = await session.call_tool(name, arguments)
            except ToolError as refusal:
                return True, str(refusal)
            return bool(result.is_error), walk.shown(result.content, result.structured_content)

        await walk.walk("fastmcp", str(session.session.protocol_version), list_tools, call_tool, secret)


if __name__ == "__main__":
    walk.run(main)
