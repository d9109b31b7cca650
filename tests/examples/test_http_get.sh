#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_http_get.sh - pages of Node's server, by name, compressed, redirected, over
# TLS that nobody trusts, and through a proxy; and what goes wrong, in words
. "$(dirname "$0")/lib.sh"
need node cmp

cat >"$tmp/serve.js" <<'END'
const http = require('http'), zlib = require('zlib');
const big = Buffer.alloc(3000000, 'some text, again and again; ');
const server = http.createServer((req, res) => {
	const coding = { '/gzip': 'gzip', '/deflate': 'deflate', '/br': 'br' }[req.url];
	if (coding) {
		const make = { gzip: zlib.gzipSync, deflate: zlib.deflateSync,
			br: zlib.brotliCompressSync }[coding];
		res.setHeader('Content-Encoding', coding);
		res.end(make(big));
	} else if (req.url === '/pieces') {
		let n = 0;
		const timer = setInterval(() => {
			res.write('piece ' + n++ + '\n');
			if (n === 5) { clearInterval(timer); res.end(); }
		}, 5);
	} else if (req.url === '/moved') {
		res.writeHead(302, { Location: '/moved/2' });
		res.end('go away');
	} else if (req.url === '/moved/2') {
		res.writeHead(308, { Location: '//localhost:' + server.address().port + '/' });
		res.end();
	} else if (req.url === '/circle') {
		res.writeHead(302, { Location: '/circle' });
		res.end();
	} else if (req.url === '/cut') {
		res.writeHead(200, { 'Content-Length': 100 });
		res.write('only this', () => res.destroy());
	} else if (req.url === '/hints') {
		res.writeEarlyHints({ link: '</x>; rel=preload' });
		res.end('after hints');
	} else if (req.url === '/big') {
		res.end(big);
	} else if (req.url === '/') {
		res.end('hello from ' + req.headers.host.split(':')[0]);
	} else {
		res.writeHead(404);
		res.end('not here');
	}
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
require('fs').writeFileSync(process.argv[2], big);
END
exec {said}< <(exec node "$tmp/serve.js" "$tmp/big")
pids+=($!)
read -r port <&"$said" || fail "node does not serve"
url=http://127.0.0.1:$port

get() {
	"$BUILD/examples/http_get" "$@" 2>"$tmp/stderr"
}

# refused WHAT URL: must fail and say why
refused() {
	if get "$2" >"$tmp/got"; then
		fail "$2: no failure"
	fi
	grep -q -- "$1" "$tmp/stderr" ||
		fail "$2: '$(cat "$tmp/stderr")' does not say '$1'"
}

equal "a page" "$(get "$url")" "hello from 127.0.0.1"
equal "a page by name" "$(get "http://localhost:$port/")" "hello from localhost"
equal "redirects" "$(get "$url/moved")" "hello from localhost"
equal "pieces" "$(get "$url/pieces" | wc -l)" 5
equal "behind hints" "$(get "$url/hints")" "after hints"
for path in big gzip deflate br; do
	get "$url/$path" >"$tmp/got" || fail "$(cat "$tmp/stderr")"
	cmp "$tmp/got" "$tmp/big" || fail "/$path is another page"
done
refused "404 Not Found" "$url/none"
equal "the page of an error" "$(cat "$tmp/got")" "not here"
refused "redirect by 127.0.0.1:$port: " "$url/circle"
refused "body of 127.0.0.1:$port: the connection ended too early" "$url/cut"
equal "what came before the cut" "$(cat "$tmp/got")" "only this"
refused "connect 127.0.0.1:1: Connection refused" "http://127.0.0.1:1/"
refused "tls 127.0.0.1:$port: " "https://127.0.0.1:$port/"
refused "url: " "ftp://localhost/"

# Over TLS: the certificate is nobody's.
if command -v openssl >/dev/null; then
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-subj /CN=localhost -addext subjectAltName=DNS:localhost \
		-keyout "$tmp/key.pem" -out "$tmp/cert.pem" 2>"$tmp/openssl"
	cat >"$tmp/secure.js" <<-'END'
		const https = require('https'), fs = require('fs');
		const dir = process.argv[2];
		const server = https.createServer({
			key: fs.readFileSync(dir + '/key.pem'),
			cert: fs.readFileSync(dir + '/cert.pem'),
		}, (req, res) => res.end('hello over TLS'));
		server.listen(0, '127.0.0.1', () => console.log(server.address().port));
	END
	exec {secure}< <(exec node "$tmp/secure.js" "$tmp")
	pids+=($!)
	read -r secure_port <&"$secure"
	refused "tls localhost:$secure_port: .*certificate" "https://localhost:$secure_port/"
	equal "a page over TLS" \
		"$(SSL_CERT_FILE=$tmp/cert.pem get "https://localhost:$secure_port/")" \
		"hello over TLS"
fi

# Through a proxy, plain and as a tunnel.
if command -v tinyproxy >/dev/null; then
	proxy_port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1",
		() => { console.log(s.address().port); s.close(); })')
	cat >"$tmp/tinyproxy.conf" <<-END
		Port $proxy_port
		Listen 127.0.0.1
		LogFile "$tmp/tinyproxy.log"
		LogLevel Connect
		BasicAuth me password
	END
	tinyproxy -d -c "$tmp/tinyproxy.conf" >/dev/null 2>&1 &
	pids+=($!)
	for _ in $(seq 100); do
		(exec 3<>"/dev/tcp/127.0.0.1/$proxy_port") 2>/dev/null && break
		sleep 0.05
	done
	export http_proxy=http://me:password@127.0.0.1:$proxy_port
	export https_proxy=$http_proxy
	equal "a page through a proxy" "$(get "$url")" "hello from 127.0.0.1"
	grep -q "Request.*GET http://127.0.0.1:$port/" "$tmp/tinyproxy.log" ||
		fail "it was not asked: $(cat "$tmp/tinyproxy.log")"
	if [ -n "${secure_port-}" ]; then
		equal "a page through a tunnel" \
			"$(SSL_CERT_FILE=$tmp/cert.pem get "https://localhost:$secure_port/")" \
			"hello over TLS"
		grep -q "CONNECT localhost:$secure_port" "$tmp/tinyproxy.log" ||
			fail "there was no tunnel"
	fi
	https_proxy=http://127.0.0.1:$proxy_port refused "proxy to localhost" "https://localhost:1/"
	equal "around it" \
		"$(no_proxy=127.0.0.1 http_proxy=http://127.0.0.1:1 get "$url")" \
		"hello from 127.0.0.1"
fi
