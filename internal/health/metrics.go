package health

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/oxlin/oxlin/internal/clock"
	"github.com/oxlin/oxlin/internal/store"
)

// Metrics counts the requests of this process and its calls to banks.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	calls    *prometheus.HistogramVec
	// revocations counts what authorities say about certificates.
	revocations *prometheus.CounterVec
}

// NewMetrics returns metrics at zero. Their labels have few values: no path, no id.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "oxlin_http_request_seconds", Help: "How long requests took, by method and status.",
		}, []string{"method", "code"}),
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "oxlin_bank_call_seconds", Help: "How long banks took to answer, by method and status.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"method", "code"}),
		revocations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "oxlin_revocation_answers_total", Help: "What authorities say about certificates: good, revoked, unknown, or none for no answer.",
		}, []string{"answer"}),
	}
	m.registry.MustRegister(m.requests, m.calls, m.revocations, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Requests counts the requests that a handler answers.
func (m *Metrics) Requests(next http.Handler) http.Handler {
	return promhttp.InstrumentHandlerDuration(m.requests, next)
}

// BankCalls counts the calls that a transport carries.
func (m *Metrics) BankCalls(next http.RoundTripper) http.RoundTripper {
	return promhttp.InstrumentRoundTripperDuration(m.calls, next)
}

// Revocation counts what an authority says about a certificate.
func (m *Metrics) Revocation(answer string) { m.revocations.WithLabelValues(answer).Inc() }

// channels counts the channels by the outcome of their last synchronisation, each time
// it is collected. All nodes report the same figures: take their maximum, not their sum.
type channels struct{ db *store.DB }

var channelsByStatus = prometheus.NewDesc("oxlin_channels",
	"The channels of all users by status, that is by the outcome of their last synchronisation.", []string{"status"}, nil)

func (c channels) Describe(descriptions chan<- *prometheus.Desc) { descriptions <- channelsByStatus }

func (c channels) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	counts, err := c.db.Read().CountChannels(ctx)
	if err != nil {
		metrics <- prometheus.NewInvalidMetric(channelsByStatus, err)
		return
	}
	for status, n := range counts {
		metrics <- prometheus.MustNewConstMetric(channelsByStatus, prometheus.GaugeValue, float64(n), string(status))
	}
}

// rested lets a collector that asks the database rest for nineteen times as long as it has worked,
// and gives its last figures meanwhile: whoever reaches the platform may read the metrics, as
// often as they like, and takes a twentieth of one connection at most.
type rested struct {
	counting prometheus.Collector
	mu       sync.Mutex
	until    time.Time
	last     []prometheus.Metric
}

func (r *rested) Describe(descriptions chan<- *prometheus.Desc) { r.counting.Describe(descriptions) }

func (r *rested) Collect(metrics chan<- prometheus.Metric) {
	r.mu.Lock()
	defer r.mu.Unlock()
	begun := time.Now() // how long work takes is the machine's time
	if !begun.Before(r.until) {
		found := make(chan prometheus.Metric)
		go func() {
			defer close(found)
			r.counting.Collect(found)
		}()
		r.last = nil
		for metric := range found {
			r.last = append(r.last, metric)
		}
		ended := time.Now()
		r.until = ended.Add(19 * ended.Sub(begun))
	}
	for _, metric := range r.last {
		metrics <- metric
	}
}

// clockState reports whether this node believes its clock.
type clockState struct{ clock *clock.Clock }

var (
	clockInDoubt = prometheus.NewDesc("oxlin_clock_in_doubt",
		"1 while this node does not believe its clock: nothing ends because of the time.", nil, nil)
	clockJumps = prometheus.NewDesc("oxlin_clock_jumps_total", "How often the clock of this node has jumped since its process began.", nil, nil)
)

func (c clockState) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- clockInDoubt
	descriptions <- clockJumps
}

func (c clockState) Collect(metrics chan<- prometheus.Metric) {
	doubt, jumps := c.clock.State()
	inDoubt := 0.0
	if doubt != nil {
		inDoubt = 1
	}
	metrics <- prometheus.MustNewConstMetric(clockInDoubt, prometheus.GaugeValue, inDoubt)
	metrics <- prometheus.MustNewConstMetric(clockJumps, prometheus.CounterValue, float64(jumps))
}

// clientSecrets counts the secrets of clients that end, each time it is collected: without ids, because
// whoever reaches the platform may read the metrics. All nodes report the same.
type clientSecrets struct {
	db  *store.DB
	now func() time.Time
}

var (
	secretsEndingSoon = prometheus.NewDesc("oxlin_client_secrets_ending_soon",
		"How many secrets of clients end within 30 days; oxlin client list names them.", nil, nil)
	nextSecretEnd = prometheus.NewDesc("oxlin_client_secret_next_end_timestamp_seconds",
		"The first end of one of those, as Unix time; absent without one.", nil, nil)
)

func (c clientSecrets) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- secretsEndingSoon
	descriptions <- nextSecretEnd
}

func (c clientSecrets) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	clients, err := c.db.Read().Clients(ctx)
	if err != nil {
		metrics <- prometheus.NewInvalidMetric(secretsEndingSoon, err)
		return
	}
	n, first := 0, time.Time{}
	for _, client := range clients {
		for _, secret := range client.SecretsEndingSoon(c.now()) {
			n++
			if first.IsZero() || secret.EndsAt.Before(first) {
				first = secret.EndsAt
			}
		}
	}
	metrics <- prometheus.MustNewConstMetric(secretsEndingSoon, prometheus.GaugeValue, float64(n))
	if n > 0 {
		metrics <- prometheus.MustNewConstMetric(nextSecretEnd, prometheus.GaugeValue, float64(first.Unix()))
	}
}
