package auth

import (
	"net/http"
	"net/netip"
	"strings"
)

const (
	network4 = 24 // bits that a house has in common
	network6 = 64
)

// ClientNetwork returns the network a request comes from, the zero Prefix when that cannot be told, as behind
// a socket of the machine. What X-Forwarded-For says is believed only from a proxy that the configuration
// names, and then only to the nearest address that is not such a proxy itself: what stands further left was
// written by the client.
func ClientNetwork(r *http.Request, proxies []netip.Prefix) netip.Prefix {
	addr := remoteAddr(r.RemoteAddr)
	if len(proxies) == 0 || addr.IsValid() && !within(proxies, addr) {
		return networkOf(addr)
	}
	hops := r.Header.Values("X-Forwarded-For")
	for i := len(hops) - 1; i >= 0; i-- {
		for rest, more := hops[i], true; more; {
			var hop string
			if comma := strings.LastIndexByte(rest, ','); comma >= 0 {
				rest, hop = rest[:comma], rest[comma+1:]
			} else {
				hop, more = rest, false
			}
			next := remoteAddr(strings.TrimSpace(hop))
			if !next.IsValid() {
				return networkOf(addr)
			}
			if addr = next; !within(proxies, addr) {
				return networkOf(addr)
			}
		}
	}
	return networkOf(addr)
}

// remoteAddr reads an address with or without a port, the zero Addr when it is none.
func remoteAddr(s string) netip.Addr {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}

func within(prefixes []netip.Prefix, addr netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

func networkOf(addr netip.Addr) netip.Prefix {
	bits := network6
	if addr.Is4() {
		bits = network4
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
