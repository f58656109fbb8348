package main

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// measureStart starts the server again and again, and measures from the start of its process to its first answer.
func (b *bench) measureStart() {
	b.repeat(measurement{Measure: "start", Unit: "ms"}, b.reps+2, func(int, *measurement) (float64, error) {
		words := strings.Fields(b.launch)
		if len(words) == 0 {
			return 0, errors.New("no -launch command")
		}
		server := exec.Command(words[0], words[1:]...)
		server.Stderr = os.Stderr
		begin := time.Now()
		if err := server.Start(); err != nil {
			return 0, err
		}
		err := b.firstAnswer(begin.Add(b.budget))
		took := float64(time.Since(begin).Microseconds()) / 1000
		b.pids = strconv.Itoa(server.Process.Pid)
		if err == nil {
			b.emitMemory("rss-started")
		}
		b.pids = ""
		return took, errors.Join(err, server.Process.Signal(os.Interrupt), server.Wait())
	})
}

// firstAnswer waits until the server answers, whatever it says.
func (b *bench) firstAnswer(limit time.Time) error {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		response, err := client.Head(b.files)
		if err == nil {
			return response.Body.Close()
		}
		if time.Now().After(limit) {
			return err
		}
		time.Sleep(2 * time.Millisecond)
	}
}
