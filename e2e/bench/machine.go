package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// machine is where a run was made.
type machine struct {
	Processors int    `json:"processors"`
	Kernel     string `json:"kernel"`
	Go         string `json:"go"`
	// Datasync is the median and the 99th percentile of a 4 kB write with fdatasync, in ms, before
	// the run.
	Datasync [2]float64 `json:"datasync"`
	// Load is the load average before the run: other work takes processors away.
	Load string `json:"load"`
}

func (m machine) String() string {
	return fmt.Sprintf("%d processors, kernel %s, %s, fdatasync of 4 kB %.2f ms (p99 %.2f ms), load %s", m.Processors, m.Kernel, m.Go, m.Datasync[0], m.Datasync[1], m.Load)
}

func lookAtMachine(directory string) (machine, error) {
	kernel, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return machine{}, err
	}
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return machine{}, err
	}
	times, err := datasyncs(directory)
	if err != nil {
		return machine{}, err
	}
	return machine{
		runtime.NumCPU(), strings.TrimSpace(string(kernel)), runtime.Version(),
		[2]float64{milliseconds(percentile(times, 50)), milliseconds(percentile(times, 99))}, strings.Fields(string(load))[0],
	}, nil
}

// datasyncs writes 4 kB and gives them to the disk, again and again, as a log of commits grows.
func datasyncs(directory string) ([]time.Duration, error) {
	file, err := os.Create(filepath.Join(directory, "datasync"))
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	var times []time.Duration
	for range 200 {
		begun := time.Now()
		_, err := file.Write(make([]byte, 4096))
		if err != nil {
			return nil, err
		}
		err = datasync(file)
		if err != nil {
			return nil, err
		}
		times = append(times, time.Since(begun))
	}
	slices.Sort(times)
	return times, nil
}
