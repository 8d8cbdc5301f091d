"""The official Python client at a NATS JetStream server: makes a stream, reads it, and does what
nobody should. Prints one JSON document."""

import asyncio
import json
import os
import ssl
import sys

import nats
from nats.js.api import StorageType, StreamConfig
from nats.js.errors import APIError

URL, STREAM, SUBJECT = (os.environ[name] for name in ("NATS_URL", "NATS_STREAM", "NATS_SUBJECT"))


async def connect():
    options = {"allow_reconnect": False, "connect_timeout": 10}
    tls = ssl.create_default_context(cafile=os.environ["NATS_CA"])
    tls.load_cert_chain(os.environ["NATS_CERTIFICATE"], os.environ["NATS_KEY"])
    options["tls"] = tls
    if os.environ["NATS_USER"]:
        options |= {"user": os.environ["NATS_USER"], "password": os.environ["NATS_SECRET"]}
    else:
        options["token"] = os.environ["NATS_SECRET"]
    return await nats.connect(URL, **options)


async def make(stream, window):
    config = StreamConfig(
        name=STREAM,
        subjects=[SUBJECT],
        storage=StorageType.FILE,
        duplicate_window=float(window),
    )
    await stream.add_stream(config)
    return True


async def read(stream):
    state = (await stream.stream_info(STREAM)).state
    messages = []
    for number in range(state.first_seq, state.last_seq + 1):
        try:
            message = await stream.get_msg(STREAM, number)
        except APIError as error:
            if error.err_code == 10037:  # It was deleted.
                continue
            raise
        messages.append(
            {
                "number": message.seq,
                "id": (message.headers or {}).get("Nats-Msg-Id"),
                "text": message.data.decode(),
            }
        )
    return messages


async def offer(stream, text, *headers):
    """What the broker says to a message."""
    headers = dict(header.split("=", 1) for header in headers)
    try:
        taken = await stream.publish(SUBJECT, text.encode(), headers=headers)
    except APIError as error:
        return {"refused": error.err_code, "why": error.description}
    return {"number": taken.seq, "duplicate": bool(taken.duplicate)}


async def delete(stream, number):
    return await stream.delete_msg(STREAM, int(number))


async def purge(stream):
    return await stream.purge_stream(STREAM)


async def main():
    name, *arguments = sys.argv[1:]
    client = await connect()
    act = {"make": make, "read": read, "offer": offer, "delete": delete, "purge": purge}[name]
    print(json.dumps(await act(client.jetstream(), *arguments)))
    await client.close()


asyncio.run(asyncio.wait_for(main(), 60))
