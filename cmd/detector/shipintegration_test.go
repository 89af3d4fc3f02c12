//go:build integration

package main

import (
	"net/http"
	"testing"

	"github.com/revwatch/revwatch/internal/broker/apache"
	"github.com/revwatch/revwatch/internal/searchengine"
)

// From the indices of OpenSearch itself, through Apache Kafka itself, to an alert.
func TestIntegrationShipElasticsearch(t *testing.T) {
	kafka := apache.Start(t, apache.Options{Topics: []string{"nango-logs"}, Partitions: 3, Config: map[string]string{"group.min.session.timeout.ms": "1000"}})
	node := searchengine.OpenSearch(t)
	node.Nango("20250724_operations", "20240528_messages")
	newSiteAt(t, kafka.Addrs(), nil).shipToIncident(node.URL, func(rows []indexed) {
		all := make([]searchengine.Row, len(rows))
		for i, r := range rows {
			all[i] = searchengine.Row{Alias: r.alias, ID: r.id, Created: r.created, Source: r.source}
		}
		node.Write(all)
		node.Do(http.MethodPost, "/_refresh", nil)
	})
}
