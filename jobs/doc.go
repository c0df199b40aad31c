// Package jobs runs the platform's work in the background, on River, in the same
// database as everything else: a job exists if and only if the transaction that
// asked for it commits.
//
// One synchronisation has one job at a time, on all nodes together. A job that
// goes on enqueues its successor with the same transaction that ends it; a job
// whose process died is run again after a minute or so; a job that fails again
// and again is given up, and synchro told.
//
// It must never know what a job means: it calls the Service and nothing else. No
// other package may know River. Start reading at engine.go, then queue.go for the
// rules of what may wait beside what.
package jobs
