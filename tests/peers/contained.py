"""Tries every way past the gate that it can think of; says how each went, and ends well."""
import ctypes
import json
import os
import socket
import subprocess
import sys

told = json.loads(sys.argv[1])
MARK = b"past the gate"


def attempt(name, way):
    try:
        way()
        print(name, "sent", flush=True)
    except Exception as error:  # whatever stops it
        print(name, "stopped:", repr(error)[:100], flush=True)


def tcp(family, host, port, bind=None, says=b"outside"):
    def way():
        with socket.socket(family, socket.SOCK_STREAM) as s:
            s.settimeout(3)
            if bind:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, bind)
            s.connect((host, port))
            s.sendall(MARK)
            # The gate takes every connection; it is only outside that somebody says this.
            if says and s.recv(64) != says:
                raise OSError("led to the gate")
    return way


def udp(family, host, port):
    def way():
        with socket.socket(family, socket.SOCK_DGRAM) as s:
            s.sendto(MARK, (host, port))
    return way


def dns(port):
    def way():
        query = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x06secret\x04test\x00\x00\x01\x00\x01"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(query, ("127.0.0.1", port))
    return way


def raw():
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as s:
        s.sendto(b"\x08\x00\xf7\xff\x00\x00\x00\x00", (told["address"], 0))
    for to in ("127.0.0.1", told["address"]):
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP) as s:
            length = 8 + len(MARK)
            head = (4000).to_bytes(2, "big") + told["udp"].to_bytes(2, "big")
            s.sendto(head + length.to_bytes(2, "big") + b"\0\0" + MARK, (to, 0))


def packet():
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        links = [name for _, name in socket.if_nameindex() if name != "lo"]
        s.bind((links[0], 0x0800))
        s.send(MARK)


def abstract():
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.connect("\0" + told["abstract"])
        s.sendall(MARK)


def enter(pid):
    def way():
        libc = ctypes.CDLL(None, use_errno=True)
        fd = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
        if libc.setns(fd, 0x40000000) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        tcp(socket.AF_INET, "127.0.0.1", told["tcp"])()
    return way


def inherited():
    for number in range(3, 64):
        try:
            os.write(number, MARK)
        except OSError:
            continue
        return
    raise OSError("no file was handed down")


def memory():
    with open(f"/proc/{os.getppid()}/mem", "rb") as parent:
        parent.seek(0x10000)
    os.readlink(f"/proc/{os.getppid()}/fd/3")


def uring():
    ring = ctypes.CDLL(None, use_errno=True).syscall(425, 8, ctypes.create_string_buffer(120))
    if ring < 0:
        raise OSError(ctypes.get_errno(), "io_uring_setup")


attempt("tcp", tcp(socket.AF_INET, "127.0.0.1", told["tcp"]))
attempt("tcp address", tcp(socket.AF_INET, told["address"], told["tcp"]))
attempt("tcp device", tcp(socket.AF_INET, told["address"], told["tcp"], told["device"].encode()))
attempt("tcp6", tcp(socket.AF_INET6, "::1", told["tcp6"]))
attempt("tcp mapped", tcp(socket.AF_INET6, "::ffff:127.0.0.1", told["tcp"]))
attempt("admin", tcp(socket.AF_INET, "127.0.0.1", told["admin"], says=None))
attempt("admin address", tcp(socket.AF_INET, told["address"], told["admin"]))
attempt("udp", udp(socket.AF_INET, "127.0.0.1", told["udp"]))
attempt("udp address", udp(socket.AF_INET, told["address"], told["udp"]))
attempt("udp6", udp(socket.AF_INET6, "::1", told["udp6"]))
attempt("dns", dns(told["udp"]))
attempt("resolver", lambda: socket.getaddrinfo("secret.example.org", 443))
attempt("raw", raw)
attempt("packet", packet)
attempt("abstract", abstract)
attempt("enter parent", enter(os.getppid()))
attempt("enter first", enter(1))
attempt("inherited", inherited)
attempt("memory", memory)
# Only made and not connected: what is at the other end of vsock is not ours to speak with.
attempt("vsock", lambda: socket.socket(40, socket.SOCK_STREAM).close())
attempt("uring", uring)
subprocess.run(
    ["curl", "--disable", "-sS", "--noproxy", "*", "--max-time", "3", told["url"]], check=False
)
for name in ("SSH_AUTH_SOCK", "DOCKER_HOST"):
    print(name, os.environ.get(name, "not handed on"), flush=True)
# And the way that is meant.
met = subprocess.run(
    ["curl", "--disable", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "20", told["url"]],
    capture_output=True, text=True, check=False,
)
print("gate", met.stdout, met.stderr, flush=True)
