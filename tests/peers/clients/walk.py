"""The walk that every Python client takes, and the one line it prints at the end.

Each client script brings two functions of its own SDK: one lists the tools' names, one calls a
tool and answers `(is_error, text)`, where `text` is what a model or an application is given.
"""

import asyncio
import json
import sys
import traceback
from typing import Awaitable, Callable

# The whole walk, however the gate or the server behaves.
WALK_SECS = 60

ListTools = Callable[[], Awaitable[list[str]]]
CallTool = Callable[[str, dict], Awaitable[tuple[bool, str]]]


def arguments() -> tuple[str, str]:
    """The endpoint's URL and the made-up secret, from the command line."""
    if len(sys.argv) != 3:
        sys.exit(f"usage: {sys.argv[0]} URL SECRET")
    return sys.argv[1], sys.argv[2]


def shown(content: list, structured: object = None) -> str:
    """The text parts of a result, as a model would read them, and its structured twin.

    The twin of a bare text is that text again, and is left out.
    """
    texts = [part.text for part in content if getattr(part, "text", None) is not None]
    if isinstance(structured, dict) and list(structured) != ["result"]:
        texts.append(json.dumps(structured))
    return "\n".join(texts)


async def walk(client: str, protocol: str, list_tools: ListTools, call_tool: CallTool, secret: str) -> None:
    """List, an allowed call, a denied call, the allowed call again; then a secret each way."""

    async def works(name: str, arguments: dict) -> str:
        is_error, text = await call_tool(name, arguments)
        if is_error:
            raise RuntimeError(f"`{name}` should work, but the model sees: {text}")
        return text

    tools = await list_tools()
    allowed = await works("get_weather", {"city": "Oslo"})
    is_error, denied = await call_tool("delete_branch", {"branch": "main"})
    print(f"the model sees: {denied}", file=sys.stderr)
    again = await works("get_weather", {"city": "Bergen"})
    redacted = await works("echo", {"text": f"before {secret} after"})
    customer = await works("read_customer", {"id": "c-1001"})
    line = {
        "client": client,
        "protocol": protocol,
        "tools": tools,
        "allowed": allowed,
        "denied": {"is_error": is_error, "text": denied},
        "again": again,
        "redacted": redacted,
        "customer": customer,
    }
    print(json.dumps(line), flush=True)


def run(main: Callable[[], Awaitable[None]]) -> None:
    """Runs the walk to its end or its deadline; a traceback on standard error when it fails."""
    try:
        asyncio.run(asyncio.wait_for(main(), WALK_SECS))
    except TimeoutError:
        sys.exit(f"the walk did not end within {WALK_SECS} s")
    except BaseException:  # a dead session ends as a cancellation, which is no Exception
        traceback.print_exc()
        sys.exit(1)
