// Package e2e tells stories about the real binary: scripts in testdata/stories start
// it, call it over HTTP, kill it and check the result.
//
// It must never import a room of the platform, because a story may use only what a user
// can. Start reading at testdata/stories, then stories_test.go for the commands that
// the scripts use beside those of testscript.
package e2e
