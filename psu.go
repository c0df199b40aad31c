package oxlin

import "slices"

// PSU is the payment service user while they are present (banks §1.5). Passing it to a
// bank states their presence, which must be true. It is stored as JSON.
type PSU struct {
	IP        string `json:"ip"`
	UserAgent string `json:"user_agent,omitempty"`
	// The others are values that their browser has sent, or that the client tells; each is empty
	// if unknown. Port is that of their address, Location a geo: URI (RFC 5870).
	Port           string `json:"port,omitempty"`
	Accept         string `json:"accept,omitempty"`
	AcceptCharset  string `json:"accept_charset,omitempty"`
	AcceptEncoding string `json:"accept_encoding,omitempty"`
	AcceptLanguage string `json:"accept_language,omitempty"`
	Method         string `json:"method,omitempty"`
	DeviceID       string `json:"device_id,omitempty"`
	Location       string `json:"location,omitempty"`
	Referer        string `json:"referer,omitempty"`
}

// PSUHeader is a header by which a bank, or a client, tells of a user, and its value.
type PSUHeader struct{ Name, Value string }

// Headers returns the user as the headers of NextGenPSD2 and STET name them. Unknown ones
// are left out.
func (p PSU) Headers() []PSUHeader {
	all := []PSUHeader{
		{"PSU-IP-Address", p.IP}, {"PSU-IP-Port", p.Port}, {"PSU-User-Agent", p.UserAgent}, {"PSU-Accept", p.Accept},
		{"PSU-Accept-Charset", p.AcceptCharset}, {"PSU-Accept-Encoding", p.AcceptEncoding}, {"PSU-Accept-Language", p.AcceptLanguage},
		{"PSU-Http-Method", p.Method}, {"PSU-Device-ID", p.DeviceID}, {"PSU-Geo-Location", p.Location}, {"PSU-Referer", p.Referer},
	}
	return slices.DeleteFunc(all, func(h PSUHeader) bool { return h.Value == "" })
}

// longestPSUHeader bounds the value that is kept of a header of a user's browser.
const longestPSUHeader = 1000

// NewPSU returns the user with an address. header returns the known headers of their
// browser, by the names of Headers without PSU-; it gets no user agent.
func NewPSU(address, agent string, header func(name string) string) PSU {
	told := func(name string) string {
		value := header(name)
		if len(value) > longestPSUHeader || !IsText(value) {
			return "" // a part of it would be another one
		}
		return value
	}
	return PSU{
		IP: address, UserAgent: agent, Port: told("IP-Port"), Accept: told("Accept"), AcceptCharset: told("Accept-Charset"),
		AcceptEncoding: told("Accept-Encoding"), AcceptLanguage: told("Accept-Language"), Method: told("Http-Method"), DeviceID: told("Device-ID"),
		Location: told("Geo-Location"), Referer: told("Referer"),
	}
}
