// Command scale plays a day of a platform that is too large for one machine, on a clock of its own, and
// says what breaks first and what the day costs.
//
//	go run ./e2e/scale -connections 100000000
//
// It plays what the platform does, with what was measured: connections are due when
// synchro.NextAppointment says, banks and users compete for workers by the rules of the jobs'
// share, and each synchronisation takes the processor time, the transactions and the bytes of
// docs/performance.md, or those of a result that `make bench ARGS="-keep FILE"` has kept. Banks'
// sizes, answers and patience, users' habits, disks and prices are assumptions; each is a flag
// or a constant with a reason.
//
// It must never be read as a measurement: it adds up what single machines have shown. Start
// reading at plant.go, which says what there is, then demand.go, which says how much of it a
// day takes, and day.go, which plays the two.
package main
