#!/bin/sh
# SPDX-License-Identifier: MIT
#
# kernel.sh DIR BUILD TEST... - runs programs of BUILD/tests on the kernel of Debian 12
#
# The machine is emulated, 10 to 20 times slower than this one; its processor is like
# this one's, and there is no need for KVM. It reads this machine's files; BUILD is a copy
# on a disk of its own, as are /tmp and /var/tmp. What each test has said is in
# DIR/out/logs, their names, exit codes and seconds in DIR/out/results. DIR keeps the
# kernel.
#
#   LIMIT=300          seconds for each test
#   HEPH_...           are passed on
#   MEMORY=6G DISK=4G  what the emulated machine has
set -eu
mkdir -p "$1/out"
dir=$(cd "$1" && pwd)
build=$(cd "$2" && pwd)
shift 2

# ---- the kernel, once -----------------------------------------------------------------
if [ ! -e "$dir/vmlinuz" ]; then
	package=$(apt-cache depends linux-image-amd64 |
		sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p')
	(cd "$dir" && rm -f ./*.deb && apt-get -qq -o APT::Sandbox::User= download "$package")
	rm -rf "$dir/k"
	dpkg-deb --extract "$dir"/*.deb "$dir/k"
	version=${package#linux-image-}
	busybox depmod -b "$dir/k" "$version"
	modules=$dir/k/lib/modules/$version
	rm -rf "$dir/initrd"
	mkdir -p "$dir/initrd/bin" "$dir/initrd/m"
	cp "$(command -v busybox)" "$dir/initrd/bin/busybox"
	# What each needs comes before it; a dependency is named after what needs it.
	for module in virtio_pci virtio_blk crc32c_generic ext4 9pnet_virtio 9p; do
		grep "/$module.ko:" "$modules/modules.dep" | tr -d : | tr ' ' '\n' | tac
	done | awk 'NF && !seen[$0]++' >"$dir/initrd/m/list"
	while read -r file; do
		cp "$modules/$file" "$dir/initrd/m/"
	done <"$dir/initrd/m/list"
	cat >"$dir/initrd/init" <<'INIT'
#!/bin/busybox sh
b=/bin/busybox
$b mkdir /proc /r /disk
$b mount -t proc proc /proc
while read -r file; do
	$b insmod "/m/${file##*/}" || echo "no $file"
done </m/list
$b mount -t devtmpfs dev /dev
$b mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=loose,ro root /r
$b mount -t ext4 /dev/vda /disk
$b mkdir -p /disk/tmp /disk/vartmp
$b chmod 1777 /disk/tmp /disk/vartmp
build=$($b cat /disk/where)
$b mount -o bind /disk/tmp /r/tmp
$b mount -o bind /disk/vartmp /r/var/tmp
$b mkdir -p "/r$build"
$b mount -o bind /disk/build "/r$build"
$b mount -t tmpfs run /r/run
$b mount -t tmpfs mnt /r/mnt
$b mkdir /r/mnt/out
$b mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=none out /r/mnt/out
$b mount -o bind /dev /r/dev
$b mkdir -p /r/dev/pts /r/dev/shm
$b mount -t devpts -o ptmxmode=666 devpts /r/dev/pts
$b mount -t tmpfs shm /r/dev/shm
$b mount -t proc proc /r/proc
$b mount -t sysfs sys /r/sys
$b ip link set lo up
$b hostname kernel
$b cp /disk/command /disk/names /r/run/
$b setsid $b cttyhack $b chroot /r /bin/sh -c "cd '$build' && ulimit -n 20000 && exec sh /run/command \$(cat /run/names)"
echo "END OF COMMAND $?"
$b umount /disk 2>/dev/null
$b sync
$b poweroff -f
INIT
	chmod +x "$dir/initrd/init"
	(cd "$dir/initrd" && busybox find . | busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$dir/initrd.gz"
	cp "$dir/k/boot/vmlinuz-$version" "$dir/vmlinuz"
fi

# ---- the disk, each time --------------------------------------------------------------
rm -rf "$dir/stage" "$dir/disk" "$dir/out"
mkdir -p "$dir/stage/build" "$dir/out/logs"
tar -C "$build" -cf - --exclude='*.p' --exclude=./meson-logs --exclude=./site --exclude=./bench \
	. | tar -C "$dir/stage/build" -xf -
echo "$build" >"$dir/stage/where"
{
	echo 'export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin HOME=/root LC_ALL=C.UTF-8'
	env | sed -n "s/^\(HEPH_[A-Z_]*\)=\(.*\)/export \1='\2'/p"
	echo "LIMIT=${LIMIT:-300}"
	cat <<'END'
build=$PWD; cd /mnt/out
for name; do
	start=$(date +%s)
	(cd "$build" && exec timeout -s KILL "$LIMIT" "tests/$name") >"logs/$name" 2>&1 </dev/null
	echo "$name $? $(($(date +%s) - start))" | tee -a results
done
END
} >"$dir/stage/command"
for name; do
	echo "$name"
done >"$dir/stage/names"
truncate -s "${DISK:-4G}" "$dir/disk"
/sbin/mke2fs -q -t ext4 -d "$dir/stage" "$dir/disk"
rm -rf "$dir/stage"

qemu-system-x86_64 \
	-nodefaults -no-user-config -nographic -serial mon:stdio -no-reboot \
	-accel tcg,thread=multi -cpu max -smp 2 -m "${MEMORY:-6G}" \
	-kernel "$dir/vmlinuz" -initrd "$dir/initrd.gz" \
	-append 'console=ttyS0 panic=-1 quiet mitigations=off' \
	-drive "file=$dir/disk,format=raw,if=virtio,cache=unsafe" \
	-virtfs local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap \
	-virtfs "local,path=$dir/out,mount_tag=out,security_model=none" \
	-device virtio-rng-pci </dev/null

# One that has no result has failed: the machine ended before it.
awk -v wanted=$# '$2 { bad++; print "FAIL", $1 }
	END { bad += wanted - NR; print wanted - bad, "passed,", bad, "failed"; exit bad > 0 }' \
	"$dir/out/results"
