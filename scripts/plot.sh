#!/bin/sh
# SPDX-License-Identifier: MIT
#
# plot.sh [DIR] - draws docs/plots/*.svg, or DIR/*.svg, from docs/plots/*.tsv
#
# A system that has no numbers is left out, and so is a picture without any.
set -eu
cd "$(dirname "$0")/.."
data=docs/plots
out=${1:-$data}
mkdir -p "$out"

# What all pictures have in common. Colours that all eyes can tell apart.
style='
set datafile separator "\t"
set datafile missing "-"
set datafile commentschars "#"
heph = "#0072b2"; go = "#e69f00"; erlang = "#999999"
set border 3 lc rgb "#666666"
set tics nomirror textcolor rgb "#222222"
set grid lc rgb "#dddddd" lt 1 lw 1
set key noautotitle textcolor rgb "#222222" samplen 2
set title font ",15"
set style line 1 lc rgb heph lw 3 pt 7 ps 0.7
set style line 2 lc rgb go lw 2 pt 7 ps 0.6
set style line 3 lc rgb erlang lw 2 pt 7 ps 0.6
name(n) = word("Heph Go Erlang", n)
'

# The colours for those who read in the dark, as in docs/pictures.
dark() { # FILE
	{
		sed -n '1,/^<title>/p' "$1" | sed '$d'
		echo "<style>"
		cat $data/dark.css
		echo "</style>"
		sed -n '/^<title>/,$p' "$1"
	} >"$1.new"
	mv "$1.new" "$1"
}

# draw NAME WIDTH HEIGHT: the commands come from standard input
draw() {
	{
		echo "set terminal svg size $2,$3 font 'DejaVu Sans,12' background '#ffffff' dynamic noenhanced"
		echo "set output '$out/$1.svg'"
		echo "$style"
		cat
	} | gnuplot
	sed -i 's/[[:blank:]]*$//' "$out/$1.svg"
	dark "$out/$1.svg"
	echo "$out/$1.svg"
}

# The date and the machine, from the top of a file, and whether it was busy.
about() { # FILE
	sed -n '1s/^# //p; s/^# \(CPU time: the machine was busy\).*/\1./p' \
		"$data/$1.tsv" | paste -s -d ' ' -
}

# Bars to the right: that system takes so many times as long as Heph.
ratios() {
	n=$(grep -cv '^#' $data/ratios.tsv)
	draw ratios 900 $((110 + 32 * n)) <<-END
	set title "How many times as long as Heph the others take"
	set xlabel "$(about ratios)" textcolor rgb "#666666"
	set logscale x
	set xrange [0.05:*]
	set yrange [$n-0.4:-0.6]
	set xtics ("1/10" 0.1, "1/3" 0.333, "as long" 1, "3 times" 3, "10 times" 10, \\
		"30" 30, "100" 100, "300" 300, "1000" 1000)
	set border 1
	set ytics scale 0
	set grid xtics noytics
	set key at graph 1, graph 1 right top Left reverse box lc rgb "#dddddd" opaque
	set lmargin 18
	set arrow from 1, graph 0 to 1, graph 1 nohead lc rgb heph lw 2 front
	plot '$data/ratios.tsv' \\
		using (1):(\$0 - 0.18):(1):(\$3 / \$2):(\$0 - 0.34):(\$0 - 0.02):ytic(1) \\
		with boxxyerror fill solid 1 lc rgb go title "Go", \\
	'' using (1):(\$0 + 0.18):(1):(\$4 / \$2):(\$0 + 0.02):(\$0 + 0.34) \\
		with boxxyerror fill solid 1 lc rgb erlang title "Erlang", \\
	'' using (\$3 / \$2 > 1 ? \$3 / \$2 : 1):(\$0 - 0.18):(sprintf(" %.2g", \$3 / \$2)) \\
		with labels left font ",9" textcolor rgb "#444444", \\
	'' using (\$4 / \$2 > 1 ? \$4 / \$2 : 1):(\$0 + 0.18):(sprintf(" %.2g", \$4 / \$2)) \\
		with labels left font ",9" textcolor rgb "#444444"
	END
}

actors() {
	draw actors 720 440 <<-END
	set title "A hop around a ring, by number of actors"
	set xlabel "actors\n$(about actors)"
	set rmargin 6
	set ylabel "nanoseconds"
	set logscale xy
	set yrange [10:*]
	set xtics ("10" 10, "100" 100, "1,000" 1e3, "10,000" 1e4, "100,000" 1e5, "1,000,000" 1e6)
	set key top left
	plot for [i = 1:3] '$data/actors.tsv' using 1:i + 1 \\
		with linespoints ls i title name(i)
	END
}

# Two panels: by the size of a message, and by what lies on the stack.
memory() {
	draw memory 960 440 <<-END
	set multiplot layout 1,2 title "Memory of an idle actor" font ",15"
	set ylabel "resident bytes"
	set logscale xy 2
	set yrange [128:32768]
	set xtics ("8" 8, "32" 32, "128" 128, "512" 512, "2 KiB" 2048)
	set ytics ("128" 128, "256" 256, "512" 512, "1 KiB" 1024, "2 KiB" 2048, \\
		"4 KiB" 4096, "8 KiB" 8192, "16 KiB" 16384, "32 KiB" 32768)
	set key top left
	set xlabel "bytes of a message"
	plot for [i = 1:3] '$data/message.tsv' using 1:i + 1 \\
		with linespoints ls i title name(i)
	set xlabel "bytes on its stack"
	set xrange [8:4096]
	unset ylabel
	plot for [i = 1:3] '$data/depth.tsv' using 1:i + 1 \\
		with linespoints ls i title name(i)
	unset multiplot
	END
}

# Two panels, one worker and two; the lines go from the median to the longest.
latency() {
	draw latency 960 440 <<-END
	set multiplot layout 1,2 title \\
		"Through four actors, 100,000 requests in a second" font ",15"
	set label "$(about latency)" \\
		at screen 0.5, 0.03 center font ",10" textcolor rgb "#666666"
	set bmargin 5
	set logscale y
	set yrange [100:1e8]
	set ytics ("100 ns" 100, "1 us" 1e3, "10 us" 1e4, "100 us" 1e5, "1 ms" 1e6, \\
		"10 ms" 1e7, "100 ms" 1e8)
	set xtics ()
	set offsets 0.2, 0.2, 0, 0
	set key bottom right
	set xlabel "percent of the requests, one worker"
	plot for [i = 1:3] '$data/latency.tsv' using 0:i + 1:xtic(1) \\
		with linespoints ls i title name(i)
	set xlabel "percent of the requests, two workers"
	plot for [i = 1:3] '$data/latency.tsv' using 0:i + 4:xtic(1) \\
		with linespoints ls i title name(i)
	unset multiplot
	END
}

# How much faster two workers are than one.
workers() {
	draw workers 720 400 <<-END
	set title "How many times as fast with two workers as with one"
	set xlabel "$(about workers)" textcolor rgb "#666666"
	set style data histograms
	set style histogram clustered gap 1
	set style fill solid 1
	set boxwidth 0.9
	set yrange [0:*]
	set grid ytics noxtics
	set xtics scale 0
	set arrow from graph 0, first 1 to graph 1, first 1 nohead lc rgb "#222222"
	set key top right
	plot for [i = 1:3] '$data/workers.tsv' using i + 1:xtic(1) ls i title name(i)
	END
}

for picture in ratios actors memory latency workers; do
	needs=$picture
	[ $picture = memory ] && needs=message
	if [ -f "$data/$needs.tsv" ]; then
		$picture
	fi
done
