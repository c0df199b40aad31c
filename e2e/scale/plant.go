package main

import "math"

// cost holds the amounts that one piece of work takes.
type cost struct {
	node     float64 // processor seconds of a node
	database float64 // processor seconds of PostgreSQL
	commits  float64 // transactions that wait for the disk
	log      float64 // bytes of the write-ahead log
}

// times returns the cost of n pieces.
func (c cost) times(n float64) cost {
	return cost{n * c.node, n * c.database, n * c.commits, n * c.log}
}

// add returns the cost of both.
func (c cost) add(d cost) cost {
	return cost{c.node + d.node, c.database + d.database, c.commits + d.commits, c.log + d.log}
}

// costs are those of the platform's work on PostgreSQL, from docs/performance.md. The
// bench measures the platform's processes; PostgreSQL's processor time is taken as equal to theirs,
// as it was on a machine that both shared.
type costs struct {
	quiet cost // a synchronisation without news
	row   cost // a new row
	list  cost // a list of 100 rows, with its token
	token cost
	login cost // a password
}

var measured = costs{
	quiet: cost{node: 0.0094, database: 0.0094, commits: 5.4, log: 21_000},
	row:   cost{node: 0.000133, database: 0.000133, log: 2_000},
	list:  cost{node: 0.00066, database: 0.00066},
	token: cost{node: 0.0002, database: 0.0002, commits: 1, log: 700},
	login: cost{node: 0.024, commits: 1, log: 1_000},
}

// bytesOfRow is the size of a transaction in PostgreSQL's files, with its indexes and the sealed
// record of the bank: 1.38 MB for the 774 rows of the test bank's default file.
const bytesOfRow = 1_800

// plant is the machines of one cluster: one PostgreSQL, and nodes that serve and work.
type plant struct {
	nodes   int
	cores   float64 // of a node
	workers int     // --workers of a node: the most for one bank
	// database are PostgreSQL's cores, commits the transactions a second that its disk
	// makes durable, and log the bytes a second that it writes and sends to a standby.
	database, commits, log float64
	// disk is how many bytes one PostgreSQL holds.
	disk float64
}

// places are all jobs that run at once on all nodes, and kept the part of them, and of the
// workers of each bank, that is kept for users who are present. See internal/jobs.share.
func (p plant) places() float64     { return 2 * float64(p.workers*p.nodes) }
func (p plant) ofOneBank() float64  { return float64(p.workers * p.nodes) }
func (p plant) kept() float64       { return 0.25 }
func (p plant) processors() float64 { return float64(p.nodes) * p.cores }

// A resource is something of which there is a limited amount, each second or at all.
type resource int

const (
	processors resource = iota
	places
	databaseProcessors
	commits
	log
	bankCalls
	disk
	resources
)

var names = [resources]string{
	processors: "processors of the nodes", places: "workers of the nodes", databaseProcessors: "processors of PostgreSQL",
	commits: "commits of PostgreSQL", log: "log of PostgreSQL", bankCalls: "calls that the largest bank bears",
	disk: "disk of PostgreSQL",
}

// added reports whether more nodes give more of a resource.
func (r resource) added() bool { return r == processors || r == places }

// amounts returns how much of each resource a second has; a worker is one second of a place.
func (p plant) amounts(patience float64) (a [resources]float64) {
	a[processors], a[places] = p.processors(), p.places()
	a[databaseProcessors], a[commits], a[log], a[bankCalls] = p.database, p.commits, p.log, patience
	a[disk] = p.disk
	return a
}

// bears returns how many pieces of work of one cost a second bears after other work.
func (p plant) bears(other, one cost) float64 {
	return min((p.processors()-other.node)/one.node, (p.database-other.database)/one.database,
		(p.commits-other.commits)/one.commits, (p.log-other.log)/one.log)
}

// fits returns the plant with as many nodes as keep the busiest second of the day below a part of
// what they have, and one more, which may be away.
func (p plant) fits(busiest [resources]float64, part float64) plant {
	one := p
	one.nodes = 1
	need := 1.0
	for r := range resources {
		if r.added() {
			need = max(need, busiest[r]/(part*one.amounts(1)[r]))
		}
	}
	p.nodes = int(math.Ceil(need)) + 1
	return p
}
