// Package browser tells the widget's stories in a real Chromium: files in
// JavaScript, *.test.mjs, click and type through a running platform, as a user and
// an integrator's site do, and look at every page that they see (inspector.mjs).
//
// It must never import a room of the platform: a story sees what a user sees.
// .ci/browser installs what it needs; OXLIN_FAILURES=DIR keeps pictures of failures.
// Start reading at redirect.test.mjs.
package browser
