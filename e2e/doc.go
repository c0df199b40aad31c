// Package e2e tells stories about the real binary: scripts in testdata/stories
// start it, talk to it over HTTP, kill it and look at what is left.
//
// It must never import a room of the platform: a story sees what a user sees.
// Start reading at testdata/stories, then stories_test.go for the words that the
// scripts use beside those of testscript.
package e2e
