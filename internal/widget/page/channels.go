package page

import "github.com/oxlin/oxlin"

// failing reports whether the channel is not read until the user or the client acts.
func (c ChannelChoice) failing() bool {
	return c.Status == oxlin.ChannelFailed || c.Status.NeedsUser()
}

// state returns the text for the status of a channel in use.
func (d drawing) state(c ChannelChoice) string {
	switch {
	case c.failing():
		title, _ := d.trouble(string(c.Status))
		return title
	case c.Status == oxlin.ChannelRunning, c.Status == oxlin.ChannelNever:
		return d.text("channels.running")
	case !c.Until.IsZero():
		return d.text("channels.until", "Day", d.day(c.Until))
	}
	return d.text("channels.connected")
}
