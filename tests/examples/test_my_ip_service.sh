#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_my_ip_service.sh - the service with a manager, and without; its units
. "$(dirname "$0")/lib.sh"
need python3

# Without one it is a program as any other.
PORT=0 start my_ip_service
exec {conn}<>"/dev/tcp/127.0.0.1/$port"
equal "the address" "$(cat <&"$conn")" 127.0.0.1
stop TERM

# The manager: a socket for what it is told, and what it does with that.
cat >"$tmp/manager.py" <<'END'
import array, os, re, signal, socket, subprocess, sys

program, tmp = sys.argv[1:]


class Manager:
    def __init__(self, name):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(name.replace("@", "\0"))
        self.socket.settimeout(20)
        self.environ = dict(os.environ, NOTIFY_SOCKET=name, PORT="0",
                            WATCHDOG_USEC="100000", HEPH_LOG="logfmt",
                            MY_IP_LOG=tmp + "/filter")

    def hear(self):
        """The assignments of the next datagram, and its descriptors."""
        text, control, _, _ = self.socket.recvmsg(4096, socket.CMSG_SPACE(64))
        fds = array.array("i")
        for _, _, data in control:
            fds.frombytes(data)
        return text.decode(), list(fds)

    def await_(self, pattern, but="WATCHDOG=1\n"):
        """Until one is told that fits; nothing else but those may be."""
        while True:
            text, fds = self.hear()
            if re.fullmatch(pattern, text):
                return text, fds
            assert text == but, f"told {text!r}, not {pattern}"

    def start(self, fd=None):
        """Starts the service, with a descriptor as systemd passes it."""
        def pass_it():
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            if fd is not None:
                os.environ.update(self.environ, LISTEN_PID=str(os.getpid()))
                os.dup2(fd, 3, inheritable=True)
                os.execve(program, [program], os.environ)
        environ = dict(self.environ)
        if fd is not None:
            self.environ.update(LISTEN_FDS="1", LISTEN_FDNAMES="my_ip")
        return subprocess.Popen([program], env=environ, close_fds=False,
                                preexec_fn=pass_it, stdout=subprocess.DEVNULL,
                                stderr=open(tmp + "/log", "a"))


def ask(address):
    with socket.create_connection(address, 20) as conn:
        return conn.recv(100).decode()


def log():
    with open(tmp + "/log") as file:
        return file.read()


for name in (tmp + "/notify", "@heph-test-service-%d" % os.getpid()):
    manager = Manager(name)
    service = manager.start()

    # It has systemd keep the listener, and then it is ready.
    text, fds = manager.hear()
    assert text == "FDSTORE=1\nFDNAME=my_ip\n" and len(fds) == 1, text
    text, _ = manager.await_(r"READY=1\nSTATUS=listening on 127\.0\.0\.1:\d+\n")
    address = ("127.0.0.1", int(text.strip().rsplit(":", 1)[1]))
    assert ask(address) == "127.0.0.1"
    for _ in range(3):
        manager.await_("WATCHDOG=1\n")

    # A reload reads the filter of the log.
    with open(tmp + "/filter", "w") as file:
        file.write("info,my_ip_service=debug\n")
    assert "msg=connection" not in log()
    service.send_signal(signal.SIGHUP)
    manager.await_(r"RELOADING=1\nMONOTONIC_USEC=\d+\n")
    manager.await_(r"READY=1\n")
    assert ask(address) == "127.0.0.1"

    service.send_signal(signal.SIGTERM)
    manager.await_(r"STOPPING=1\n")
    assert service.wait(20) == 0
    assert re.search(r"msg=connection target=my_ip_service actor=\S+ "
                     r"actor_id=\d+ peer=127\.0\.0\.1:\d+\n", log()), log()
    assert re.search(r'msg="asked to stop" .* signal=15 sending_pid=%d '
                     % os.getpid(), log()), log()

    # Who comes while it is not there is served by the next one.
    with socket.create_connection(address, 20) as conn:
        service = manager.start(fds[0])
        manager.await_(r"READY=1\nSTATUS=listening on .*\n")
        assert conn.recv(100) == b"127.0.0.1"
    service.send_signal(signal.SIGTERM)
    manager.await_(r"STOPPING=1\n")
    assert service.wait(20) == 0
    os.close(fds[0])
    os.unlink(tmp + "/filter")
    os.unlink(tmp + "/log")
END
python3 "$tmp/manager.py" "$BUILD/examples/my_ip_service" "$tmp" ||
	fail "the manager is not content: $(cat "$tmp/log" 2>&1)"

# A socket that systemd's own program has opened.
if command -v systemd-socket-activate >/dev/null; then
	systemd-socket-activate -l "$tmp/socket" --fdname=my_ip \
		"$BUILD/examples/my_ip_service" >"$tmp/said" 2>"$tmp/stderr" &
	pids+=($!)
	until [ -S "$tmp/socket" ]; do sleep 0.01; done
	said=$(python3 -c '
import socket, sys
conn = socket.socket(socket.AF_UNIX)
conn.settimeout(20)
conn.connect(sys.argv[1])
print(conn.recv(100).decode())' "$tmp/socket")
	equal "the address" "$said" unix
	equal "what it says" "$(cat "$tmp/said")" "listening on unix:$tmp/socket"
	kill "${pids[-1]}"
	wait "${pids[-1]}" || fail "its status: $(cat "$tmp/stderr")"
fi

# The units are right, and the service is in a box.
if command -v systemd-analyze >/dev/null; then
	for unit in service socket; do
		sed "s|/usr/bin/my_ip_service|$(realpath "$BUILD")/examples/my_ip_service|" \
			"$SOURCE/share/systemd/heph-my-ip.$unit" >"$tmp/heph-my-ip.$unit"
	done
	equal "what systemd says of the units" "$(systemd-analyze verify --man=no \
		"$tmp/heph-my-ip.service" "$tmp/heph-my-ip.socket" 2>&1)" ""
	systemd-analyze security --offline=true --threshold=20 \
		"$tmp/heph-my-ip.service" >"$tmp/security" 2>&1 ||
		fail "the box: $(tail -n 1 "$tmp/security")"
fi
