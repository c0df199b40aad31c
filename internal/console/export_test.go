package console

// Patterns returns the patterns of all routes that require a session.
func (c *Console) Patterns() []string {
	var patterns []string
	for _, route := range c.routes() {
		patterns = append(patterns, route.pattern)
	}
	return patterns
}
