"""What every client asks for, over TLS: /allowed/NAME and /refused/NAME are the same in all but name.

A package index of Python's, one of npm's, one of cargo's, a repository of git's (the protocol of
plain files), and for everything else a word. Each request's path and protocol go to a file.
Usage: server.py CERTIFICATE KEY LOG ADDRESS:PORT…
"""
import http.server
import json
import socket
import ssl
import sys
import threading

certificate, key, log, *places = sys.argv[1:]
lock = threading.Lock()


def answer(host, path):
    """The type and the text for a path below /allowed/NAME."""
    base, _, rest = path.lstrip("/").partition("/")
    name, _, rest = rest.partition("/")
    here = f"https://{host}/{base}/{name}"
    if rest.startswith("info/refs"):
        return "text/plain", "0123456789012345678901234567890123456789\trefs/heads/main\n"
    if rest == "HEAD":
        return "text/plain", "ref: refs/heads/main\n"
    if rest == "config.json":
        return "application/json", json.dumps({"dl": f"{here}/dl", "api": here})
    if rest.startswith("api/v1/crates"):
        crate = {"name": "thing", "max_version": "1.0.0", "description": "it"}
        return "application/json", json.dumps({"crates": [crate], "meta": {"total": 1}})
    if rest == "thing/":
        return "text/html", '<a href="thing-1.0.0-py3-none-any.whl">thing-1.0.0-py3-none-any.whl</a>'
    if rest == "thing":
        dist = {"tarball": f"{here}/thing.tgz", "shasum": "0" * 40}
        version = {"name": "thing", "version": "1.0.0", "dist": dist}
        return "application/json", json.dumps(
            {"name": "thing", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
        )
    return "application/json", json.dumps({"made": "it"})


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self):
        with lock, open(log, "a", encoding="utf-8") as file:
            file.write(f"{self.path}\n")
        kind, text = answer(self.headers["host"], self.path)
        body = text.encode()
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def __init__(self, place):
        host, _, port = place.rpartition(":")
        host = host.strip("[]")
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, int(port)), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.socket = context.wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False
        )


servers = [Server(place) for place in places]
print("listening", flush=True)
for server in servers[1:]:
    threading.Thread(target=server.serve_forever, daemon=True).start()
servers[0].serve_forever()
