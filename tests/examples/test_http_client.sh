#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_http_client.sh - pages of a real server, by name; pages that are not there
. "$(dirname "$0")/lib.sh"
need python3

# A server on any free port, for both families of addresses where there are both.
mkdir "$tmp/pages"
echo "<p>a small page</p>" >"$tmp/pages/index.html"
head -c 3000000 /dev/urandom >"$tmp/pages/large"
cat >"$tmp/serve.py" <<'END'
import functools, http.server, os, sys

class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        if self.path == '/cut':
            self.send_response(200)
            self.send_header('Content-Length', '100')
            self.end_headers()
            self.wfile.write(b'only this')
        elif self.path == '/nonsense':
            self.wfile.write(b'this is no answer\r\n\r\n')
        elif self.path == '/nothing':
            pass
        elif self.path == '/endless':
            self.wfile.write(b'HTTP/1.0 200 OK\r\nX: ' + b'x' * 20000)
        else:
            super().do_GET()

handler = functools.partial(Quiet, directory=sys.argv[1])
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
print(server.server_address[1], flush=True)
server.serve_forever()
END
exec {said}< <(exec python3 "$tmp/serve.py" "$tmp/pages")
pids+=($!)
read -r port <&"$said" || fail "python3 does not serve"

client() {
	"$BUILD/examples/http_client" "$@" 2>"$tmp/stderr"
}

# refused WHAT URL: must fail and say why
refused() {
	if client "$2" >"$tmp/got"; then
		fail "$2: no failure"
	fi
	grep -q -- "$1" "$tmp/stderr" ||
		fail "$2: '$(cat "$tmp/stderr")' does not say '$1'"
}

# The server has IPv4 alone: localhost is ::1 first, where nobody is.
for host in 127.0.0.1 localhost; do
	equal "the page" "$(client "http://$host:$port/")" "<p>a small page</p>"
	equal "the page" "$(client "HTTP://$host:$port")" "<p>a small page</p>"
	client "http://$host:$port/large" >"$tmp/got" ||
		fail "$(cat "$tmp/stderr")"
	cmp "$tmp/got" "$tmp/pages/large" || fail "another page came"
done

refused "404" "http://localhost:$port/none"
refused "No data" "http://localhost:$port/cut"
equal "what came before the cut" "$(cat "$tmp/got")" "only this"
refused "Protocol error" "http://localhost:$port/nonsense"
refused "Protocol error" "http://localhost:$port/nothing"
refused "too long" "http://localhost:$port/endless"
refused "Invalid argument" "https://localhost:$port/"
refused "Invalid argument" "http://"
refused "Invalid argument" "http://:$port/"
refused "Invalid argument" "http://localhost:$port/a b"
refused "Connection refused" "http://localhost:1/"
