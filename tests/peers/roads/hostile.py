"""Tries one way past a gate that the kernel leads to, as a script that knows its way about would.

Usage: hostile.py WAY   (without one: the ways' names). It says `sent`, `answered …` or `stopped …`.
"""
import ctypes
import os
import socket
import ssl
import struct
import subprocess
import sys
import time

FOUR, SIX, OWN = "192.0.2.1", "2001:db8::1", "192.0.2.2"
GATE, ADMIN = 15001, 19901
MARK = b"past the gate"
QUERY = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x06secret\x04test\x00\x00\x01\x00\x01"
PATIENCE = 5
WAYS = {}


def way(name):
    def keep(function):
        WAYS[name] = function
        return function
    return keep


def family(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def datagram(host, port, data=MARK, options=(), bind=None, proto=0):
    with socket.socket(family(host), socket.SOCK_DGRAM, proto) as s:
        for option in options:
            s.setsockopt(*option)
        if bind:
            s.bind(bind)
        s.sendto(data, (host, port))
    return "sent"


def stream(host, port, data=MARK, options=(), bind=None, proto=0):
    with socket.socket(family(host), socket.SOCK_STREAM, proto) as s:
        s.settimeout(PATIENCE)
        for option in options:
            s.setsockopt(*option)
        if bind:
            s.bind(bind)
        s.connect((host, port))
        s.sendall(data)
        return f"answered {s.recv(4096)[:300]!r}"


def http(host, port, name):
    return stream(host, port, f"GET /version HTTP/1.1\r\nhost: {name}\r\n\r\n".encode())


WAYS.update({
    "udp": lambda: datagram(FOUR, 9),
    "udp6": lambda: datagram(SIX, 9),
    "udp mapped": lambda: datagram("::ffff:" + FOUR, 9),
    "udp to itself": lambda: datagram("127.0.0.1", 9999),
    "udp fragments": lambda: datagram(FOUR, 9, MARK * 600),
    "udp6 fragments": lambda: datagram(SIX, 9, MARK * 600),
    "udp segments": lambda: datagram(FOUR, 9, MARK * 4, [(17, 103, len(MARK))]),
    "udp from the gate's port": lambda: datagram(FOUR, 9, bind=("", GATE)),
    "udp by the device": lambda: datagram(FOUR, 9, options=[(1, 25, b"out0")]),
    "udp broadcast": lambda: datagram("255.255.255.255", 9, options=[(1, 6, 1)]),
    "udp multicast": lambda: datagram("239.1.2.3", 9),
    "udp6 multicast": lambda: datagram("ff02::1%out0", 9),
    "udp with a source route": lambda: datagram(FOUR, 9, options=[(0, 4, route())]),
    "udp-lite": lambda: datagram(FOUR, 9, proto=136),
    "quic": lambda: datagram(FOUR, 443, b"\xc0\x00\x00\x00\x01" + bytes(1200)),
    "quic6": lambda: datagram(SIX, 443, b"\xc0\x00\x00\x00\x01" + bytes(1200)),
    "dns over udp": lambda: datagram(FOUR, 53, QUERY),
    "dns over udp6": lambda: datagram(SIX, 53, QUERY),
    "dns to the system's": lambda: datagram("127.0.0.153", 53, QUERY),
    "dns over tcp": lambda: stream(FOUR, 53, struct.pack("!H", len(QUERY)) + QUERY),
    "dns over tcp6": lambda: stream(SIX, 53, struct.pack("!H", len(QUERY)) + QUERY),
    "dhcp": lambda: datagram("255.255.255.255", 67, options=[(1, 6, 1)]),
    "tcp": lambda: stream(FOUR, 9),
    "tcp6": lambda: stream(SIX, 9),
    "tcp mapped": lambda: stream("::ffff:" + FOUR, 9),
    "tcp by the device": lambda: stream(FOUR, 9, options=[(1, 25, b"out0")]),
    "tcp from a port of its own": lambda: stream(FOUR, 9, bind=(OWN, 40123)),
    "tcp from the gate's port": lambda: stream(FOUR, 9, bind=(OWN, GATE)),
    "tcp with a source route": lambda: stream(FOUR, 9, options=[(0, 4, route())]),
    "tcp of many paths": lambda: stream(FOUR, 9, proto=262),
    "ssh": lambda: stream(FOUR, 22, b"SSH-2.0-hostile\r\n"),
    "ssh6": lambda: stream(SIX, 22, b"SSH-2.0-hostile\r\n"),
    "smtp": lambda: stream(FOUR, 25, b"EHLO hostile\r\n"),
    "admin": lambda: http("127.0.0.1", ADMIN, f"127.0.0.1:{ADMIN}"),
    "admin by another name": lambda: http("127.0.0.2", ADMIN, "localhost"),
    "admin mapped": lambda: http("::ffff:127.0.0.1", ADMIN, "localhost"),
    "the gate itself": lambda: http("127.0.0.1", GATE, "tools.test"),
    "the gate by another address": lambda: http(OWN, GATE, "tools.test"),
    "the gate on its loopback": lambda: http("127.0.0.9", GATE, "tools.test"),
    "metadata": lambda: http("169.254.169.254", 80, "169.254.169.254"),
    "sctp": lambda: stream(FOUR, 9, proto=132),
    "dccp": lambda: other(6, 33),
    "echo": lambda: datagram_icmp(socket.AF_INET, 1, FOUR, 8),
    "echo6": lambda: datagram_icmp(socket.AF_INET6, 58, SIX, 128),
    "raw": lambda: other(socket.SOCK_RAW, 1),
    "raw of any protocol": lambda: other(socket.SOCK_RAW, 255),
})


def route():
    """Loose source routing (RFC 791) by way of the other side."""
    return b"\x01\x83\x07\x04" + socket.inet_aton(FOUR)


def other(kind, protocol):
    with socket.socket(socket.AF_INET, kind, protocol) as s:
        s.settimeout(PATIENCE)
        s.connect((FOUR, 9))
        s.send(MARK)
    return "sent"


def datagram_icmp(of, protocol, host, kind):
    with socket.socket(of, socket.SOCK_DGRAM, protocol) as s:
        s.sendto(bytes([kind, 0, 0, 0, 0, 0, 0, 1]) + MARK, (host, 0))
    return "sent"


@way("tls")
def tls():
    """DNS over TLS: the same bytes would carry anything."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((FOUR, 853), PATIENCE) as s:
        with context.wrap_socket(s, server_hostname="dns.test") as s:
            s.sendall(QUERY)
            return f"answered {s.recv(4096)[:300]!r}"


@way("data in the first packet")
def fast_open():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", PATIENCE, 0))
        s.sendto(MARK, 0x20000000, (FOUR, 9))
        return f"answered {s.recv(4096)!r}"


@way("a group's name")
def group():
    """What the kernel tells routers of a group is the kernel's, and the group's address is ours."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(0, 35, socket.inet_aton("239.77.1.2") + bytes(4) + struct.pack("I", index()))
        time.sleep(1.5)
    return "joined"


@way("a group's name6")
def group6():
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        name = socket.inet_pton(socket.AF_INET6, "ff15::dead:beef") + struct.pack("I", index())
        s.setsockopt(41, 20, name)
        time.sleep(1.5)
    return "joined"


def index():
    return socket.if_nametoindex("out0")


@way("packet")
def packet():
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind(("out0", 0x0800))
        s.send(MARK)
    return "sent"


@way("resolver")
def resolver():
    return f"answered {socket.getaddrinfo('secret.example.org', 443)}"


def command(*words):
    done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
    if done.returncode != 0:
        raise OSError((done.stderr + done.stdout).strip()[-150:])
    return "sent"


AGAIN = [sys.executable, os.path.abspath(__file__)]
WAYS.update({
    # A root of a namespace of its own is no root of this network.
    "raw as another root": lambda: command("unshare", "--user", "--map-root-user", *AGAIN, "raw!"),
    "rules as another root": lambda: command(
        "unshare", "--user", "--map-root-user", "nft", "delete", "table", "inet", "tollgate"
    ),
    "another network": lambda: command(
        "unshare", "--user", "--map-root-user", "--net", *AGAIN, "udp!"
    ),
    "rules": lambda: command("nft", "delete", "table", "inet", "tollgate"),
    "a tunnel": lambda: command("ip", "tunnel", "add", "t0", "mode", "gre", "remote", FOUR),
    "another user": lambda: command("setpriv", "--reuid", "0", *AGAIN, "udp!"),
    "the first network": lambda: command("nsenter", "--target", "1", "--net", *AGAIN, "udp!"),
})


@way("the gate's memory")
def memory():
    with open(f"/proc/{os.environ['GATE']}/mem", "rb") as gate:
        gate.seek(0x10000)
        gate.read(1)
    return "sent"


@way("the gate's end")
def end():
    os.kill(int(os.environ["GATE"]), 9)
    return "sent"


@way("the gate's sockets")
def sockets():
    libc = ctypes.CDLL(None, use_errno=True)
    gate = libc.syscall(434, int(os.environ["GATE"]), 0)
    taken = libc.syscall(438, gate, 10, 0)
    if taken < 0:
        raise OSError(ctypes.get_errno(), "pidfd_getfd")
    return "sent"


if len(sys.argv) < 2:
    print("\n".join(WAYS))
    sys.exit()
name = sys.argv[1]
# With a `!` a failure is told by the exit code.
try:
    print(WAYS[name.rstrip("!")](), flush=True)
except Exception as error:  # whatever stops it
    print("stopped:", repr(error)[:200], flush=True)
    sys.exit(name.endswith("!"))
