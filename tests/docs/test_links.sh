#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# test_links.sh - check-links.py finds what leads nowhere, and nothing else
set -eu
cd "$(dirname "$0")/../.."
command -v python3 >/dev/null || {
	echo "skipped: there is no python3"
	exit 77
}
check=$PWD/scripts/check-links.py
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

# A small project without a mistake.
project() {
	rm -rf "$dir/p"
	mkdir -p "$dir/p/docs/guide" "$dir/p/docs/pictures" "$dir/p/src"
	echo '<svg/>' >"$dir/p/docs/pictures/way.svg"
	echo 'int x;' >"$dir/p/src/x.c"
	cat >"$dir/p/README.md" <<-'END'
		# Top
		The [guide](docs/guide/README.md), [a part](docs/guide/one.md#two-words-and-code),
		[over
		lines](src/x.c), `[no](link)`, [here](#top), [out](https://none.invalid/x).
		<!-- [not](shown) -->
		```c
		[in](code)
		```
		![The way](docs/pictures/way.svg)
	END
	echo '| [One](one.md) | what |' >"$dir/p/docs/guide/README.md"
	printf '# One\n\n## Two words, and `code`\n' >"$dir/p/docs/guide/one.md"
}

# A small site without a mistake.
site() {
	rm -rf "$dir/s"
	mkdir -p "$dir/s/a"
	echo '<p id="x"><a href="a/b.html#y">b</a> <a href="https://none.invalid">o</a>' \
		>"$dir/s/index.html"
	echo '<h1 id="y"><a href="../index.html#x">i</a> <img src="../p.svg" alt="p">' \
		>"$dir/s/a/b.html"
	echo '<svg/>' >"$dir/s/p.svg"
}

# says TEXT ARGUMENT...: the check fails, and says that; without TEXT it does not fail
says() {
	local text=$1 said status=0
	shift
	said=$("$check" "$@" 2>&1) || status=$?
	if { [ -z "$text" ] && [ $status != 0 ]; } ||
		{ [ -n "$text" ] && { [ $status != 1 ] || [[ $said != *"$text"* ]]; }; }; then
		echo "FAIL: wanted \"$text\", status $status: $said"
		failed=1
	fi
}

# page TEXT LINE [FILE]: with this line the project has that mistake
page() {
	project
	printf '\n%s\n' "$2" >>"$dir/p/${3:-README.md}"
	says "$1" "$dir/p"
}

page "" "nothing"
page "README.md:11: leads nowhere: docs/none.md" "[a](docs/none.md)"
page "no such heading: docs/guide/one.md#none" "[a](docs/guide/one.md#none)"
page "no such heading: #none" "[a](#none)"
page "leads nowhere: ../../none.c" "[a](../../none.c)" docs/guide/one.md
page "leads nowhere: none.svg" "![a](none.svg)"
page "leads nowhere: none.svg" "[![a](none.svg)](src/x.c)"
page "a picture without a text" "![](docs/pictures/way.svg)"
page "a picture on another host" "![a](https://none.invalid/a.svg)"
page "does not list two.md" "# Two" docs/guide/two.md
page "lists one.md more than once" "- [Again](one.md)" docs/guide/README.md
page "leads nowhere: three.md" "| [Three](three.md) | x |" docs/guide/README.md
project
echo '<svg/>' >"$dir/p/docs/pictures/other.svg"
says "other.svg: no page shows it" "$dir/p"

# in_site TEXT HTML: with this in a page the site has that mistake
in_site() {
	site
	echo "$2" >>"$dir/s/a/b.html"
	says "$1" --site "$dir/s"
}

in_site "" "<p>"
in_site "a/b.html: leads nowhere: none.html" '<a href="none.html">'
in_site "leads nowhere: ../../up.html" '<a href="../../up.html">'
in_site "no such place: ../index.html#none" '<a href="../index.html#none">'
in_site "leads nowhere: /top.css" '<link href="/top.css">'
in_site "loads https://none.invalid/x.js" '<script src="https://none.invalid/x.js"></script>'
in_site "a picture without a text" '<img src="../p.svg">'
site
echo '@import url(//none.invalid/a.css);' >"$dir/s/a.css"
says "loads from elsewhere" --site "$dir/s"
site
rm "$dir/s/index.html"
says "there is no index.html" --site "$dir/s"
exit $failed
