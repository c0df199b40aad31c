package health

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// slow counts how often it is collected.
type slow struct{ collected atomic.Int64 }

func (s *slow) Describe(chan<- *prometheus.Desc) {}

func (s *slow) Collect(metrics chan<- prometheus.Metric) {
	s.collected.Add(1)
	time.Sleep(100 * time.Millisecond)
	metrics <- prometheus.MustNewConstMetric(clockInDoubt, prometheus.GaugeValue, 1)
}

// Strangers who read the metrics at once share one count of the database.
func TestReadersOfTheMetricsShareACount(t *testing.T) {
	counting := &slow{}
	registry := prometheus.NewRegistry()
	registry.MustRegister(&rested{counting: counting})
	var readers sync.WaitGroup
	for range 50 {
		readers.Go(func() {
			families, err := registry.Gather()
			if err != nil || len(families) != 1 {
				t.Errorf("%v, %v", families, err)
			}
		})
	}
	readers.Wait()
	if n := counting.collected.Load(); n > 2 { // a reader may be late on a busy machine
		t.Errorf("the database was counted %d times", n)
	}
}
