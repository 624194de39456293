package redistest

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	clusterDeadline = 20 * time.Second
	clusterSlots    = 16384
	// The port of a cluster's bus is 10000 higher than the node's and may be taken.
	clusterAttempts = 20
)

// StartCluster runs a cluster of n masters that share the slots, and blocks until every one of them serves all.
func StartCluster(t testing.TB, n int) []*Server {
	t.Helper()
	var nodes []*Server
	for attempt := 0; len(nodes) < n; attempt++ {
		node, err := StartMain(Config{Args: []string{
			"--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-allow-replica-migration", "no",
		}, NoProbe: true})
		if err != nil && attempt < clusterAttempts {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(node.Close)
		nodes = append(nodes, node)
	}
	clients := make([]*redis.Client, n)
	for i, node := range nodes {
		clients[i] = connect(t, node)
		if err := clients[i].ClusterAddSlotsRange(t.Context(), i*clusterSlots/n, (i+1)*clusterSlots/n-1).Err(); err != nil {
			t.Fatal(err)
		}
		if err := clients[0].ClusterMeet(t.Context(), node.Host, strconv.Itoa(node.Port)).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, client := range clients {
		awaitCluster(t, client, n)
	}
	return nodes
}

func connect(t testing.TB, s *Server) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: s.Addr})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func awaitCluster(t testing.TB, client *redis.Client, n int) {
	t.Helper()
	deadline := time.Now().Add(clusterDeadline)
	for {
		info, err := client.ClusterInfo(t.Context()).Result()
		if err == nil && strings.Contains(info, "cluster_state:ok") && strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d", n)) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the cluster is not up: %v\n%s", err, info)
		}
		time.Sleep(probePause)
	}
}

// StartSentinel runs a Sentinel that watches a master under a name, and calls it down after 300 ms.
func StartSentinel(t testing.TB, name string, master *Server) *Server {
	t.Helper()
	return StartWith(t, Config{Sentinel: true, ConfigFile: fmt.Sprintf(
		"sentinel monitor %s %s %d 1\nsentinel down-after-milliseconds %s 300\nsentinel failover-timeout %s 2000\n",
		name, master.Host, master.Port, name, name)})
}
