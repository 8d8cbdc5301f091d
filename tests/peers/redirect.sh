# A network of its own in which an agent's user is redirected to a gate.
# Usage: unshare -n bash redirect.sh TOLLGATE   (in a folder with gate.yaml and the certificates)
# Each line of its output is `name: what came of it`.
set -u
gate=$1
here=$(dirname "$0")
agent="setpriv --reuid=65534 --regid=65534 --clear-groups"

ip link set lo up
# Somewhere to send packets to: nobody answers there.
ip link add out0 type veth peer name out1
ip addr add 192.0.2.2/24 dev out0
ip -6 addr add 2001:db8::2/64 dev out0 nodad
ip link set out0 up
ip link set out1 up

python3 "$here/redirect_server.py" & server=$!
"$gate" run --config gate.yaml 2>gate.log & running=$!
trap 'kill $running $server 2>/dev/null' EXIT
for _ in $(seq 300); do
    "$gate" probe ready --admin 127.0.0.1:19901 >/dev/null 2>&1 && break
    sleep 0.1
done

say() { printf '%s: %s\n' "$1" "$2"; }
ask() { say "$1" "$($agent curl -sS -m 5 "${@:2}" 2>&1 | tail -1)"; }

"$gate" redirect --config gate.yaml --user 0 --print >/dev/null 2>&1; say root "exit $?"
"$gate" redirect --config gate.yaml --print >/dev/null 2>&1; say nobody "exit $?"
$agent "$gate" redirect --config gate.yaml --prove >before.txt; say before "exit $?"
"$gate" redirect --config gate.yaml --user 65534 --apply; say apply "exit $?"
"$gate" redirect --config gate.yaml --user 65534 --apply; say again "exit $?"
$agent "$gate" redirect --config gate.yaml --prove >after.txt; say after "exit $?"
ask tls --cacert pub/ca.pem https://localhost:18443/led
ask http2 --cacert pub/ca.pem -o /dev/null -w '%{http_version}' https://localhost:18443/led
ask cleartext http://127.0.0.1:18081/led
ask foreign-host -H 'host: evil.test:18081' http://127.0.0.1:18081/led
ask unlisted-name -k --resolve evil.test:18443:127.0.0.1 https://evil.test:18443/led
ask no-name -k https://127.0.0.1:18443/led
ask other-authority --cacert up-ca.pem https://localhost:18443/led
ask v6 -g 'http://[::1]:18081/led'
say operator "$(curl -sS -m 5 --cacert up-ca.pem https://localhost:18443/not-led 2>&1 | tail -1)"
say straight "$(curl -sS -m 5 http://127.0.0.1:15001/led 2>&1 | tail -1)"
say dropped "$(nft list counter inet tollgate dropped | grep -o 'packets [0-9]*')"
"$gate" redirect --undo; say undo "exit $?"
say left "$(nft list ruleset | wc -l)"
kill $running; wait $running; say stopped "exit $?"
