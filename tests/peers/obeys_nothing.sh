# Programs that know of no gate, inside `run --contain`: each says what became of its call, on a line.
# Usage: obeys_nothing.sh PYTHON NODE
set -u
python=$1 node=$2
bundle=$SSL_CERT_FILE authority=$NODE_EXTRA_CA_CERTS
url=https://tools.test

say() {
    printf '%s: ' "$1"
    shift
    "$@" 2>&1 | tr '\n' ' '
    echo
}

# Nothing of this shell's variables is handed on.
curl() { env -i "$(command -v curl)" --disable -sS --max-time 30 "$@"; }
py() { env -i "$python" -B -c "$@"; }

trusting='import ssl, sys, urllib.request as r
print(r.urlopen(sys.argv[1], context=ssl.create_default_context(cafile=sys.argv[2]), timeout=30).read())'

say curl curl --cacert "$bundle" $url/allowed/curl
say http2 curl --cacert "$bundle" --http2 -w ' over %{http_version}' $url/allowed/http2
say python py "$trusting" $url/allowed/python "$bundle"
say node env -i NODE_EXTRA_CA_CERTS="$authority" "$node" "$(dirname "$0")/roads/client.mjs" https $url/allowed/node
# Wherever a connection is going to, it comes to the gate, and goes where its name says.
say v4 curl --cacert "$bundle" --resolve tools.test:443:203.0.113.9 $url/allowed/v4
say v6 curl --cacert "$bundle" --resolve 'tools.test:443:[2001:db8::9]' $url/allowed/v6
say metadata curl --resolve tools.test:80:169.254.169.254 http://tools.test/allowed/metadata
say unlisted curl --resolve other.test:80:203.0.113.9 http://other.test/allowed/unlisted
say unlisted-tls curl --cacert "$bundle" --resolve other.test:443:203.0.113.9 https://other.test/allowed/unlisted-tls
say refused curl --cacert "$bundle" $url/refused/curl
say untrusting curl $url/allowed/untrusting
say pinned curl --cacert up-ca.pem https://pinned.test/allowed/pinned
say ssh py 'import socket
s = socket.create_connection(("203.0.113.9", 22), 30)
s.sendall(b"SSH-2.0-it\r\n")
print(s.recv(64))'

# Names, whoever is asked for them.
asks='import socket, struct, sys
def query(name):
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return b"\x12\x34\x01\x00\x00\x01" + bytes(6) + labels + b"\x00\x00\x01\x00\x01"
def told(answer):
    return "code %d answers %d" % (answer[3] & 15, struct.unpack("!H", answer[6:8])[0])
family, kind, to, name = sys.argv[1:]
s = socket.socket(getattr(socket, family), getattr(socket, kind))
s.settimeout(30)
s.connect((to, 53))
if kind == "SOCK_DGRAM":
    s.send(query(name))
    print(told(s.recv(512)))
else:
    s.sendall(struct.pack("!H", len(query(name))) + query(name))
    print(told(s.recv(512)[2:]))'
say dns-udp py "$asks" AF_INET SOCK_DGRAM 198.51.100.53 tools.test
say dns-tcp py "$asks" AF_INET SOCK_STREAM 198.51.100.53 tools.test
say dns-v6 py "$asks" AF_INET6 SOCK_DGRAM 2001:db8::53 tools.test
say dns-unlisted py "$asks" AF_INET SOCK_DGRAM 198.51.100.53 secret.of-mine.test

# What is neither TCP nor a question for a name.
say quic py 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
print(s.sendto(b"x", ("203.0.113.9", 443)))'
say udp6 py 'import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
print(s.sendto(b"x", ("2001:db8::9", 443)))'
say icmp py 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
print(s.sendto(b"\x08\x00\xf7\xff\x00\x00\x00\x00", ("203.0.113.9", 0)))'

# Its own loopback is its own.
say own py 'import http.server, threading, urllib.request
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
server.RequestHandlerClass.log_message = lambda *_: None
threading.Thread(target=server.serve_forever, daemon=True).start()
print(urllib.request.urlopen("http://127.0.0.1:%d/hosts" % server.server_port).status)'
