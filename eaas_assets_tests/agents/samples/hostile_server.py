"""A web server that misbehaves, by the message that it is sent. A program of its own: its floods are not our memory.

Prints its port and serves until its standard input ends.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import struct
import sys
from collections.abc import Awaitable, Callable

Writer = asyncio.StreamWriter
MIB = 1024 * 1024
OK = b'{"answer": {"ok": true}}'


def head(status: str = "200 OK", **headers: object) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def whole(body: bytes, status: str = "200 OK", **headers: object) -> Callable[[Writer], Awaitable[None]]:
    async def send(writer: Writer) -> None:
        writer.write(head(status, Content_Length=len(body), **headers) + body)
        await writer.drain()

    return send


def raw(data: bytes) -> Callable[[Writer], Awaitable[None]]:
    async def send(writer: Writer) -> None:
        writer.write(data)
        await writer.drain()

    return send


async def gigabyte(writer: Writer) -> None:
    writer.write(head(Transfer_Encoding="chunked"))
    for _ in range(1024):
        writer.write(b"100000\r\n" + b"x" * MIB + b"\r\n")
        await writer.drain()


async def drip(writer: Writer) -> None:
    writer.write(head(Content_Length=100_000))
    for _ in range(1000):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def drip_headers(writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _ in range(1000):
        writer.write(b"z")
        await writer.drain()
        await asyncio.sleep(0.02)


async def header_flood(writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(10_000_000):
        writer.write(b"X-%d: %s\r\n" % (number, b"y" * 1000))
        await writer.drain()


async def endless_line(writer: Writer) -> None:
    while True:
        writer.write(b"x" * MIB)
        await writer.drain()


async def early_hints(writer: Writer) -> None:
    for _ in range(1_000_000):
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        await writer.drain()


async def never(writer: Writer) -> None:
    await asyncio.sleep(3600)


async def reset(writer: Writer) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def reset_midway(writer: Writer) -> None:
    writer.write(head(Content_Length=1000) + b"half")
    await writer.drain()
    await asyncio.sleep(0.05)
    await reset(writer)


async def hang_up(writer: Writer) -> None:
    """Closes without a word."""


BEHAVIOURS: dict[str, Callable[[Writer], Awaitable[None]]] = {
    "fine": whole(OK),
    "gigabyte": gigabyte,
    "announced_gigabyte": raw(head(Content_Length=10**9) + b"x" * 1000),
    "endless_announcement": raw(head(Content_Length="9" * 15) + b"x" * 1000),
    "gzip_bomb": whole(gzip.compress(b"0" * 256 * MIB, 1), Content_Encoding="gzip"),
    "storm_429": whole(b"slow down", "429 Too Many Requests", Retry_After="0"),
    "storm_503": whole(b"overloaded", "503 Service Unavailable"),
    "come_back_tomorrow": whole(b"", "429 Too Many Requests", Retry_After="86400"),
    "senseless_retry_after": whole(b"", "503 Service Unavailable", Retry_After="nan"),
    "reset": reset,
    "reset_midway": reset_midway,
    "hang_up": hang_up,
    "drip": drip,
    "drip_headers": drip_headers,
    "never": never,
    "header_flood": header_flood,
    "endless_line": endless_line,
    "early_hints": early_hints,
    "invalid_json": whole(b'{"answer": {'),
    "nothing": whole(b""),
    "no_content": raw(head("204 No Content")),
    "error_page": whole(b"<!doctype html><title>Bad Gateway</title>", Content_Type="text/html"),
    "server_error": whole(b"<h1>oh no</h1>" * 1000, "500 Internal Server Error"),
    "wrong_types": whole(b'{"answer": 5, "confidence": "high"}'),
    "a_list": whole(b"[1, 2, 3]"),
    "nan": whole(b'{"answer": {"share": NaN}}'),
    "infinite": whole(b'{"answer": {"share": 1e999}}'),
    "endless_number": whole(b'{"answer": {"share": ' + b"9" * 10_000 + b"}}"),
    "half_a_character": whole(b'{"answer": {"text": "\\ud800"}}'),
    "bad_utf8": whole(b'{"answer": {"text": "\xff\xfe"}}'),
    "deep": whole(b'{"answer": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"),
    "deep_but_parsable": whole(b'{"answer": {"a": ' + b"[" * 500 + b"]" * 500 + b"}}"),
    "redirect": whole(b"", "307 Temporary Redirect", Location="http://169.254.169.254/latest/meta-data/"),
    "redirect_nowhere": whole(b"", "302 Found", Location="http://[::bad/"),
    "short_body": raw(head(Content_Length=1000) + OK),
    "negative_length": raw(head(Content_Length=-5) + OK),
    "two_lengths": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n" + OK),
    "not_http": raw(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "upgrade": raw(head("101 Switching Protocols", Upgrade="websocket", Connection="Upgrade")),
    "strange_status": raw(head("999 What", Content_Length=0)),
    "cookies": whole(OK, Set_Cookie="a=b; Max-Age=x; Domain=.example.com; \x01"),
}


async def serve(reader: asyncio.StreamReader, writer: Writer) -> None:
    try:
        headers = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in headers.split(b"\r\n") if line.lower().startswith(b"content-length")
        )
        body = json.loads(await reader.readexactly(length))
        message = body["message"] if "message" in body else body["messages"][0]["content"]
        await BEHAVIOURS[message](writer)
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=256)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
