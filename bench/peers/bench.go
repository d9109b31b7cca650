// SPDX-License-Identifier: MIT

// The benchmarks of bench/ in Go: goroutines as actors, one channel each as
// the inbox.
//
//	bench_go NAME N CAPACITY [SIZE]     threads: GOMAXPROCS
//
// In *_forced each goroutine has an OS thread to itself.
package main

import (
	"fmt"
	"io"
	"math/rand"
	"net"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	batch     = 1000 // of spawn_local
	sleeps    = 4    // of each actor in timers
	echoBytes = 64
	settle    = 20 * time.Millisecond
	stages    = 4 // of latency
	cacheLine = 8 // words
)

var (
	name     string
	n        int64
	size     int
	capacity int
	left     int64 // what the run waits for
	began    time.Time
	cpuBegan float64
)

func usage() syscall.Rusage {
	var r syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return r
}

func cpu() float64 {
	r := usage()
	return float64(r.Utime.Sec+r.Stime.Sec) +
		float64(r.Utime.Usec+r.Stime.Usec)*1e-6
}

func rss() int64 {
	b, _ := os.ReadFile("/proc/self/statm")
	pages, _ := strconv.ParseInt(strings.Fields(string(b))[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

func start() {
	cpuBegan = cpu()
	began = time.Now()
}

func report(ops int64, extra string) {
	secs := time.Since(began).Seconds()
	cpu := cpu() - cpuBegan
	fmt.Printf("%s impl=go-%d n=%d secs=%.4f rate=%.0f/s ns_per_op=%.1f "+
		"rss_kb=%d cpu_secs=%.3f cpu_ns_per_op=%.1f%s\n",
		name, capacity, ops, secs, float64(ops)/secs,
		secs*1e9/float64(ops), usage().Maxrss, cpu,
		cpu*1e9/float64(ops), extra)
}

func check(holds bool) {
	if !holds {
		fmt.Fprintln(os.Stderr, "bench_go: a check failed")
		os.Exit(3)
	}
}

func seed(i int) uint64 { return uint64(i+1) * 0x9E3779B97F4A7C15 }

func random(s *uint64) uint64 {
	x := *s
	x ^= x << 13
	x ^= x >> 7
	x ^= x << 17
	*s = x
	return x
}

func lock() {
	if strings.HasSuffix(name, "_forced") {
		runtime.LockOSThread()
	}
}

func ring() {
	ch := make([]chan int64, size)
	place := make([]int, size)
	for i := range ch {
		ch[i] = make(chan int64, capacity)
		place[i] = i
	}
	if name == "ring_random" {
		rand.Shuffle(size, func(i, k int) {
			place[i], place[k] = place[k], place[i]
		})
	}
	out := make([]chan int64, size)
	for i := range place {
		out[place[i]] = ch[place[(i+1)%size]]
	}
	done := make(chan bool)
	sum := make(chan int64)
	for i := range ch {
		go func(in, out chan int64) {
			lock()
			var hops int64
			for left := range in {
				hops++
				if left > 0 {
					out <- left - 1
				} else {
					done <- true
				}
			}
			sum <- hops
		}(ch[i], out[i])
	}
	time.Sleep(settle)
	start()
	ch[1] <- n - 1
	<-done
	report(n, fmt.Sprintf(" actors=%d", size))
	var total int64
	for i := range ch {
		close(ch[i])
		total += <-sum
	}
	check(total == n)
}

// Two goroutines give way to each other.
func yields() {
	fin := make(chan bool)
	left = 2
	start()
	for i := 0; i < 2; i++ {
		go func() {
			for k := int64(0); k < n/2; k++ {
				runtime.Gosched()
			}
			if atomic.AddInt64(&left, -1) == 0 {
				fin <- true
			}
		}()
	}
	<-fin
	report(n/2*2, "")
}

func pairs() {
	ch := make([]chan int64, 2*size)
	for i := range ch {
		ch[i] = make(chan int64, capacity)
	}
	done := make(chan bool)
	for i := range ch {
		go func(in, out chan int64) {
			for left := range in {
				if left == 0 {
					done <- true
					return
				}
				out <- left - 1
			}
		}(ch[i], ch[i^1])
	}
	time.Sleep(settle)
	start()
	for i := 0; i < len(ch); i += 2 {
		ch[i] <- n - 1
	}
	for i := 0; i < size; i++ {
		<-done
	}
	report(n*int64(size), fmt.Sprintf(" pairs=%d", size))
}

// One timer for each goroutine, set again for each wait.
func timerSet() {
	ch := [2]chan int64{make(chan int64, capacity), make(chan int64, capacity)}
	done := make(chan bool)
	for i := range ch {
		go func(in, out chan int64) {
			timer := time.NewTimer(time.Second)
			for {
				if !timer.Stop() {
					<-timer.C
				}
				timer.Reset(time.Second)
				select {
				case left := <-in:
					if left == 0 {
						done <- true
						return
					}
					out <- left - 1
				case <-timer.C:
					check(false)
				}
			}
		}(ch[i], ch[1-i])
	}
	start()
	ch[0] <- n - 1
	<-done
	report(n, "")
}

// The time of a request counts from when it is due.
func latency() {
	ch := make([]chan time.Duration, stages)
	for i := range ch {
		ch[i] = make(chan time.Duration, capacity)
	}
	for i := 0; i < stages-1; i++ {
		go func(in, out chan time.Duration) {
			for due := range in {
				out <- due
			}
		}(ch[i], ch[i+1])
	}
	times := make([]time.Duration, n)
	fin := make(chan bool)
	go func() {
		for i := range times {
			due := <-ch[stages-1]
			times[i] = time.Since(began) - due
		}
		fin <- true
	}()
	time.Sleep(settle)
	start()
	for i := int64(0); i < n; i++ {
		due := time.Duration(i * int64(time.Second) / int64(size))
		for time.Since(began) < due {
			runtime.Gosched()
		}
		ch[0] <- due
	}
	<-fin
	sort.Slice(times, func(i, k int) bool { return times[i] < times[k] })
	at := func(share float64) int64 {
		return int64(times[int(share*float64(n-1))])
	}
	report(n, fmt.Sprintf(" per_second=%d p50=%d p90=%d p99=%d p999=%d "+
		"p9999=%d max=%d", size, at(0.5), at(0.9), at(0.99), at(0.999),
		at(0.9999), at(1)))
}

type msg struct {
	v     int64
	reply chan int64
}

func count() {
	c := make(chan msg, capacity)
	fin := make(chan int64)
	go func() {
		lock()
		var total int64
		for m := range c {
			if m.reply != nil {
				m.reply <- total
			} else {
				total += m.v
			}
		}
	}()
	go func() {
		lock()
		reply := make(chan int64)
		start()
		for i := int64(0); i < n; i++ {
			c <- msg{1, nil}
		}
		c <- msg{0, reply}
		fin <- <-reply
	}()
	check(<-fin == n)
	report(n, "")
}

func fanIn() {
	c := make(chan int64, capacity)
	begin := make(chan bool)
	fin := make(chan int64)
	total := n * int64(size)
	go func() {
		var t int64
		for t < total {
			t += <-c
		}
		fin <- t
	}()
	for i := 0; i < size; i++ {
		go func() {
			<-begin
			for i := int64(0); i < n; i++ {
				c <- 1
			}
		}()
	}
	time.Sleep(settle)
	start()
	close(begin)
	check(<-fin == total)
	report(total, fmt.Sprintf(" producers=%d", size))
}

func rpc() {
	c := make(chan msg, capacity)
	fin := make(chan bool)
	go func() {
		lock()
		for m := range c {
			m.reply <- m.v + 1
		}
	}()
	go func() {
		lock()
		reply := make(chan int64, capacity)
		start()
		for i := n; i > 0; i-- {
			c <- msg{i, reply}
			check(<-reply == i+1)
		}
		fin <- true
	}()
	<-fin
	report(n, "")
}

func spawn(batch int64) {
	fin := make(chan bool)
	left = n
	go func() {
		start()
		for i := int64(0); i < n; i++ {
			ch := make(chan int64, capacity)
			go func() {
				<-ch
				if atomic.AddInt64(&left, -1) == 0 {
					fin <- true
				}
			}()
			ch <- i
			if i%batch == batch-1 {
				runtime.Gosched()
			}
		}
	}()
	<-fin
	report(n, "")
}

func alive() {
	rss0 := rss()
	fin := make(chan bool)
	left = n
	start()
	chs := make([]chan int64, n)
	for i := range chs {
		ch := make(chan int64, capacity)
		chs[i] = ch
		go func() {
			var sum int64
			for {
				if atomic.AddInt64(&left, -1) == 0 {
					fin <- true
				}
				sum += <-ch
			}
		}()
	}
	<-fin
	if name == "alive_msg" {
		left = n
		start()
		go func() {
			for _, ch := range chs {
				ch <- 1
			}
		}()
		<-fin
	}
	report(n, fmt.Sprintf(" rss_per_actor=%d", (rss()-rss0)/n))
	runtime.KeepAlive(chs)
}

// Keeps 64 bytes, or several times that, on the stack while f runs.
func deep(bytes int, f func()) {
	if bytes <= 0 {
		f()
		return
	}
	var local [64]byte
	local[bytes%64] = 1
	deep(bytes-64, f)
	check(local[bytes%64] == 1)
}

// Idle goroutines: each has received a message of type M, and waits.
func keepers[M any](depth int) {
	var m M
	rss0 := rss()
	fin := make(chan bool)
	left = n
	chs := make([]chan M, n)
	start()
	for i := range chs {
		ch := make(chan M, capacity)
		chs[i] = ch
		go deep(depth, func() {
			for {
				m := <-ch
				if atomic.AddInt64(&left, -1) == 0 {
					fin <- true
				}
				runtime.KeepAlive(&m)
			}
		})
		ch <- m
	}
	<-fin
	report(n, fmt.Sprintf(" local=%d rss_per_actor=%d", depth, (rss()-rss0)/n))
	runtime.KeepAlive(chs)
}

func memoryMsg() {
	sizes := map[int]func(int){
		8: keepers[[8]byte], 16: keepers[[16]byte], 32: keepers[[32]byte],
		64: keepers[[64]byte], 128: keepers[[128]byte],
		256: keepers[[256]byte], 512: keepers[[512]byte],
		1024: keepers[[1024]byte],
	}
	check(sizes[size] != nil)
	sizes[size](0)
}

func timers() {
	fin := make(chan bool)
	var late int64
	ops := n * sleeps
	left = ops
	start()
	for i := 0; i < int(n); i++ {
		go func(i int) {
			s := seed(i)
			for k := 0; k < sleeps; k++ {
				length := time.Duration(1+random(&s)%1000) * time.Millisecond
				due := time.Now().Add(length)
				time.Sleep(length)
				l := time.Since(due)
				check(l >= 0)
				atomic.AddInt64(&late, l.Microseconds())
				if atomic.AddInt64(&left, -1) == 0 {
					fin <- true
				}
			}
		}(i)
	}
	<-fin
	report(ops, fmt.Sprintf(" avg_late_us=%d", late/ops))
}

type bigMsg struct {
	pong bool
	from int
}

// Channels with less room than this can deadlock.
func big() {
	ch := make([]chan bigMsg, size)
	for i := range ch {
		ch[i] = make(chan bigMsg, 2*size)
	}
	fin := make(chan bool)
	served := make([]int64, size*cacheLine)
	left = int64(size)
	for i := range ch {
		go func(id int) {
			s := seed(id)
			asked := -1
			var pings int64
			for m := range ch[id] {
				if !m.pong {
					served[id*cacheLine]++
					ch[m.from] <- bigMsg{true, id}
					continue
				}
				check(m.from == asked)
				if pings == n {
					if atomic.AddInt64(&left, -1) == 0 {
						fin <- true
					}
					continue
				}
				asked = int(random(&s) % uint64(size))
				pings++
				ch[asked] <- bigMsg{false, id}
			}
		}(i)
	}
	time.Sleep(settle)
	start()
	for i := range ch {
		ch[i] <- bigMsg{true, -1}
	}
	<-fin
	report(2*n*int64(size), fmt.Sprintf(" actors=%d", size))
	var total int64
	for i := range ch {
		total += served[i*cacheLine]
	}
	check(total == n*int64(size))
}

func echoServer(l net.Listener) {
	for {
		c, err := l.Accept()
		check(err == nil)
		go func() {
			defer c.Close()
			buf := make([]byte, echoBytes)
			for {
				k, err := c.Read(buf)
				if err != nil {
					return
				}
				if _, err = c.Write(buf[:k]); err != nil {
					return
				}
			}
		}()
	}
}

func echo() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err == nil)
	go echoServer(l)
	begin := make(chan bool)
	fin := make(chan bool)
	left = int64(size)
	for i := 0; i < size; i++ {
		go func() {
			c, err := net.Dial("tcp", l.Addr().String())
			check(err == nil)
			buf := make([]byte, echoBytes)
			back := make([]byte, echoBytes)
			<-begin
			for i := int64(0); i < n; i++ {
				buf[0], buf[1], buf[2] = byte(i), byte(i>>8), byte(i>>16)
				_, err = c.Write(buf)
				check(err == nil)
				_, err = io.ReadFull(c, back)
				check(err == nil && string(buf) == string(back))
			}
			if atomic.AddInt64(&left, -1) == 0 {
				fin <- true
			}
		}()
	}
	time.Sleep(settle)
	start()
	close(begin)
	<-fin
	report(n*int64(size), fmt.Sprintf(" connections=%d bytes=%d", size, echoBytes))
}

type bench struct {
	size int
	run  func()
}

var benches = map[string]bench{
	"pingpong_local":  {2, ring},
	"pingpong_forced": {2, ring},
	"ring_local":      {1000, ring},
	"ring_million":    {1000000, ring},
	"ring_random":     {1000000, ring},
	"switch":          {0, yields},
	"pairs_local":     {2, pairs},
	"pairs":           {2, pairs},
	"count_local":     {0, count},
	"count_forced":    {0, count},
	"spawn_local":     {0, func() { spawn(batch) }},
	"spawn_burst":     {0, func() { spawn(n) }},
	"spawn_alive":     {0, alive},
	"alive_msg":       {0, alive},
	"memory_msg":      {64, memoryMsg},
	"memory_depth":    {64, func() { keepers[int64](size) }},
	"rpc_local":       {0, rpc},
	"rpc_forced":      {0, rpc},
	"fan_in_local":    {100, fanIn},
	"fan_in":          {100, fanIn},
	"timers":          {0, timers},
	"timer_set":       {0, timerSet},
	"big_local":       {120, big},
	"big":             {120, big},
	"echo_local":      {1, echo},
	"echo_forced":     {1, echo},
	"latency_local":   {100000, latency},
	"latency":         {100000, latency},
}

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: bench_go NAME N CAPACITY [SIZE]")
		os.Exit(2)
	}
	name = os.Args[1]
	n, _ = strconv.ParseInt(os.Args[2], 10, 64)
	capacity, _ = strconv.Atoi(os.Args[3])
	b, found := benches[name]
	if !found || n <= 0 {
		fmt.Fprintln(os.Stderr, "bench_go: no such benchmark, or no N")
		os.Exit(2)
	}
	size = b.size
	if len(os.Args) > 4 {
		size, _ = strconv.Atoi(os.Args[4])
	}
	b.run()
}
