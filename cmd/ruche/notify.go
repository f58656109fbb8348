package main

import "net"

// notify tells systemd how the service is (sd_notify), when it was started by it. Best effort: systemd gives up
// waiting by itself.
func notify(e *env, state string) {
	address, given := e.lookup("NOTIFY_SOCKET")
	if !given || address == "" {
		return
	}
	if address[0] == '@' {
		address = "\x00" + address[1:]
	}
	c, err := net.Dial("unixgram", address)
	if err != nil {
		return
	}
	defer c.Close()
	_, _ = c.Write([]byte(state))
}
