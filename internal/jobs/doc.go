// Package jobs runs the platform's work in the background, on River, in the same
// database as everything else: a job exists if and only if the transaction that
// asked for it commits.
//
// One synchronisation has one job at a time, on all nodes together. A job that
// continues enqueues its successor in the transaction that ends it; a job whose
// process died or freezes continues on another node within ten seconds, however long a job may
// take, and the old attempt then writes nothing more; a job
// that fails too often is given up, and the Service ends its synchronisation.
//
// It must never know what a job means: it calls the Service and nothing else. No
// other package may know River. Start reading at engine.go, then queue.go for the
// rules of what may wait beside what.
package jobs
