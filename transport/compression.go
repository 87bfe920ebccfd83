package transport

import "strconv"

// Compression is permessage-deflate (RFC 7692) as one side wants it. The zero
// value neither offers nor accepts it.
type Compression struct {
	// Enabled makes a Dialer offer it and an Upgrader accept the first offer that
	// it can keep. Offers that are unknown or wrong are declined: the connection
	// comes about without compression.
	Enabled bool
	// Level is how hard we try, from 1, the fastest, to 9. It counts for what we
	// send, and only if the peer allows the whole window of 32 KiB. Default 1;
	// anything else is refused by the handshake.
	Level int
	// Threshold is the length in bytes below which a message goes uncompressed.
	// Default 512; negative: none is too short.
	Threshold int
	// ContextTakeover keeps what was said before, so that messages that resemble
	// each other become shorter (RFC 7692 §7.1.1). It costs up to 32 KiB for each
	// direction of each connection, and time for every message. Default false:
	// neither side keeps anything between messages.
	ContextTakeover bool
}

// Defaults of Compression.
const (
	defaultLevel     = 1
	defaultThreshold = 512
	bestLevel        = 9
)

// Bounds of a window's size, as powers of two (RFC 7692 §7.1.2).
const (
	minWindowBits = 8
	maxWindowBits = 15
)

// check says what is wrong with what the user has set.
func (c Compression) check() error {
	if c.Level < 0 || c.Level > bestLevel {
		return settingError("Compression.Level must be 1 to 9, or 0 for the default")
	}
	return nil
}

// codec is how we compress what we send on a connection with these windows.
func (c Compression) codec(windowBits int) codec {
	if windowBits < maxWindowBits {
		return windowCodec(windowBits)
	}
	if c.Level == 0 {
		return levelCodec(defaultLevel)
	}
	return levelCodec(c.Level)
}

func (c Compression) threshold() int {
	switch {
	case c.Threshold == 0:
		return defaultThreshold
	case c.Threshold < 0:
		return 0
	}
	return c.Threshold
}

// offer is what a client asks for. It always says that the server may limit our
// window: we can do that.
func (c Compression) offer() string {
	p := deflateParams{serverFresh: !c.ContextTakeover, clientFresh: !c.ContextTakeover}
	return p.String() + "; " + paramClientBits
}

// answer is what a server agrees to of a client's offers, or nil. RFC 7692 §5:
// the first offer that it can keep; all others are declined.
func (c Compression) answer(lines []string) *deflateParams {
	if !c.Enabled {
		return nil
	}
	offers, ok := parseExtensions(lines)
	if !ok {
		return nil
	}
	for _, e := range offers {
		if e.name != extensionDeflate {
			continue
		}
		p, detail := parseDeflate(e)
		if detail != "" {
			continue
		}
		// RFC 7692 §7.1.1.1, §7.1.1.2: the server may ask both of itself and of
		// the client, whatever was offered.
		p.serverFresh = p.serverFresh || !c.ContextTakeover
		p.clientFresh = p.clientFresh || !c.ContextTakeover
		return &p
	}
	return nil
}

// accept is what a client makes of the server's answer to its offer: nil if the
// server has declined it. RFC 7692 §5.2: the client fails the connection for
// anything that is not an answer to what it has asked.
func (c Compression) accept(lines []string) (*deflateParams, error) {
	if len(lines) == 0 {
		return nil, nil
	}
	list, ok := parseExtensions(lines)
	switch {
	case !ok || len(list) == 0:
		return nil, extensionError("malformed Sec-WebSocket-Extensions")
	case list[0].name != extensionDeflate:
		return nil, extensionError("an extension that nobody asked for")
	case len(list) > 1:
		return nil, extensionError("more than one extension where one was asked for")
	}
	p, detail := parseDeflate(list[0])
	switch {
	case detail != "":
		return nil, extensionError(detail)
	case p.clientBits == anyBits:
		return nil, extensionError(badBits)
	// RFC 7692 §7.1.1.1: a server accepts the offer "by including" it.
	case !c.ContextTakeover && !p.serverFresh:
		return nil, extensionError("the server insists on context takeover: set Compression.ContextTakeover")
	}
	p.clientFresh = p.clientFresh || !c.ContextTakeover
	return &p, nil
}

// extensionError says what is wrong with a server's answer.
type extensionError string

func (e extensionError) Error() string { return string(e) }

// The names of RFC 7692 §7.1.
const (
	extensionDeflate = "permessage-deflate"
	paramServerFresh = "server_no_context_takeover"
	paramClientFresh = "client_no_context_takeover"
	paramServerBits  = "server_max_window_bits"
	paramClientBits  = "client_max_window_bits"
)

// What is wrong with the parameters.
const (
	badParam = "unknown parameter of permessage-deflate"
	badTwice = "parameter of permessage-deflate is there twice"
	badValue = "parameter of permessage-deflate with a value that it does not take"
	badBits  = "window bits of permessage-deflate are not 8 to 15"
)

// anyBits is client_max_window_bits without a value: the server may choose.
const anyBits = -1

// deflateParams are the parameters of permessage-deflate in an offer, in an
// answer, and of a connection. Bits are 0 if they were not named.
type deflateParams struct {
	serverFresh, clientFresh bool // this side forgets everything between messages
	serverBits, clientBits   int8
}

// parseDeflate reads the parameters of an offer or an answer. detail says what is
// wrong with them (RFC 7692 §7.1).
func parseDeflate(e extension) (p deflateParams, detail string) {
	seen := map[string]bool{}
	for _, x := range e.params {
		if seen[x.name] {
			return p, badTwice
		}
		seen[x.name] = true
		if detail = p.set(x); detail != "" {
			return p, detail
		}
	}
	return p, ""
}

func (p *deflateParams) set(x extensionParam) (detail string) {
	switch x.name {
	case paramServerFresh, paramClientFresh:
		if x.valued {
			return badValue
		}
		if x.name == paramServerFresh {
			p.serverFresh = true
		} else {
			p.clientFresh = true
		}
	case paramServerBits:
		p.serverBits, detail = windowBits(x.value)
	case paramClientBits:
		if !x.valued {
			p.clientBits = anyBits
			return ""
		}
		p.clientBits, detail = windowBits(x.value)
	default:
		return badParam
	}
	return detail
}

// windowBits reads "a decimal integer value without leading zeroes between 8 to
// 15, inclusive" (RFC 7692 §7.1.2.1).
func windowBits(s string) (bits int8, detail string) {
	n, err := strconv.ParseUint(s, 10, 4)
	if err != nil || n < minWindowBits || s[0] == '0' {
		return 0, badBits
	}
	return int8(n), ""
}

// String writes the parameters as Sec-WebSocket-Extensions has them.
func (p deflateParams) String() string {
	s := extensionDeflate
	if p.serverFresh {
		s += "; " + paramServerFresh
	}
	if p.clientFresh {
		s += "; " + paramClientFresh
	}
	if p.serverBits > 0 {
		s += "; " + paramServerBits + "=" + strconv.Itoa(int(p.serverBits))
	}
	if p.clientBits > 0 {
		s += "; " + paramClientBits + "=" + strconv.Itoa(int(p.clientBits))
	}
	return s
}
