package notify

// NewWebhookReader makes the reader of webhooks with a configuration that trusts a test's
// server.
var NewWebhookReader = newWebhookReader
