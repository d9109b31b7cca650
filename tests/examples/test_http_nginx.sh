#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_http_nginx.sh - nginx as a proxy before our servers, with connections that
# are kept alive: plain text, files, ranges, conditions, compression
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin
need nginx curl gzip

www=$tmp/www
mkdir "$www" "$tmp/nginx"
printf 0123456789 >"$www/ten.txt"
seq 1 50000 >"$www/numbers.txt"
head -c 2000000 /dev/urandom >"$www/noise.bin"
find "$www" -exec touch -d '2020-02-03 04:05:06 UTC' {} +

# proxy ADDRESS: starts nginx before that server; it listens at $tmp/nginx/socket
proxy() {
	cat >"$tmp/nginx/conf" <<-END
		daemon off;
		master_process off;
		pid $tmp/nginx/pid;
		error_log stderr warn;
		events {}
		http {
			access_log off;
			proxy_max_temp_file_size 0;
			client_body_temp_path $tmp/nginx/body;
			proxy_temp_path $tmp/nginx/proxy;
			fastcgi_temp_path $tmp/nginx/fastcgi;
			uwsgi_temp_path $tmp/nginx/uwsgi;
			scgi_temp_path $tmp/nginx/scgi;
			upstream server {
				server $1;
				keepalive 4;
			}
			server {
				listen unix:$tmp/nginx/socket;
				location / {
					proxy_pass http://server;
					proxy_http_version 1.1;
					proxy_set_header Connection "";
				}
			}
		}
	END
	rm -f "$tmp/nginx/socket"
	nginx -p "$tmp/nginx" -e stderr -c conf 2>"$tmp/nginx/log" &
	nginx=$!
	pids+=("$nginx")
	# It says nothing when it listens.
	until curl -s -o /dev/null --unix-socket "$tmp/nginx/socket" http://x/; do
		kill -0 "$nginx" || fail "nginx: $(cat "$tmp/nginx/log")"
		sleep 0.02
	done
}

unproxy() {
	kill -QUIT "$nginx"
	wait "$nginx" || fail "nginx: $(cat "$tmp/nginx/log")"
	[ ! -s "$tmp/nginx/log" ] || fail "nginx says: $(cat "$tmp/nginx/log")"
}

get() {
	curl -sS --fail --max-time 10 --unix-socket "$tmp/nginx/socket" "$@" || fail "curl $*"
}

start plaintext 127.0.0.1:0
proxy "$address"
for _ in $(seq 20); do
	equal "what it says" "$(get http://x/plaintext)" "Hello, World!"
done
unproxy
stop TERM

start static_files 127.0.0.1:0 "$www"
proxy "$address"
for _ in 1 2 3; do
	for file in ten.txt numbers.txt noise.bin; do
		get "http://x/$file" | cmp - "$www/$file" || fail "$file differs"
	done
done
equal "a range" "$(get -r 3-5 http://x/ten.txt)" 345
get -r 1000000-1999999 http://x/noise.bin | cmp - <(tail -c 1000000 "$www/noise.bin") ||
	fail "a large range"
get -H 'Accept-Encoding: gzip' http://x/numbers.txt | gzip -dc | cmp - "$www/numbers.txt" ||
	fail "compressed"
tag=$(get -I http://x/ten.txt | sed -n 's/^ETag: \(.*\)\r$/\1/p')
equal "a condition" \
	"$(get -o /dev/null -w '%{http_code}' -H "If-None-Match: $tag" http://x/ten.txt)" 304
unproxy
stop TERM
connections=${last#* on }
connections=${connections%% *}
# nginx closes one whose answer it does not need all of.
[ "$connections" -le 6 ] || fail "not kept alive: $last"
