#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_http_clients.sh - clients that others wrote: curl, wrk, Python's, Node's
. "$SOURCE/tests/examples/lib.sh"
need curl

start plaintext 127.0.0.1:0 2
url=http://$address/

# Two on one connection, an upload in chunks, and one that waits to be told.
equal "curl" "$(curl -sS "$url" "$url" -w '%{num_connects} ')" \
	"Hello, World!1 Hello, World!0 "
head -c 50000 /dev/zero >"$tmp/zeros"
equal "an upload in chunks" \
	"$(curl -sS -H 'Transfer-Encoding: chunked' --data-binary "@$tmp/zeros" "$url")" \
	"Hello, World!"
equal "an upload that expects" \
	"$(curl -sS -H 'Expect: 100-continue' --data-binary "@$tmp/zeros" "$url")" \
	"Hello, World!"
equal "one that is too large" \
	"$(head -c 3000000 /dev/zero | curl -sS --data-binary @- "$url")" \
	"Hello, World!"
equal "HTTP/1.0" "$(curl -sS -0 "$url")" "Hello, World!"
equal "HEAD" "$(curl -sSI "$url" | tr -d '\r' | sed -n '1p;/^Content-Length/p')" \
	"HTTP/1.1 200 OK
Content-Length: 13"

if command -v wrk >/dev/null; then
	wrk -t1 -c50 -d1 "$url" >"$tmp/wrk"
	grep -q "Requests/sec" "$tmp/wrk" || fail "wrk: $(cat "$tmp/wrk")"
	if grep -E "Non-2xx|Socket errors" "$tmp/wrk"; then
		fail "wrk has seen errors"
	fi
fi

if command -v python3 >/dev/null; then
	python3 - "${address%:*}" "$port" <<'END' || fail "Python's client"
import http.client, sys

conn = http.client.HTTPConnection(sys.argv[1], int(sys.argv[2]), timeout=10)
for body in (None, b"x" * 10000, iter([b"some ", b"chunks"])):
    for method in ("GET", "POST", "PUT", "HEAD"):
        if body is not None and method in ("GET", "HEAD"):
            continue
        conn.request(method, "/a?b", body, {"Content-Type": "text/plain"},
                     encode_chunked=body is not None and not isinstance(body, bytes))
        local = conn.sock.getsockname()
        answer = conn.getresponse()
        assert answer.status == 200 and answer.version == 11
        text = answer.read()
        assert text == (b"" if method == "HEAD" else b"Hello, World!"), text
        assert conn.sock and conn.sock.getsockname() == local, "not kept"
conn.close()
END
fi

if command -v node >/dev/null; then
	node - "$url" <<'END' || fail "Node's client"
const http = require("http");
const url = process.argv[2];
const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
let left = 200;

for (let i = 0; i < 200; i++) {
	const post = i % 2 === 1;
	const req = http.request(url, { agent, method: post ? "POST" : "GET",
		headers: i % 4 === 1 ? { Expect: "100-continue" } : {} }, (res) => {
		let text = "";
		res.on("data", (data) => { text += data; });
		res.on("end", () => {
			if (res.statusCode !== 200 || text !== "Hello, World!")
				process.exit(1);
			if (--left === 0)
				agent.destroy();
		});
	});
	req.on("error", (error) => {
		console.error(String(error));
		process.exit(1);
	});
	if (post)
		req.write("some");
	req.end(post ? "thing" : undefined);
}
setTimeout(() => process.exit(2), 10000).unref();
END
fi

stop TERM
