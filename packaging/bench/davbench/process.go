package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// processes returns the server's pids and those of all their descendants.
func (b *bench) processes() []string {
	pids := strings.FieldsFunc(b.pids, func(r rune) bool { return r == ',' })
	for i := 0; i < len(pids); i++ {
		tasks, _ := filepath.Glob("/proc/" + pids[i] + "/task/*/children")
		for _, path := range tasks {
			children, _ := os.ReadFile(path)
			pids = append(pids, strings.Fields(string(children))...)
		}
	}
	return pids
}

func procValue(path, key string) int {
	text, _ := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, key+":"); found {
			value, _ := strconv.Atoi(strings.Fields(rest)[0])
			return value
		}
	}
	return 0
}

// memoryUse is in KiB, summed over processes.
type memoryUse struct{ rss, anon, pss, peak int }

func memory(pids []string) (m memoryUse) {
	for _, pid := range pids {
		m.rss += procValue("/proc/"+pid+"/status", "VmRSS")
		m.anon += procValue("/proc/"+pid+"/status", "RssAnon")
		m.peak += procValue("/proc/"+pid+"/status", "VmHWM")
		m.pss += procValue("/proc/"+pid+"/smaps_rollup", "Pss")
	}
	return m
}

// resetPeak makes VmHWM count from now.
func resetPeak(pids []string) {
	for _, pid := range pids {
		os.WriteFile("/proc/"+pid+"/clear_refs", []byte("5"), 0)
	}
}

// cpuTime returns the milliseconds that all threads have run. The scheduler counts nanoseconds; where it does
// not, there are ticks of 10 ms.
func cpuTime(pids []string) (ms float64) {
	for _, pid := range pids {
		tasks, _ := filepath.Glob("/proc/" + pid + "/task/*/schedstat")
		if len(tasks) == 0 {
			ms += 10 * float64(ticks(pid))
		}
		for _, task := range tasks {
			text, _ := os.ReadFile(task)
			if fields := bytes.Fields(text); len(fields) > 0 {
				n, _ := strconv.ParseUint(string(fields[0]), 10, 64)
				ms += float64(n) / 1e6
			}
		}
	}
	return ms
}

// ticks is the user and system time of a process.
func ticks(pid string) (sum int) {
	stat, _ := os.ReadFile("/proc/" + pid + "/stat")
	if fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]); len(fields) > 12 {
		for _, field := range fields[11:13] {
			n, _ := strconv.Atoi(string(field))
			sum += n
		}
	}
	return sum
}

// switches counts the voluntary context switches of all threads.
func switches(pids []string) (n int) {
	for _, pid := range pids {
		tasks, _ := filepath.Glob("/proc/" + pid + "/task/*/status")
		for _, task := range tasks {
			n += procValue(task, "voluntary_ctxt_switches")
		}
	}
	return n
}

// writes counts the bytes that the processes gave to write calls.
func writes(pids []string) (n int) {
	for _, pid := range pids {
		n += procValue("/proc/"+pid+"/io", "wchar")
	}
	return n
}

// deviceWrites is how many bytes were written to a block device.
func deviceWrites(device string) (bytes float64) {
	text, _ := os.ReadFile("/sys/block/" + filepath.Base(device) + "/stat")
	if fields := strings.Fields(string(text)); len(fields) > 6 {
		sectors, _ := strconv.ParseFloat(fields[6], 64)
		return sectors * 512
	}
	return 0
}
