#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_http_browser.sh - a browser loads a page and its 50 assets over connections
# that are kept alive, plain and over TLS, without one error
. "$(dirname "$0")/lib.sh"
need chromium openssl python3

www=$tmp/www
mkdir "$www"
python3 - "$tmp/image.png" <<'END'
import struct, sys, zlib

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

with open(sys.argv[1], "wb") as png:
    png.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)) +
              chunk(b"IDAT", zlib.compress((b"\0" + b"\x20\x80\xc0" * 64) * 64)) + chunk(b"IEND", b""))
END
{
	echo '<!doctype html><html><head><meta charset="utf-8"><title>none</title>'
	echo '<link rel="icon" href="data:,">'
	echo '<script>var scripts = 0, pictures = 0;</script>'
	for i in $(seq 20); do
		echo "<link rel=\"stylesheet\" href=\"style$i.css\">"
		{
			echo ":root { --style$i: there; }"
			seq -f '.unused%g { color: red; }' $((i * 50))
		} >"$www/style$i.css"
	done
	for i in $(seq 15); do
		echo "<script src=\"script$i.js\"></script>"
		{
			echo "scripts++;"
			seq -f '// line %g' $((i * 100))
		} >"$www/script$i.js"
	done
	echo '</head><body>'
	for i in $(seq 15); do
		echo "<img src=\"image$i.png\" onload=\"pictures++\">"
		cp "$tmp/image.png" "$www/image$i.png"
	done
	cat <<-'END'
		<script>
		onload = function () {
			var style = getComputedStyle(document.documentElement), styles = 0;
			for (var i = 1; i <= 20; i++)
				if (style.getPropertyValue("--style" + i).trim() == "there")
					styles++;
			document.title = "styles " + styles + " scripts " + scripts +
				" pictures " + pictures;
		};
		</script></body></html>
	END
} >"$www/index.html"

# browse URL ARGUMENT...: the title that the page has given itself
browse() {
	local url=$1
	shift
	HOME=$tmp chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
		--no-first-run --disable-background-networking --disable-extensions \
		--disable-sync --disable-component-update --no-proxy-server \
		--user-data-dir="$tmp/profile" "$@" --dump-dom "$url" 2>"$tmp/browser" |
		sed -n 's:.*<title>\(.*\)</title>.*:\1:p'
}

# served: what the server says of it; sets $requests and $connections
served() {
	stop TERM
	requests=${last%% *}
	connections=${last#* on }
	connections=${connections%% *}
	equal "what went wrong" "${last#*, }" \
		"0 of them wrong, $requests answered with 2xx, 0 with 4xx, 0 with 5xx"
	[ "$requests" -ge 51 ] || fail "only $requests requests"
	[ "$connections" -le 12 ] || fail "$connections connections"
}

start static_files 127.0.0.1:0 "$www"
equal "the page" "$(browse "http://$address/")" "styles 20 scripts 15 pictures 15"
served

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
	-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
	-keyout "$tmp/key.pem" -out "$tmp/cert.pem" 2>"$tmp/openssl"
pin=$(openssl x509 -in "$tmp/cert.pem" -pubkey -noout | openssl pkey -pubin -outform der |
	openssl dgst -sha256 -binary | base64)
start static_files 127.0.0.1:0 "$www" "$tmp/cert.pem" "$tmp/key.pem"
equal "the page over TLS" \
	"$(browse "https://$address/" --ignore-certificate-errors-spki-list="$pin")" \
	"styles 20 scripts 15 pictures 15"
served
