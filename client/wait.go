package client

import (
	"context"
	"time"
)

// longestPause bounds the pause between two reads of a connection.
const longestPause = 8 * time.Second

// WaitForConnection reads a connection until it is no longer RUNNING, and returns it;
// its status is SUCCESS if the synchronisation succeeded. The first pause between two
// reads is pause (two seconds suit a user who waits in front of a page); it doubles up
// to eight seconds. A connection also runs while its bank waits for the user's answer:
// subscribe to a queue if that can happen.
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
