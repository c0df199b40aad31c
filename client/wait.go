package client

import (
	"context"
	"time"
)

// longestPause is the most that lies between two looks at a connection.
const longestPause = 8 * time.Second

// WaitForConnection looks at a connection until it is not RUNNING any more, and gives
// what it is then: its status says whether data came. Between two looks it pauses for
// as long as pause says at first, two seconds where a user waits in front of a page,
// and each time twice as long, up to eight seconds. A connection also runs while its
// bank waits for the user's answer: subscribe to a queue where that may be.
func (c *Client) WaitForConnection(ctx context.Context, id string, pause time.Duration) (*Connection, error) {
	for ; ; pause = min(2*pause, longestPause) {
		connection, err := c.GetConnection(ctx, GetConnectionParams{ConnectionID: id})
		if err != nil || connection.Status != ConnectionStatusRUNNING {
			return connection, err
		}
		select {
		case <-ctx.Done():
			return connection, ctx.Err()
		case <-time.After(pause):
		}
	}
}
