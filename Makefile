# SPDX-License-Identifier: MIT
# The everyday words. The build itself is Meson's: see meson.build.

SHELL = /bin/sh
.DEFAULT_GOAL = help
.NOTPARALLEL:

T =
F =
S =
N =
TIME = 10
SEEDS = 1000
BENCH =
UPDATE =
EXAMPLE =
ARGS =
PREFIX = /usr/local
TIDY = $(wildcard src/*/*.c)

GCC = CC=gcc
CLANG = CC=clang
# Of these builds only the libraries are optimized: the tests, which take longest to
# compile, are in the everyday build.
PLAIN = -Doptimization=0 -Dlibrary_optimization
SANITIZE = -Db_lundef=false $(PLAIN)=1
# One build for all that looks for misuse: nasty on purpose. Of what is optimized more
# valgrind believes that it reads what nobody has written.
HOSTILE = build-hostile tests $(PLAIN)=1 -Ddebug_level=2 -Dvalgrind=enabled

.PHONY: help build run test rest check bench bench-check bench-peers \
	bench-io bench-http bench-tls bench-remote bench-plots plots asan tsan valgrind hostile slots epoll aarch64 kernel \
	stress swarm fuzz cover format tidy map site pictures deps install uninstall dist deb first-hour clean

help: ## these lines
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

deps: ## install all that any of these needs (Debian)
	@scripts/deps.sh all

build: ## the library, the examples and the benches, in build/
	@scripts/deps.sh run
	@scripts/build.sh build programs

run: build ## the demo; EXAMPLE=name ARGS=arguments runs an example
	@if [ -n "$(EXAMPLE)" ]; then exec env BUILD=build scripts/example.sh $(EXAMPLE) $(ARGS); \
	else exec env BUILD=build scripts/demo.sh; fi

test: ## the tests; T=text: those with that in their name
	@scripts/deps.sh test
	@scripts/build.sh build tests
	@T=$(T) scripts/test.sh build unit api examples shell $(if $(T),,-drivers -long)

rest: ## the tests that take longer: documents, models, other kinds of rings
	@scripts/deps.sh test
	@scripts/build.sh build tests
	@scripts/test.sh build drivers long

check: ## what the tests cannot see: warnings, layers, headers, wrong uses ...
	@scripts/deps.sh test
	@scripts/check.sh

bench: build ## all benches; BENCH=name N=count: one of them
	@case "$(BENCH)" in \
	http_parse) scripts/bench-http-parse.sh ;; \
	http_router) build/bench/http-router $(N) ;; \
	http_slow) build/bench/http-slow $(N) ;; \
	remote_codec) build/bench/remote-codec $(N) ;; \
	'' | all) build/bench/bench all $(N) && scripts/bench-http-parse.sh && \
		build/bench/http-router ;; \
	*) build/bench/bench $(BENCH) $(N) ;; \
	esac

bench-check: ## instructions per operation; BENCH=names UPDATE=1: new bounds
	@scripts/deps.sh test
	@scripts/build.sh build programs
	@scripts/bench-check.py $(if $(UPDATE),--update) $(BENCH)

bench-peers: build ## the same work done by other systems, side by side
	@scripts/deps.sh all
	@BUILD=build scripts/bench-peers.sh

bench-io: build ## echo servers and cp beside others
	@scripts/deps.sh test
	@BUILD=build scripts/bench-io.sh

bench-http: build ## our HTTP server beside nginx and h2o
	@scripts/deps.sh all
	@BUILD=build scripts/bench-http.py

bench-remote: build ## calls between processes, beside two nodes of Erlang
	@scripts/deps.sh all
	@BUILD=build scripts/bench-remote.py

bench-tls: build ## our HTTPS server beside nginx
	@scripts/deps.sh all
	@BUILD=build scripts/bench-tls.py

bench-plots: build ## measures what the pictures in docs/plots show, and draws them
	@scripts/deps.sh all
	@BUILD=build scripts/bench-plots.py
	@scripts/plot.sh

plots: ## the pictures again, from docs/plots/*.tsv
	@scripts/deps.sh all
	@scripts/plot.sh

asan: ## the tests with address and undefined behaviour sanitizers
	@scripts/deps.sh test
	@$(GCC) scripts/build.sh build-asan tests $(SANITIZE) \
		-Db_sanitize=address,undefined -Dc_args=-fno-sanitize-recover=all \
		-Ddebug_level=1
	@UBSAN_OPTIONS=print_stacktrace=1 ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 \
		T=$(T) SLOW=4 scripts/test.sh build-asan unit api examples stress -drivers -once

tsan: ## the tests with the thread sanitizer
	@scripts/deps.sh test
	@$(CLANG) scripts/build.sh build-tsan tests $(SANITIZE) \
		-Db_sanitize=thread -Ddebug_level=1
	@TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:suppressions=$(CURDIR)/tests/tsan.supp \
		WRAP="$$(setarch -R true 2>/dev/null && echo setarch -R)" \
		T=$(T) SLOW=4 scripts/test.sh build-tsan unit api stress -drivers

# A jump of more than --max-stackframe is a switch of stacks: those of threads are
# not registered, and may lie close to those of actors.
valgrind: ## the tests in the hostile build, under valgrind, each once, no ciphers, no sweeps
	@scripts/deps.sh test
	@$(GCC) scripts/build.sh $(HOSTILE)
	@WRAP="valgrind --quiet --error-exitcode=99 --leak-check=full \
		--errors-for-leak-kinds=definite --num-callers=25 --fair-sched=yes \
		--max-stackframe=60000 \
		--suppressions=$(CURDIR)/tests/valgrind.supp" \
		T=$(T) SLOW=10 scripts/test.sh build-hostile unit api -drivers -ciphers -places -sweeps

hostile: ## the tests in a build that is nasty on purpose (HEPH_DEBUG=2); S=suites
	@scripts/deps.sh test
	@$(GCC) scripts/build.sh $(HOSTILE)
	@T=$(T) SLOW=2 scripts/test.sh build-hostile $(or $(S),unit api) -drivers

epoll: ## the tests with the other driver, for where io_uring is forbidden
	@scripts/deps.sh test
	@scripts/build.sh build tests
	@HEPH_DRIVER=epoll T=$(T) scripts/test.sh build unit api examples -drivers -once

aarch64: ## the tests on AArch64, emulated; S=unit: less
	@scripts/deps.sh test
	@scripts/aarch64.sh build-aarch64
	@scripts/build.sh build-aarch64 $(or $(S),tests) --cross-file build-aarch64/cross.ini \
		$(PLAIN)=2 -Dwerror=true
	@HEPH_DRIVER=epoll WITHOUT=tests/not-emulated.txt T=$(T) SLOW=6 \
		scripts/test.sh build-aarch64 $(if $(S),$(S) -ciphers,unit api) -drivers

kernel: ## the tests of I/O on the kernel of Debian 12, emulated; T=text
	@scripts/deps.sh all
	@scripts/build.sh build tests
	@scripts/kernel.sh build-kernel build $$(find build/tests -maxdepth 1 -type f \
		'(' -name 'unit-io-*' -o -name 'unit-rt-*' -o -name 'api-*' ')' \
		-name '*$(T)*' -printf '%f\n' | sort)

# Where each switch copies, and where some do; the hostile build has one slot.
slots: ## the tests where actors share 1, 2, and 4 stacks; N=1: so many
	@scripts/deps.sh test
	@scripts/build.sh build tests
	@for n in $(or $(N),1 2 4); do \
		HEPH_SLOTS=$$n T=$(T) scripts/test.sh build unit api -drivers -ciphers || exit 1; \
	done

# The storm of crashes also where each record is an allocation that may fail.
stress: ## TIME=seconds S=text: the stress tests whose name contains it
	@scripts/deps.sh test
	@scripts/build.sh build tests
	@S=$(S) scripts/stress.sh build $(TIME)
	@if [ "$(S)" = crash ]; then \
		$(GCC) scripts/build.sh $(HOSTILE) && \
		S=crash scripts/stress.sh build-hostile $(TIME); fi

swarm: ## SEEDS=n N=first S=text: simulated worlds with so many seeds
	@scripts/deps.sh test
	@scripts/build.sh build tests
	@S=$(S) scripts/swarm.sh build $(SEEDS) $(or $(N),1)

fuzz: ## TIME=seconds F=text: the fuzzers whose name contains it
	@scripts/deps.sh test
	@$(CLANG) scripts/build.sh build-fuzz all $(SANITIZE) -Dfuzz=true \
		-Dtests=disabled -Db_sanitize=address,undefined \
		-Dc_args=-fno-sanitize-recover=all -Ddebug_level=1
	@F=$(F) scripts/fuzz.sh build-fuzz $(TIME)

cover: ## which lines the tests reach
	@scripts/deps.sh all
	@$(GCC) scripts/build.sh build-cover tests -Db_coverage=true -Doptimization=0
	@scripts/test.sh build-cover unit api examples
	@gcovr --root . --filter src/ --txt --object-directory build-cover build-cover

site: ## the documentation as a web site, in build/site
	@scripts/deps.sh test
	@scripts/site.py build/site
	@scripts/check-links.py --site build/site

pictures: ## docs/pictures/*.svg, from the *.dot beside them
	@scripts/deps.sh all
	@scripts/pictures.py

format: ## lay out the lines of C that were changed since BASE=HEAD
	@scripts/deps.sh all
	@git diff -U0 --no-color $(or $(BASE),HEAD) -- '*.c' '*.h' | clang-format-diff -p1 -i

tidy: ## clang-tidy; TIDY=files
	@scripts/deps.sh all
	@$(CLANG) scripts/build.sh build-clang "" -Dwerror=true $(PLAIN)=2
	@clang-tidy --quiet -p build-clang $(TIDY)

install: ## PREFIX=/usr/local DESTDIR=
	@scripts/deps.sh run
	@scripts/build.sh build-install libs -Dtests=disabled -Dbuildtype=release \
		-Ddebug=true -Dprefix=$(PREFIX)
	@meson install -C build-install --no-rebuild --quiet --tags devel,runtime,man

uninstall: ## remove what `make install` has put there; PREFIX= DESTDIR=
	@ninja -C build-install --quiet uninstall >/dev/null
	@for n in 3 7; do ls build-install/man$$n | \
		sed "s|^|$(DESTDIR)$(PREFIX)/share/man/man$$n/|"; done | xargs rm -f

map: ## the lists in docs/design/map.md and the numbers in README.md, made again
	@scripts/map.py
	@scripts/readme-bench.py

dist: ## heph-VERSION.tar.xz of what is committed
	@scripts/dist.sh

deb: ## Debian packages, in build-deb/; checked by lintian, and built twice
	@scripts/deps.sh all
	@scripts/deb.sh

first-hour: ## the quick start, word for word, in a clean Debian; as root
	@scripts/deps.sh all
	@scripts/first-hour.sh

clean: ## remove all build directories
	@rm -rf build build-*
