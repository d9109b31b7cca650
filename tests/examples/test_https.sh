#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_https.sh - curl, openssl and Python talk to our HTTPS; certificates are
# exchanged on SIGHUP
. "$(dirname "$0")/lib.sh"
need curl openssl python3

# certificate NAME SUBJECT [ARGUMENT...]: NAME.pem and NAME.key, signed by ca
certificate() {
	local name=$1 subject=$2
	shift 2
	openssl req -x509 -CA "$tmp/ca.pem" -CAkey "$tmp/ca.key" -newkey ec \
		-pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$tmp/$name.key" \
		-out "$tmp/$name.pem" -days 10 -subj "/CN=$subject" "$@" 2>/dev/null
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	-keyout "$tmp/ca.key" -out "$tmp/ca.pem" -days 10 -subj /CN=ca 2>/dev/null
names="subjectAltName=DNS:localhost,IP:127.0.0.1"
certificate one one -addext "$names"
certificate two two -addext "$names"
certificate client client
cp "$tmp/one.pem" "$tmp/cert.pem"
cp "$tmp/one.key" "$tmp/cert.key"
hello="Hello, and nobody else hears it."

get() {
	curl -sS --cacert "$tmp/ca.pem" "$@" "https://localhost:$port/"
}

# who: the name in the certificate that the server shows
who() {
	openssl s_client -connect "$address" -CAfile "$tmp/ca.pem" </dev/null 2>/dev/null |
		sed -n 's/^subject=CN = //p'
}

start https 127.0.0.1:0 "$tmp/cert.pem" "$tmp/cert.key"

# ---- curl
equal "curl" "$(get)" "$hello"
equal "curl, TLS 1.2" "$(get --tlsv1.2 --tls-max 1.2)" "$hello"
equal "curl, TLS 1.3" "$(get --tlsv1.3)" "$hello"
equal "curl, by address" \
	"$(curl -sS --cacert "$tmp/ca.pem" "https://127.0.0.1:$port/")" "$hello"
if curl -sS "https://localhost:$port/" >"$tmp/out" 2>&1; then
	fail "curl trusts everybody"
fi
if get --tls-max 1.1 >"$tmp/out" 2>&1; then
	fail "TLS 1.1 is too old"
fi
curl -sS "http://localhost:$port/" >"$tmp/out" 2>&1 && fail "no TLS is no TLS"

# ---- openssl
for version in 1_2 1_3; do
	printf 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' |
		openssl s_client -quiet -tls$version -connect "$address" -ign_eof \
			-CAfile "$tmp/ca.pem" -verify_return_error \
			-servername localhost >"$tmp/out" 2>/dev/null ||
		fail "s_client, TLS $version: $(cat "$tmp/out")"
	grep -q "$hello" "$tmp/out" || fail "s_client, TLS $version: $(cat "$tmp/out")"
done
openssl s_client -tls1_2 -reconnect -connect "$address" </dev/null >"$tmp/out" 2>/dev/null
equal "resumed by s_client" "$(grep -c '^Reused, TLSv1.2' "$tmp/out")" 5
openssl s_client -alpn h2,http/1.1 -connect "$address" </dev/null >"$tmp/out" 2>/dev/null
grep -q 'ALPN protocol: http/1.1' "$tmp/out" || fail "no ALPN"
openssl s_client -alpn h2 -connect "$address" </dev/null >"$tmp/out" 2>&1 &&
	fail "an ALPN of others"
grep -q 'no application protocol' "$tmp/out" || fail "no reason: $(cat "$tmp/out")"

# ---- Python, which wants a close_notify, resumes, and asks for new keys
python3 - "$tmp/ca.pem" "$port" <<'END'
import socket, ssl, sys

def ask(context, session=None):
    sock = socket.create_connection(("localhost", int(sys.argv[2])))
    tls = context.wrap_socket(sock, server_hostname="localhost", session=session,
                              suppress_ragged_eofs=False)
    tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    text = b""
    while part := tls.recv(1000):
        text += part
    assert b"nobody else" in text, text
    session, reused = tls.session, tls.session_reused
    tls.close()
    return session, reused

for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
    context = ssl.create_default_context(cafile=sys.argv[1])
    context.minimum_version = context.maximum_version = version
    session, reused = ask(context)
    assert not reused
    session, reused = ask(context, session)
    assert reused
END

# ---- new certificates
equal "the name before" "$(who)" one
kill -HUP "$server"
read -r line <&"$said"
equal "nothing new" "$line" "the certificate is the same"
echo nonsense >"$tmp/cert.pem"
kill -HUP "$server"
read -r line <&"$said"
[ "${line#the old certificate stays: $tmp/cert.pem: }" != "$line" ] || fail "$line"
equal "the name of the old one" "$(who)" one
cp "$tmp/two.key" "$tmp/cert.key"
cp "$tmp/two.pem" "$tmp/cert.pem"
kill -HUP "$server"
read -r line <&"$said"
equal "something new" "$line" "the certificate is new"
equal "the name after" "$(who)" two
equal "curl, later" "$(get)" "$hello"
stop TERM

# ---- certificates of clients
start https 127.0.0.1:0 "$tmp/two.pem" "$tmp/two.key" "$tmp/ca.pem"
equal "a client with a certificate" \
	"$(get --cert "$tmp/client.pem" --key "$tmp/client.key")" "$hello"
get >"$tmp/out" 2>&1 && fail "a client without a certificate"
grep -q 'certificate required' "$tmp/out" || fail "no reason: $(cat "$tmp/out")"
stop TERM

# ---- certificates that cannot be
if "$BUILD/examples/https" 127.0.0.1:0 "$tmp/one.pem" "$tmp/two.key" 2>"$tmp/out"; then
	fail "a key of another certificate"
fi
grep -q 'is not that of the certificate' "$tmp/out" || fail "$(cat "$tmp/out")"
