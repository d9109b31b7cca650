#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_reverse_proxy.sh - a proxy before a server of ours, before Python's, and
# before nginx: both ways, large and small, and when nobody is there
. "$(dirname "$0")/lib.sh"
need curl cmp python3

# behind NAME: the proxy in front of $1
proxy() {
	start reverse_proxy 127.0.0.1:0 "$1"
	url=http://$address
}

# ask STATUS ARGUMENT...
ask() {
	local expected=$1 got
	shift
	got=$(curl -sS -o "$tmp/body" -w '%{http_code}' "$@") || true
	equal "the status of $*" "$got" "$expected"
}

mkdir "$tmp/in" "$tmp/pages"
head -c 5000000 /dev/urandom >"$tmp/pages/big"
echo hello >"$tmp/pages/small"

# A server that shows what it gets.
cat >"$tmp/serve.py" <<'END'
import http.server, sys

class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *args):
        pass

    def do_GET(self):
        if self.path.startswith('/show'):
            text = (self.requestline + '\n' + str(self.headers)).encode()
            self.send_response(200)
            self.send_header('Content-Length', str(len(text)))
            self.send_header('Keep-Alive', 'timeout=5')
            self.send_header('X-Hop', 'secret')
            self.send_header('Connection', 'X-Hop')
            self.end_headers()
            self.wfile.write(text)
        elif self.path == '/chunks':
            self.send_response(200)
            self.send_header('Transfer-Encoding', 'chunked')
            self.end_headers()
            for n in range(100):
                self.wfile.write(b'5\r\nabcde\r\n')
            self.wfile.write(b'0\r\n\r\n')
        elif self.path == '/moved':
            self.send_response(302)
            self.send_header('Location', '/small')
            self.send_header('Content-Length', '0')
            self.end_headers()
        elif self.path == '/nonsense':
            self.wfile.write(b'nonsense\r\n\r\n')
            self.close_connection = True
        else:
            super().do_GET()

    def do_PUT(self): # answers each chunk before it reads the next one
        self.send_response(200)
        self.send_header('Transfer-Encoding', 'chunked')
        self.end_headers()
        while True:
            size = int(self.rfile.readline(), 16)
            data = self.rfile.read(size).upper()
            self.rfile.readline()
            self.wfile.write(b'%x\r\n%s\r\n' % (len(data), data))
            if not size:
                break

    def do_POST(self):
        length = self.headers['Content-Length']
        body = b''
        if length:
            body = self.rfile.read(int(length))
        else:
            while True:
                size = int(self.rfile.readline(), 16)
                body += self.rfile.read(size)
                self.rfile.readline()
                if not size:
                    break
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

import functools
handler = functools.partial(Handler, directory=sys.argv[1])
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
print(server.server_address[1], flush=True)
server.serve_forever()
END
exec {python}< <(exec python3 "$tmp/serve.py" "$tmp/pages")
pids+=($!)
read -r behind <&"$python"

proxy "http://127.0.0.1:$behind/"
ask 200 "$url/small"
equal "the page" "$(cat "$tmp/body")" hello
ask 200 "$url/big"
cmp "$tmp/body" "$tmp/pages/big"
ask 200 --data-binary "@$tmp/pages/big" "$url/"
cmp "$tmp/body" "$tmp/pages/big"
ask 200 -T "$tmp/pages/big" -X POST -H "Transfer-Encoding: chunked" "$url/"
cmp "$tmp/body" "$tmp/pages/big"
ask 200 "$url/chunks"
equal "the chunks" "$(wc -c <"$tmp/body")" 500
ask 302 "$url/moved"
ask 404 "$url/none"
ask 502 "$url/nonsense"
ask 200 -I "$url/big"
grep -qi "^Content-Length: 5000000" "$tmp/body" || fail "$(cat "$tmp/body")"

# A conversation: neither side says more before it has heard the other one.
python3 - "$address" <<'END' || fail "no conversation"
import socket, sys

host, port = sys.argv[1].rsplit(':', 1)
sock = socket.create_connection((host, int(port)), 20)
sock.settimeout(20)

def hear(text):
    heard = b''
    while text not in heard:
        data = sock.recv(65536)
        assert data, heard
        heard += data

sock.sendall(b'PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
hear(b'200 OK')
for text in b'one', b'two', b'three':
    sock.sendall(b'%x\r\n%s\r\n' % (len(text), text))
    hear(text.upper())
sock.sendall(b'0\r\n\r\n')
hear(b'0\r\n\r\n')
sock.sendall(b'GET /small HTTP/1.1\r\nHost: a\r\n\r\n')
hear(b'hello')
END
ask 200 -T "$tmp/pages/big" -H "Transfer-Encoding: chunked" "$url/"
tr a-z A-Z <"$tmp/pages/big" | cmp "$tmp/body" -

long=X-$(printf 'a%.0s' {1..100})
curl -sS -o "$tmp/body" -H "$long: yes" "$url/show"
grep -qi "^$long: yes" "$tmp/body" || fail "a long name was lost"

curl -sS -D "$tmp/head" -o "$tmp/body" -H "X-Mine: yes" -H "X-Not: yes" \
	-H "Connection: x-not" -H "TE: trailers" "$url/show?a=b%20c"
grep -q "^GET /show?a=b%20c HTTP/1.1" "$tmp/body" || fail "$(cat "$tmp/body")"
grep -qi "^X-Mine: yes" "$tmp/body" || fail "a field was lost"
grep -qi "^X-Forwarded-For: 127.0.0.1" "$tmp/body" || fail "nobody asked"
grep -qi '^Forwarded: for="127.0.0.1";proto=http' "$tmp/body" ||
	fail "nobody asked: $(cat "$tmp/body")"
! grep -qiE "^(X-Not|TE):" "$tmp/body" || fail "a field of the connection passed"
! grep -qiE "^(X-Hop|Keep-Alive):" "$tmp/head" || fail "so did one of the response"
stop INT

proxy "http://127.0.0.1:1"
ask 502 "$url/"
ask 502 --data-binary x "$url/"
stop TERM

# nginx behind it.
if command -v nginx >/dev/null; then
	port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	mkdir "$tmp/nginx"
	cat >"$tmp/nginx/conf" <<-END
		daemon off;
		master_process off;
		pid $tmp/nginx/pid;
		worker_processes 1;
		events {}
		http {
			access_log off;
			client_body_temp_path $tmp/nginx/body;
			proxy_temp_path $tmp/nginx/proxy;
			fastcgi_temp_path $tmp/nginx/fastcgi;
			uwsgi_temp_path $tmp/nginx/uwsgi;
			scgi_temp_path $tmp/nginx/scgi;
			gzip on;
			gzip_types *;
			gzip_min_length 1;
			server {
				listen 127.0.0.1:$port;
				root $tmp/pages;
				keepalive_requests 3;
			}
		}
	END
	chmod 755 "$tmp"
	nginx -e stderr -p "$tmp/nginx" -c "$tmp/nginx/conf" 2>"$tmp/nginx.log" &
	pids+=($!)
	for _ in $(seq 100); do
		curl -s -o "$tmp/body" "http://127.0.0.1:$port/small" && break
		sleep 0.05
	done
	proxy "http://127.0.0.1:$port"
	for _ in 1 2 3 4 5 6 7 8; do
		ask 200 "$url/small"
		equal "nginx's page" "$(cat "$tmp/body")" hello
	done
	ask 200 "$url/big"
	cmp "$tmp/body" "$tmp/pages/big"
	ask 200 --compressed "$url/small"
	equal "nginx's page" "$(cat "$tmp/body")" hello
	ask 206 -r 10-19 "$url/big"
	equal "the range" "$(wc -c <"$tmp/body")" 10
	ask 404 "$url/none"
	stop INT
fi
