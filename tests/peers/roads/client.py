"""One GET by the library named; says the status and the body, and fails when it is refused.

Usage: client.py LIBRARY URL
"""
import asyncio
import sys
import urllib.error
import urllib.request

library, url = sys.argv[1:]


def by_urllib():
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.read().decode()


def by_requests():
    import requests

    answer = requests.get(url, timeout=30)
    return answer.status_code, answer.text


def by_httpx():
    import httpx

    answer = httpx.get(url, timeout=30)
    return answer.status_code, answer.text


def by_aiohttp(**how):
    import aiohttp

    async def ask():
        async with aiohttp.ClientSession(**how) as session, session.get(url) as answer:
            return answer.status, await answer.text()

    return asyncio.run(ask())


ways = {
    "urllib": by_urllib,
    "requests": by_requests,
    "httpx": by_httpx,
    "aiohttp": by_aiohttp,
    "aiohttp-env": lambda: by_aiohttp(trust_env=True),
}
status, body = ways[library]()
print(status, body)
sys.exit(status >= 400)
