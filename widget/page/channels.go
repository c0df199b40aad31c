package page

import "github.com/oxlin/oxlin"

// failing says that the channel is not read any more until somebody acts.
func (c ChannelChoice) failing() bool {
	return c.Status == oxlin.ChannelFailed || c.Status.NeedsUser()
}

// state says how a channel that is used already is doing.
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
