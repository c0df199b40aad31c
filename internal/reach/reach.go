// Package reach lets the platform connect to public servers alone, where somebody else has chosen
// the address: the keys of a client, the authority of a certificate.
//
// It looks at the address to which a name has been resolved, at each connection, so that no name
// leads inside. The package must never resolve a name itself. Start reading at Public.
package reach

import (
	"errors"
	"net/netip"
	"slices"
	"syscall"
)

// Public is a net.Dialer's Control that refuses addresses that the internet does not route. It sees the address
// after the name was resolved, so that no name leads inside.
func Public(_, address string, _ syscall.RawConn) error {
	parsed, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := parsed.Addr().Unmap()
	inner := func(network netip.Prefix) bool { return network.Contains(ip) }
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || slices.ContainsFunc(innerNetworks, inner) {
		return errors.New("the address is not a public one")
	}
	return nil
}

// innerNetworks are further addresses that the internet does not route: those of carriers (RFC
// 6598), of tests and documents, the reserved ones, and those of IPv6 that lead to any of IPv4
// (RFC 4291 §2.5.5.1, RFC 6052, RFC 8215, RFC 3056, RFC 4380).
var innerNetworks = []netip.Prefix{
	netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("::/96"), netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("2001::/32"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("fec0::/10"),
}
